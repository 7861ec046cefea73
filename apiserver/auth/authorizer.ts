/** All authorizers in their order: system:masters first, then those that are configured. The first that allows or denies decides. */
import type { Clock } from '../../std/clock.ts';
import type { Attributes, Authorizer, Decision } from './auth.ts';
import { abacAuthorizer } from './authorization/abac.ts';
import { DEFAULT_MODES, type AuthorizationMode } from './authorization/config.ts';
import { webhookAuthorizer } from './authorization/webhook.ts';
import { createNodeAuthorizer } from './node-authorizer.ts';
import type { RbacAuthorizer } from './rbac.ts';
import { createRbacAuthorizer } from './rbac.ts';
import type { Reader } from './reader.ts';

export interface ClusterAuthorizer extends Authorizer {
  readonly rbac: RbacAuthorizer;
  /** Without waiting. Throws where somebody else would have to be asked. */
  authorizeNow(attributes: Attributes): Decision;
  /** Other authorizers from now on. */
  setModes(modes: readonly AuthorizationMode[]): void;
  close(): void;
}

export type OnDecision = (type: string, name: string, decision: 'allow' | 'deny') => void;

interface Mode {
  readonly type: AuthorizationMode['type'];
  readonly name: string;
  authorize(attributes: Attributes): Decision | Promise<Decision>;
  now(attributes: Attributes): Decision;
  /** Where it is not one of those that are known anyway. */
  rulesFor?: Authorizer['rulesFor'];
  close?(): void;
}

const SUPERUSER: Decision = { decision: 'allow', reason: '' };

export function createAuthorizer(reader: Reader, options: { readonly clock?: Clock; readonly modes?: readonly AuthorizationMode[]; readonly onDecision?: OnDecision } = {}): ClusterAuthorizer {
  const nodes = createNodeAuthorizer(reader);
  const rbac = createRbacAuthorizer(reader);
  const { onDecision } = options;
  const simple = (type: Mode['type'], authorize: (attributes: Attributes) => Decision): Omit<Mode, 'name'> => ({ type, authorize, now: authorize });
  const make = (mode: AuthorizationMode): Mode => ({ ...made(mode), name: mode.name });
  const made = (mode: AuthorizationMode): Omit<Mode, 'name'> => {
    switch (mode.type) {
      case 'Node':
        return simple('Node', (attributes) => nodes.authorize(attributes) as Decision);
      case 'RBAC':
        return simple('RBAC', (attributes) => rbac.authorize(attributes));
      case 'ABAC': {
        const abac = abacAuthorizer(mode.policies);
        return { ...simple('ABAC', (attributes) => abac.authorize(attributes)), rulesFor: (user, namespace) => abac.rulesFor(user, namespace) };
      }
      case 'AlwaysAllow':
        return simple('AlwaysAllow', () => SUPERUSER);
      case 'AlwaysDeny':
        return simple('AlwaysDeny', () => ({ decision: 'no-opinion', reason: 'Everything is forbidden.' }));
      case 'Webhook': {
        if (!options.clock) throw new Error('webhooks need a clock');
        const webhook = webhookAuthorizer(mode, options.clock);
        return { type: 'Webhook', authorize: (attributes) => webhook.authorize(attributes), now: (attributes) => webhook.known(attributes), close: () => webhook.close() };
      }
    }
  };
  let modes = (options.modes ?? DEFAULT_MODES).map(make);

  return {
    rbac,
    authorize: (attributes) => (attributes.user.groups.includes('system:masters') ? SUPERUSER : ask(modes, attributes, { onDecision })),
    authorizeNow(attributes) {
      if (attributes.user.groups.includes('system:masters')) return SUPERUSER;
      return ask(modes.map(({ now, type, name }) => ({ type, name, authorize: now, now })), attributes, { onDecision }) as Decision;
    },
    setModes(next) {
      const old = modes;
      modes = next.map(make);
      for (const { close } of old) close?.();
    },
    close() {
      for (const { close } of modes) close?.();
    },
    rulesFor(user, namespace) {
      const has = (type: Mode['type']): boolean => modes.some((mode) => mode.type === type);
      const listed = modes.flatMap(({ type, rulesFor }) => (type === 'RBAC' ? [rbac.rulesFor(user, namespace)] : rulesFor ? [rulesFor(user, namespace)] : []));
      const [resource, nonResource] = [listed.flatMap((rules) => rules.resource), listed.flatMap((rules) => rules.nonResource)];
      const all = has('AlwaysAllow');
      return {
        resource: all ? [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, ...resource] : resource,
        nonResource: all ? [{ verbs: ['*'], nonResourceURLs: ['*'] }, ...nonResource] : nonResource,
        ...(has('Webhook') && { incomplete: 'webhook authorizer does not support user rule resolution' }),
      };
    },
  };
}

/** Waits only for those that have to be waited for. */
interface Asking {
  readonly onDecision: OnDecision | undefined;
  readonly from?: number;
  readonly reasons?: readonly string[];
  readonly errors?: readonly string[];
}

function ask(modes: readonly Mode[], attributes: Attributes, { onDecision, from = 0, reasons = [], errors = [] }: Asking): Decision | Promise<Decision> {
  for (let at = from; at < modes.length; at++) {
    const { type, name, authorize } = modes[at] as Mode;
    const answer = authorize(attributes);
    if (answer instanceof Promise) {
      return answer.then((made) => {
        if (made.decision !== 'no-opinion') {
          onDecision?.(type, name, made.decision);
          return made;
        }
        return ask(modes, attributes, { onDecision, from: at + 1, reasons: made.reason ? [...reasons, made.reason] : reasons, errors: made.error ? [...errors, made.error] : errors });
      });
    }
    if (answer.decision !== 'no-opinion') {
      onDecision?.(type, name, answer.decision);
      return answer;
    }
    if (answer.reason) reasons = [...reasons, answer.reason];
    if (answer.error) errors = [...errors, answer.error];
  }
  const error = errors.length > 1 ? `[${errors.join(', ')}]` : errors[0];
  return { decision: 'no-opinion', reason: reasons.join('\n'), ...(error && { error }) };
}
