/** Events, stored in the form of the core group; `events.k8s.io` is another view of the same store. */
import { type FieldError, Path, invalid, required } from '../../field-error.ts';
import type { ApiObject } from '../../kind.ts';
import type { Event } from '../../types/core.v1.ts';
import { type TypedColumn, rulesFor } from '../kind-rules.ts';
import { NAME, text, wide } from '../shared/columns.ts';
import { bytes, dnsSubdomain, qualifiedName } from '../shared/formats.ts';
import { since } from '../shared/human-duration.ts';

/** How long events are kept, as upstream's `--event-ttl` is by default. */
export const EVENT_TTL_SECONDS = 3600;

const SELECTABLE = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'] as const;

export const eventColumns: readonly TypedColumn<Event>[] = [
  text('Last Seen', lastSeen),
  text('Type', (object) => object.type ?? ''),
  text('Reason', (object) => object.reason ?? ''),
  text('Object', ({ involvedObject: { kind, name } }) => `${(kind ?? '').toLowerCase()}${name ? `/${name}` : ''}`),
  wide('Subobject', (object) => object.involvedObject.fieldPath ?? ''),
  wide('Source', (object) => {
    const component = object.source?.component || object.reportingComponent || '';
    const instance = object.source?.host || object.reportingInstance || '';
    return instance ? `${component}, ${instance}` : component;
  }),
  text('Message', (object) => (object.message ?? '').trim()),
  wide('First Seen', firstSeen),
  wide('Count', (object) => (object.series ? (object.series.count ?? 0) : object.count || 1)),
  { ...NAME, priority: 1 },
];

export const event = rulesFor<Event>({
  storagePath: 'events',
  ttlSeconds: EVENT_TTL_SECONDS,
  relaxedDurability: true,
  ownMetadataRules: true,
  strategy: {
    hasNoDependents: true,
    createOnUpdate: true,
    validate: (object) => checkEvent(object, 'reportingComponent'),
    validateUpdate: (object) => checkEvent(object, 'reportingComponent'),
  },
  columns: eventColumns,
  selectableFields: {
    ...Object.fromEntries(SELECTABLE.map((field) => [`involvedObject.${field}`, (object: Event) => object.involvedObject[field] ?? ''])),
    reason: (object) => object.reason ?? '',
    reportingComponent: (object) => object.reportingComponent ?? '',
    source: (object) => object.source?.component || object.reportingComponent || '',
    type: (object) => object.type ?? '',
  },
});

/** The same fields under the names that `events.k8s.io` gives them. */
export const regardingFields: Readonly<Record<string, (object: ApiObject) => string>> = {
  ...Object.fromEntries(SELECTABLE.map((field) => [`regarding.${field}`, (object: ApiObject) => (object as unknown as Event).involvedObject[field] ?? ''])),
  reason: (object) => (object as unknown as Event).reason ?? '',
  reportingController: (object) => (object as unknown as Event).reportingComponent ?? '',
  type: (object) => (object as unknown as Event).type ?? '',
};

const LIMIT_CHARACTERS = 128;
const MESSAGE_LIMIT_CHARACTERS = 1024;

/** The rules for events of both groups; new-style ones are known by their `eventTime`. */
export function checkEvent(object: Event, reporterField: string): FieldError[] {
  const namespace = object.metadata.namespace ?? '';
  const about = object.involvedObject.namespace ?? '';
  const errors: FieldError[] = [];
  const mismatch = object.eventTime
    ? about === '' && namespace !== 'default' && namespace !== 'kube-system'
    : about === '' ? namespace !== '' && namespace !== 'default' : namespace !== about;
  if (mismatch) errors.push(invalid(Path.of('involvedObject', 'namespace'), about, 'does not match event.namespace'));
  if (object.eventTime) errors.push(...checkNewStyle(object, Path.of(reporterField)));
  return [...errors, ...dnsSubdomain(namespace).map((why) => invalid(Path.of('namespace'), namespace, why))];
}

function checkNewStyle(object: Event, reporter: Path): FieldError[] {
  const controller = object.reportingComponent ?? '';
  const errors: FieldError[] = controller === '' ? [required(reporter)] : [];
  errors.push(...qualifiedName(controller).map((why) => invalid(reporter, controller, why)));
  const limited = (name: string, value: string, limit: number): void => {
    if (bytes(value) > limit) errors.push(invalid(Path.of(name), '', `can have at most ${limit} characters`));
  };
  for (const field of ['reportingInstance', 'action', 'reason'] as const) {
    if (!object[field]) errors.push(required(Path.of(field)));
    limited(field, object[field] ?? '', LIMIT_CHARACTERS);
  }
  limited('message', object.message ?? '', MESSAGE_LIMIT_CHARACTERS);
  return errors;
}

function firstSeen(object: Event, now: number): string {
  return since(object.firstTimestamp ?? object.eventTime, now);
}

function lastSeen(object: Event, now: number): string {
  if (object.series) return since(object.series.lastObservedTime, now);
  return object.lastTimestamp ? since(object.lastTimestamp, now) : firstSeen(object, now);
}
