/** Types of events.v1, written by tools/facts/write-types.ts from the facts table. */
import type { EventSource, ObjectReference } from './core.v1.ts';
import type { ObjectMeta, TypeMeta } from './meta.v1.ts';

export interface Event extends TypeMeta {
  metadata: ObjectMeta;
  eventTime: string;
  series?: EventSeries;
  reportingController?: string;
  reportingInstance?: string;
  action?: string;
  reason?: string;
  regarding?: ObjectReference;
  related?: ObjectReference;
  note?: string;
  type?: string;
  deprecatedSource?: EventSource;
  deprecatedFirstTimestamp?: string;
  deprecatedLastTimestamp?: string;
  deprecatedCount?: number;
}

export interface EventSeries {
  count: number;
  lastObservedTime: string;
}
