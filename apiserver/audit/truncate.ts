/** Keeps audit records small: one that is too large goes without what was sent and answered, or not at all. */
import type { AuditBackend } from './audit.ts';
import type { AuditEvent } from './event.ts';

export interface TruncateOptions {
  readonly maxEventBytes?: number;
  /** Hears of records that were too large even so. */
  readonly onLost: (count: number, error?: unknown) => void;
}

/** Upstream's default for one record. */
export const EVENT_LIMIT_BYTES = 100 * 1024;

export function truncating(backend: AuditBackend, { maxEventBytes = EVENT_LIMIT_BYTES, onLost }: TruncateOptions): AuditBackend {
  return {
    write(event) {
      const fitting = sizeOf(event) <= maxEventBytes ? event : truncated(event);
      if (fitting !== event && sizeOf(fitting) > maxEventBytes) onLost(1, 'event is too large even after truncating');
      else backend.write(fitting);
    },
    close: () => backend.close(),
  };
}

function truncated(event: AuditEvent): AuditEvent {
  const { requestObject: _asked, responseObject: _answered, ...rest } = event;
  return { ...rest, annotations: { ...rest.annotations, 'audit.k8s.io/truncated': 'true' } };
}

function sizeOf(event: AuditEvent): number {
  return Buffer.byteLength(JSON.stringify(event));
}
