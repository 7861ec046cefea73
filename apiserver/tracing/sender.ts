/** What carries spans to a collector, in either protocol. */
import type { Attributes, Span } from './span.ts';

export interface Sender {
  /** Rejects when the collector did not take them. */
  send(spans: readonly Span[]): Promise<void>;
  close(): void;
}

/** Who sends: `service.name` and the like. */
export type Resource = Attributes;
