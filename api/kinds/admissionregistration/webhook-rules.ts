/** The rules for webhooks. */
import { type FieldError, Path, duplicate, invalid, notSupported, required, tooMany } from '../../field-error.ts';
import type { MatchCondition, RuleWithOperations, WebhookClientConfig } from '../../types/admissionregistration.v1.ts';
import type { LabelSelector } from '../../types/meta.v1.ts';
import { dns1035Label, dnsSubdomain } from '../shared/formats.ts';
import { checkLabelSelector } from '../shared/label-selector.ts';
import { isQualifiedName } from '../shared/text-rules.ts';
import { conditionRule } from './expression-rules.ts';
import { checkRule } from './rule-rules.ts';
import { checkWebhookClient } from '../shared/webhook-client-rules.ts';

export interface Webhook {
  readonly name: string;
  readonly clientConfig: WebhookClientConfig;
  readonly rules?: RuleWithOperations[];
  readonly failurePolicy?: string;
  readonly matchPolicy?: string;
  readonly sideEffects?: string | null;
  readonly timeoutSeconds?: number;
  readonly reinvocationPolicy?: string;
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
  readonly admissionReviewVersions?: string[];
  readonly matchConditions?: MatchCondition[];
}

const WEBHOOKS = Path.of('webhooks');
const FAILURE_POLICIES = ['Fail', 'Ignore'];
const MATCH_POLICIES = ['Equivalent', 'Exact'];
const SIDE_EFFECTS = ['None', 'NoneOnDryRun'];
const REINVOCATION = ['IfNeeded', 'Never'];
const VERSIONS = ['v1', 'v1beta1'];
const LONGEST_SECONDS = 30;
const CONDITIONS_LIMIT = 64;
const DOMAIN_SEGMENTS = 3;

export function checkWebhooks(webhooks: readonly Webhook[]): FieldError[] {
  const names = new Set<string>();
  return webhooks.flatMap((webhook, at) => {
    const path = WEBHOOKS.index(at);
    const errors = [...checkWebhook(webhook, path), ...checkVersions(webhook.admissionReviewVersions ?? [], path.child('admissionReviewVersions'))];
    if (webhook.name && names.has(webhook.name)) errors.push(duplicate(path.child('name'), webhook.name));
    names.add(webhook.name);
    return errors;
  });
}

function checkWebhook(webhook: Webhook, path: Path): FieldError[] {
  const { sideEffects, timeoutSeconds: timeout, clientConfig: client } = webhook;
  const errors = checkName(webhook.name, path.child('name'));
  errors.push(...(webhook.rules ?? []).flatMap((rule, at) => checkRule(rule, path.child('rules').index(at))));
  errors.push(...oneOf(webhook.failurePolicy, FAILURE_POLICIES, path.child('failurePolicy')), ...oneOf(webhook.matchPolicy, MATCH_POLICIES, path.child('matchPolicy')));
  if (sideEffects !== undefined && sideEffects !== null) errors.push(...oneOf(sideEffects, SIDE_EFFECTS, path.child('sideEffects')));
  else errors.push(required(path.child('sideEffects'), `must specify one of ${SIDE_EFFECTS.join(', ')}`));
  if (timeout !== undefined && (timeout > LONGEST_SECONDS || timeout < 1)) {
    errors.push(invalid(path.child('timeoutSeconds'), timeout, 'the timeout value must be between 1 and 30 seconds'));
  }
  errors.push(...checkLabelSelector(webhook.namespaceSelector, path.child('namespaceSelector')));
  errors.push(...checkLabelSelector(webhook.objectSelector, path.child('objectSelector')));
  errors.push(...checkWebhookClient(client, path.child('clientConfig')));
  errors.push(...oneOf(webhook.reinvocationPolicy, REINVOCATION, path.child('reinvocationPolicy')));
  return [...errors, ...checkConditions(webhook.matchConditions ?? [], path.child('matchConditions'), { params: false })];
}

function checkName(name: string, path: Path): FieldError[] {
  if (!name) return [required(path)];
  const wrong = dnsSubdomain(name);
  if (wrong.length > 0) return [invalid(path, name, wrong.join(','))];
  return name.split('.').length < DOMAIN_SEGMENTS ? [invalid(path, name, 'should be a domain with at least three segments separated by dots')] : [];
}

function oneOf(value: string | undefined, allowed: readonly string[], path: Path): FieldError[] {
  return value === undefined || allowed.includes(value) ? [] : [notSupported(path, value, allowed)];
}

function checkVersions(versions: readonly string[], path: Path): FieldError[] {
  if (versions.length === 0) return [required(path, `must specify one of ${VERSIONS.join(', ')}`)];
  const errors = versions.flatMap((version, at) =>
    versions.indexOf(version) < at
      ? [invalid(path.index(at), version, 'duplicate version')]
      : dns1035Label(version).map((why) => invalid(path.index(at), version, why)),
  );
  const known = versions.some((version) => VERSIONS.includes(version));
  return known ? errors : [...errors, invalid(path, versions, `must include at least one of ${VERSIONS.join(', ')}`)];
}

export function checkConditions(conditions: readonly MatchCondition[], path: Path, { params }: { readonly params: boolean }): FieldError[] {
  const errors = conditions.length > CONDITIONS_LIMIT ? [tooMany(path, conditions.length, CONDITIONS_LIMIT)] : [];
  const names = new Set<string>();
  for (const [at, { name, expression }] of conditions.entries()) {
    const here = path.index(at);
    const trimmed = expression?.trim() ?? '';
    errors.push(...(trimmed === '' ? [required(here.child('expression'))] : conditionRule(trimmed, params, here.child('expression'))));
    errors.push(...(name ? isQualifiedName(name, here.child('name')) : [required(here.child('name'))]));
    if (name && names.has(name)) errors.push(duplicate(here.child('name'), name));
    names.add(name);
  }
  return errors;
}
