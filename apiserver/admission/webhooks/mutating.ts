/** MutatingAdmissionWebhook: webhooks that may change the object, called one after the other. */
import { applyJsonPatch } from '../../../api/patch/json-patch.ts';
import { JsonSyntaxError, parseJsonText } from '../../../api/codec/json-text.ts';
import { mutatingwebhookconfigurations } from '../../../api/resources.ts';
import { ApiError, internalError } from '../../../api/status.ts';
import { deepCopy } from '../../../std/deep.ts';
import type { AdmissionPlugin, AdmissionRequest, MutationPass } from '../admission.ts';
import { checkManagers } from '../matching/managed-fields.ts';
import { Reinvocation } from '../matching/reinvocation.ts';
import { isExempt, RequestTargets, type Target } from '../matching/subject.ts';
import { VersionedObjects } from '../matching/versioned.ts';
import { CallFailure, callHook, checkStillWaiting, type CallDependencies } from './call.ts';
import { followHooks, type Hook } from './hooks.ts';
import { isCalled, targetBy, type MatchDependencies } from './matching.ts';
import type { Verdict } from './review.ts';

export type WebhookDependencies = CallDependencies & MatchDependencies;

const NAME = 'MutatingAdmissionWebhook';

export function mutatingWebhooks(dependencies: WebhookDependencies): AdmissionPlugin {
  const hooks = followHooks(dependencies.reader, mutatingwebhookconfigurations);
  return {
    name: NAME,
    asksOthers: true,
    handles: (request) => hooks.all.length > 0 && !isExempt(request),
    async mutate(request, pass) {
      const objects = new VersionedObjects(request, dependencies.kinds);
      const targets = new RequestTargets(request, dependencies.kinds);
      const again = Reinvocation.of(NAME, request, pass);
      for (const [index, hook] of hooks.all.entries()) {
        const target = targetBy(hook, targets);
        if (!target || !(await isCalled(hook, target, request, { ...dependencies, objects, stage: 'admit' })) || !again.isDue(hook.id, pass)) continue;
        const changed = await new Turn({ hook, target, request, objects }, pass, index).run(dependencies);
        again.called(hook.id, { changed, again: hook.reinvoked }, pass);
      }
      again.done(request, pass);
    },
  };
}

interface Calling {
  readonly hook: Hook;
  readonly target: Target;
  readonly request: AdmissionRequest;
  readonly objects: VersionedObjects;
}

/** One webhook's turn in one round. */
class Turn {
  readonly #calling: Calling;
  readonly #place: string;

  constructor(calling: Calling, { round }: MutationPass, index: number) {
    this.#calling = calling;
    this.#place = `round_${round}_index_${index}`;
  }

  /** Whether it changed the object. Throws what refuses the request. */
  async run(dependencies: CallDependencies): Promise<boolean> {
    const { hook, request } = this.#calling;
    let changed = false;
    try {
      changed = await callHook({ ...this.#calling, mutating: true }, dependencies, (verdict) => this.#apply(verdict));
      return changed;
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      if (!hook.ignoresFailure) throw internalError(error.message, { cause: error });
      this.#annotate('failed-open.mutation', hook.name);
      checkStillWaiting(request);
      return false;
    } finally {
      this.#annotate('mutation', JSON.stringify({ configuration: hook.configuration, webhook: hook.name, mutated: changed }));
    }
  }

  async #apply({ patch, patchType }: Verdict): Promise<boolean> {
    const { hook, target, request, objects } = this.#calling;
    if (patch === '') return false;
    const operations = decodePatch(hook, patch);
    if (operations.length === 0) return false;
    const { object } = objects.get(target.kind);
    if (!object || !request.object) {
      throw internalError(`admission webhook ${JSON.stringify(hook.name)} attempted to modify the object, which is not supported for this operation`);
    }
    if (patchType !== 'JSONPatch') throw new CallFailure(hook, `unsupported patch type ${JSON.stringify(patchType)}`);
    const managers = request.object.metadata?.managedFields;
    const changed = await objects.set(target.kind, patched(object, operations));
    if (request.caller?.auditsBodies) this.#annotate('patch', JSON.stringify({ configuration: hook.configuration, webhook: hook.name, patch: operations, patchType }));
    checkManagers(request, managers);
    return changed;
  }

  #annotate(what: string, value: string): void {
    this.#calling.request.caller?.auditAnnotations?.set(`${what}.webhook.admission.k8s.io/${this.#place}`, value);
  }
}

function decodePatch(hook: Hook, patch: string): unknown[] {
  const wrong = (why: string): CallFailure => new CallFailure(hook, `received undecodable patch in webhook response: ${why}`);
  let operations: unknown;
  try {
    operations = parseJsonText(Buffer.from(patch, 'base64').toString()).value;
  } catch (error) {
    throw error instanceof JsonSyntaxError ? wrong(error.message) : error;
  }
  if (operations === null) return [];
  if (!Array.isArray(operations)) throw wrong(`json: cannot unmarshal ${jsonType(operations)} into Go value of type jsonpatch.Patch`);
  const odd = operations.find((one) => typeof one !== 'object' || Array.isArray(one)) as unknown;
  if (odd !== undefined) throw wrong(`json: cannot unmarshal ${jsonType(odd)} into Go value of type jsonpatch.Operation`);
  return operations;
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function patched(object: unknown, operations: unknown[]): unknown {
  try {
    return applyJsonPatch(deepCopy(object), operations, true);
  } catch (error) {
    throw error instanceof ApiError ? internalError(typeof error.cause === 'string' ? error.cause : error.message, { cause: error }) : error;
  }
}
