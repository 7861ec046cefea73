/** What the user of a request may do. Provenance: pkg/cel/library/authz.go of apiserver v0.36. */
import type { CelAccess, CelAuthorizer, CelDecision } from '../cel.ts';
import { dnsLabel, dnsSubdomain } from '../../kinds/shared/formats.ts';
import type { Row, Run } from '../function.ts';
import { Fault, Library, type Value } from '../value.ts';

const AUTHORIZER = 'kubernetes.authorization.Authorizer';
const PATH = 'kubernetes.authorization.PathCheck';
const GROUP = 'kubernetes.authorization.GroupCheck';
const RESOURCE = 'kubernetes.authorization.ResourceCheck';
const DECISION = 'kubernetes.authorization.Decision';

/** A question as far as it has been asked. */
class Question extends Library {
  readonly typeName: string;
  readonly authorizer: CelAuthorizer;
  readonly access: Partial<CelAccess>;

  constructor(typeName: string, authorizer: CelAuthorizer, access: Partial<CelAccess>) {
    super();
    this.typeName = typeName;
    this.authorizer = authorizer;
    this.access = access;
  }

  equals(other: Library): boolean {
    return other === this;
  }
}

class Decision extends Library {
  readonly typeName = DECISION;
  readonly decision: CelDecision;

  constructor(decision: CelDecision) {
    super();
    this.decision = decision;
  }

  equals(other: Library): boolean {
    return other === this;
  }
}

/** The variable `authorizer`. */
export function authorizerValue(authorizer: CelAuthorizer): Library {
  return new Question(AUTHORIZER, authorizer, {});
}

/** The variable `authorizer.requestResource`: a question that lacks the verb only. */
export function resourceCheckValue(authorizer: CelAuthorizer, access: Omit<CelAccess, 'verb'>): Library {
  return new Question(RESOURCE, authorizer, { version: '*', ...access });
}

function asked(typeName: string, more: (text: string) => Partial<CelAccess>): Run {
  return (question, text) => {
    const { authorizer, access } = question as Question;
    return new Question(typeName, authorizer, { ...access, ...more(text as string) });
  };
}

function unlessBlank(name: string, run: Run): Run {
  return (question, text) => ((text as string).trim() === '' ? new Fault(`${name} must not be empty`) : run(question, text));
}

function serviceAccount(question: Value, namespace: Value, name: Value): Value {
  if (dnsSubdomain(name as string).length > 0) return new Fault('Invalid service account name');
  if (dnsLabel(namespace as string).length > 0) return new Fault('Invalid service account namespace');
  const { authorizer, access } = question as Question;
  return new Question(AUTHORIZER, authorizer, { ...access, serviceAccount: { namespace: namespace as string, name: name as string } });
}

function check(question: Value, verb: Value): Value {
  const { authorizer, access } = question as Question;
  return new Decision(authorizer.decide({ ...access, verb: verb as string }));
}

const of = (get: (decision: CelDecision) => Value): Run => (value) => get((value as Decision).decision);

export const AUTHORIZATION: Readonly<Record<string, readonly Row[]>> = {
  path: [['authorizer_path', `${AUTHORIZER}.(string) -> ${PATH}`, unlessBlank('path', asked(PATH, (path) => ({ path })))]],
  group: [['authorizer_group', `${AUTHORIZER}.(string) -> ${GROUP}`, asked(GROUP, (group) => ({ group, version: '*' }))]],
  serviceAccount: [['authorizer_serviceaccount', `${AUTHORIZER}.(string, string) -> ${AUTHORIZER}`, serviceAccount]],
  resource: [['groupcheck_resource', `${GROUP}.(string) -> ${RESOURCE}`, unlessBlank('resource', asked(RESOURCE, (resource) => ({ resource })))]],
  subresource: [['resourcecheck_subresource', `${RESOURCE}.(string) -> ${RESOURCE}`, asked(RESOURCE, (subresource) => ({ subresource }))]],
  namespace: [['resourcecheck_namespace', `${RESOURCE}.(string) -> ${RESOURCE}`, asked(RESOURCE, (namespace) => ({ namespace }))]],
  name: [['resourcecheck_name', `${RESOURCE}.(string) -> ${RESOURCE}`, asked(RESOURCE, (name) => ({ name }))]],
  fieldSelector: [['authorizer_fieldselector', `${RESOURCE}.(string) -> ${RESOURCE}`, asked(RESOURCE, (fieldSelector) => ({ fieldSelector }))]],
  labelSelector: [['authorizer_labelselector', `${RESOURCE}.(string) -> ${RESOURCE}`, asked(RESOURCE, (labelSelector) => ({ labelSelector }))]],
  check: [['pathcheck_check', `${PATH}.(string) -> ${DECISION}`, check], ['resourcecheck_check', `${RESOURCE}.(string) -> ${DECISION}`, check]],
  errored: [['decision_errored', `${DECISION}.() -> bool`, of(({ error }) => error !== undefined)]],
  error: [['decision_error', `${DECISION}.() -> string`, of(({ error }) => error ?? '')]],
  allowed: [['decision_allowed', `${DECISION}.() -> bool`, of(({ allowed }) => allowed)]],
  reason: [['decision_reason', `${DECISION}.() -> string`, of(({ reason }) => reason ?? '')]],
};

/** `~` and `/` inside a part of a JSON pointer. */
export const JSON_PATCH: Readonly<Record<string, readonly Row[]>> = {
  'jsonpatch.escapeKey': [['string_jsonpatch_escapeKey_string', '(string) -> string', (key) => (key as string).replaceAll('~', '~0').replaceAll('/', '~1')]],
};
