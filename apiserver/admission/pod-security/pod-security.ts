/** PodSecurity: a namespace's labels say how much its pods may ask of the host; enforced on pods, warned of on workloads. */
import type { ApiObject } from '../../../api/kind.ts';
import { namespaces, pods } from '../../../api/resources.ts';
import type { Pod } from '../../../api/types/core.v1.ts';
import { deepEqual } from '../../../std/deep.ts';
import type { Meter } from '../../../std/meter.ts';
import type { Reader, Stored } from '../../auth/reader.ts';
import { invalidObject } from '../../invalid.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { isAbout, refused } from '../refuse.ts';
import type { Subject } from './checks.ts';
import { described, violations } from './checks.ts';
import type { LevelVersion } from './policy.ts';
import { policyOf, printed, stricter } from './policy.ts';

/** So many pods are looked at when a namespace gets a stricter level; one of each controller first. */
const EXISTING_LIMIT = 3000;
const IGNORED = new Set(['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status']);
const WORKLOADS = ['replicationcontrollers', 'podtemplates', 'apps/replicasets', 'apps/deployments', 'apps/statefulsets', 'apps/daemonsets', 'batch/jobs', 'batch/cronjobs'];

export function podSecurity(reader: Reader, meter?: Meter): AdmissionPlugin {
  const count = meter ? evaluations(meter) : () => undefined;
  return {
    name: 'PodSecurity',
    handles(request) {
      if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return false;
      const { group, plural } = request.kind;
      if (group === '' && plural === 'pods') return !IGNORED.has(request.subresource);
      return isAbout(request, 'namespaces') || WORKLOADS.some((workload) => isAbout(request, workload));
    },
    validate(request) {
      if (request.kind.plural === 'namespaces') return checkNamespace(request, reader);
      if (request.kind.plural === 'pods') checkPod(request, reader, count);
      else checkWorkload(request, reader, count);
      return undefined;
    },
  };
}

type Count = (request: AdmissionRequest, decision: 'allow' | 'deny', mode: 'enforce' | 'audit' | 'warn', policy: LevelVersion) => void;

function evaluations(meter: Meter): Count {
  const total = meter.counter({ name: 'pod_security_evaluations_total', help: 'What the levels of namespaces said of pods and workloads.', labels: ['decision', 'policy_level', 'policy_version', 'mode', 'request_operation', 'resource', 'subresource'] });
  return ({ kind, operation, subresource }, decision, mode, policy) => total.of(decision, policy.level, printed(policy).split(':')[1] ?? '', mode, operation.toLowerCase(), kind.group === '' && kind.plural === 'pods' ? 'pod' : 'controller', subresource).add();
}

function checkPod(request: AdmissionRequest, reader: Reader, count: Count): void {
  const { policy } = policyOf(reader.get(namespaces, '', request.namespace)?.metadata.labels);
  const { enforce, audit, warn } = policy;
  if (enforce.level === 'privileged' && warn.level === 'privileged' && audit.level === 'privileged') {
    count(request, 'allow', 'enforce', enforce);
    return record(request, 'enforce-policy', printed(enforce));
  }
  const pod = request.object as unknown as Pod;
  if (request.operation === 'UPDATE' && !isSignificant(pod, request.old as unknown as Pod)) return;
  record(request, 'enforce-policy', printed(enforce));
  recordViolations(request, audit, pod, count);
  const found = violations(enforce, pod);
  count(request, found.length > 0 ? 'deny' : 'allow', 'enforce', enforce);
  if (found.length > 0) throw refused(request, `violates PodSecurity ${JSON.stringify(printed(enforce))}: ${described(found)}`);
  warnOf(request, warn, pod, count);
}

/** Whether an update changes what runs: other images, or other containers. */
function isSignificant(pod: Pod, old: Pod): boolean {
  if (!deepEqual(imagesOf(pod.spec), imagesOf(old.spec))) return true;
  return (pod.spec?.ephemeralContainers ?? []).some(({ name, image }) => old.spec?.ephemeralContainers?.find((known) => known.name === name)?.image !== image);
}

function imagesOf(spec: Pod['spec']): unknown {
  return [spec?.containers.map(({ image }) => image), spec?.initContainers?.map(({ image }) => image) ?? []];
}

