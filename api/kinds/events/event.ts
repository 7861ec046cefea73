/** Events as `events.k8s.io` shows them: another view of what the core group stores. */
import { type FieldError, Path, invalid, required } from '../../field-error.ts';
import type { ApiObject } from '../../kind.ts';
import type { Event as CoreEvent } from '../../types/core.v1.ts';
import type { Event } from '../../types/events.v1.ts';
import { EVENT_TTL_SECONDS, checkEvent, eventColumns, regardingFields } from '../core/event.ts';
import { rulesFor } from '../kind-rules.ts';
import { checkQualifiedFinalizers, immutable, validateMetadata, validateMetadataUpdate } from '../shared/object-meta.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';

/** Its one version converts to and from the core form, in which it is stored: the hub is core `v1`. */
export const eventsEvent = {
  ...rulesFor<CoreEvent>({
    storagePath: 'events',
    ttlSeconds: EVENT_TTL_SECONDS,
    relaxedDurability: true,
    ownMetadataRules: true,
    strategy: { hasNoDependents: true, createOnUpdate: true, validate: checkNew, validateUpdate: checkChange },
    columns: eventColumns,
    versions: { v1: { toHub: toCore, fromHub: fromCore } },
  }),
  selectableFields: regardingFields,
};

function toCore(object: ApiObject): ApiObject {
  const { regarding, note, reportingController, deprecatedSource, deprecatedFirstTimestamp, deprecatedLastTimestamp, deprecatedCount, ...same } =
    object as unknown as Event;
  return {
    ...same,
    apiVersion: 'v1',
    involvedObject: regarding ?? {},
    ...(note && { message: note }),
    source: deprecatedSource ?? {},
    firstTimestamp: deprecatedFirstTimestamp ?? null,
    lastTimestamp: deprecatedLastTimestamp ?? null,
    ...(deprecatedCount && { count: deprecatedCount }),
    reportingComponent: reportingController ?? '',
    reportingInstance: same.reportingInstance ?? '',
  } as unknown as ApiObject;
}

function fromCore(object: ApiObject): ApiObject {
  const { involvedObject, message, source, firstTimestamp, lastTimestamp, count, reportingComponent, reportingInstance, ...same } =
    object as unknown as CoreEvent;
  return {
    ...same,
    apiVersion: 'events.k8s.io/v1',
    ...(reportingComponent && { reportingController: reportingComponent }),
    ...(reportingInstance && { reportingInstance }),
    regarding: involvedObject,
    ...(message && { note: message }),
    deprecatedSource: source ?? {},
    deprecatedFirstTimestamp: firstTimestamp ?? null,
    deprecatedLastTimestamp: lastTimestamp ?? null,
    ...(count && { deprecatedCount: count }),
  } as unknown as ApiObject;
}

const UNSET = ['firstTimestamp', 'lastTimestamp', 'count'] as const;

function checkNew(object: CoreEvent): FieldError[] {
  const errors = [...checkEvent(object, 'reportingController'), ...validateMetadata(object.metadata, { namespaced: true }), ...checkQualifiedFinalizers(object.metadata.finalizers), ...checkSeries(object)];
  if (!object.eventTime) errors.push(required(Path.of('eventTime')));
  if (object.type !== 'Normal' && object.type !== 'Warning') {
    errors.push(invalid(Path.of('type'), '', `has invalid value: ${object.type ?? ''}`));
  }
  for (const field of UNSET) if (object[field]) errors.push(invalid(Path.of(field), '', 'needs to be unset'));
  if (object.source?.component || object.source?.host) errors.push(invalid(Path.of('source'), '', 'needs to be unset'));
  return errors;
}

const FIXED = ['involvedObject', 'reason', 'message', 'source', 'firstTimestamp', 'lastTimestamp', 'count', 'reason', 'type', 'eventTime', 'action', 'related'] as const;

function checkChange(object: CoreEvent, old: CoreEvent): FieldError[] {
  const errors = [...checkEvent(object, 'reportingController'), ...validateMetadataUpdate(object.metadata, old.metadata), ...checkQualifiedFinalizers(object.metadata.finalizers)];
  if (!semanticEqual(object.series, old.series)) errors.push(...checkSeries(object));
  for (const field of FIXED) errors.push(...immutable(shown(object, field), shown(old, field), Path.of(field), INTERNAL[field]));
  errors.push(...immutable(object.reportingComponent ?? '', old.reportingComponent ?? '', Path.of('reportingController')));
  errors.push(...immutable(object.reportingInstance ?? '', old.reportingInstance ?? '', Path.of('reportingInstance')));
  return errors;
}

const TEXTS: readonly string[] = ['reason', 'message', 'type', 'action'];
const INTERNAL: Readonly<Record<string, string>> = { involvedObject: 'ObjectReference', related: 'ObjectReference', source: 'EventSource' };

function shown(event: CoreEvent, field: (typeof FIXED)[number]): unknown {
  if (TEXTS.includes(field)) return event[field] ?? '';
  return field === 'count' ? (event.count ?? 0) : event[field];
}

function checkSeries(object: CoreEvent): FieldError[] {
  if (!object.series) return [];
  const errors: FieldError[] = [];
  if ((object.series.count ?? 0) < 2) errors.push(invalid(Path.of('series.count'), '', 'should be at least 2'));
  if (!object.series.lastObservedTime) errors.push(required(Path.of('series.lastObservedTime')));
  return errors;
}