function checkWorkload(request: AdmissionRequest, reader: Reader, count: Count): void {
  const { audit, warn } = policyOf(reader.get(namespaces, '', request.namespace)?.metadata.labels).policy;
  if (warn.level === 'privileged' && audit.level === 'privileged') return;
  const template = templateOf(request.object as ApiObject);
  if (!template) return;
  recordViolations(request, audit, template, count);
  warnOf(request, warn, template, count);
}

/** The template stands at `template` (PodTemplate), `spec.template`, or `spec.jobTemplate.spec.template`. */
function templateOf(object: ApiObject): Subject | undefined {
  interface Holder {
    readonly template?: Subject;
    readonly spec?: Holder;
    readonly jobTemplate?: Holder;
  }
  const holder = object as unknown as Holder;
  return holder.template ?? holder.spec?.template ?? holder.spec?.jobTemplate?.spec?.template;
}

/** For the audit record, where one is kept. */
function record({ caller }: AdmissionRequest, key: string, value: string): void {
  caller?.auditAnnotations?.set(`pod-security.kubernetes.io/${key}`, value);
}

function recordViolations(request: AdmissionRequest, audit: LevelVersion, subject: Subject, count: Count): void {
  if (!request.caller?.auditAnnotations || audit.level === 'privileged') return;
  const found = violations(audit, subject);
  if (found.length > 0) count(request, 'deny', 'audit', audit);
  if (found.length > 0) record(request, 'audit-violations', `would violate PodSecurity ${JSON.stringify(printed(audit))}: ${described(found)}`);
}

function warnOf(request: AdmissionRequest, warn: LevelVersion, subject: Subject, count: Count): void {
  const found = violations(warn, subject);
  if (found.length > 0) count(request, 'deny', 'warn', warn);
  if (found.length > 0) request.warnings.push(`would violate PodSecurity ${JSON.stringify(printed(warn))}: ${described(found)}`);
}

async function checkNamespace(request: AdmissionRequest, reader: Reader): Promise<void> {
  const object = request.object as ApiObject;
  const now = policyOf(object.metadata.labels);
  const before = request.old ? policyOf(request.old.metadata.labels) : undefined;
  if (now.errors.length > 0 && !deepEqual(now.errors, before?.errors)) throw invalidObject('', 'Namespace', object.metadata.name ?? '', now.errors);
  if (!before) return;
  const { enforce } = now.policy;
  const old = before.policy.enforce;
  if (deepEqual(enforce, old) || enforce.level === 'privileged') return;
  if (enforce.minor === old.minor && !stricter(enforce.level, old.level)) return;
  await reader.upToDate(pods);
  request.warnings.push(...existingPods(reader, request.name, enforce));
}

/** Warnings of the pods that are there and would not be let in now, one line per kind of violation. */
function existingPods(reader: Reader, namespace: string, enforce: LevelVersion): string[] {
  const all = byController(reader.list(pods, namespace));
  const byReason = new Map<string, string[]>();
  for (const pod of all.slice(0, EXISTING_LIMIT)) {
    const reason = violations(enforce, pod).map((found) => found.reason).join(', ');
    if (reason) byReason.set(reason, [...(byReason.get(reason) ?? []), pod.metadata.name]);
  }
  const lines = [...byReason].map(([reason, names]) => {
    const others = names.length - 1;
    const also = others === 0 ? '' : ` (and ${others} other ${others === 1 ? 'pod' : 'pods'})`;
    return `${[...names].sort()[0]}${also}: ${reason}`;
  });
  return [
    ...(all.length > EXISTING_LIMIT ? [`new PodSecurity enforce level only checked against the first ${EXISTING_LIMIT} of ${all.length} existing pods`] : []),
    ...(lines.length > 0 ? [`existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${JSON.stringify(printed(enforce))}`] : []),
    ...lines.sort(),
  ];
}

function byController(list: readonly Stored<Pod>[]): Stored<Pod>[] {
  const seen = new Set<string>();
  const first: Stored<Pod>[] = [];
  const rest: Stored<Pod>[] = [];
  for (const pod of list) {
    const controller = pod.metadata.ownerReferences?.find((owner) => owner.controller)?.uid;
    if (controller !== undefined && seen.has(controller)) rest.push(pod);
    else first.push(pod);
    if (controller !== undefined) seen.add(controller);
  }
  return [...first, ...rest];
}
