/** A record of what was asked and answered, handed to whoever keeps it. Thin: request and response bodies are not recorded. */
import type { Clock } from '../../std/clock.ts';
import type { Step } from './chain.ts';
import { codeOf } from './code-of.ts';

export interface AuditRecord {
  readonly id: string;
  readonly user: string;
  readonly verb: string;
  readonly path: string;
  readonly code: number;
  readonly durationMs: number;
}

export type AuditSink = (record: AuditRecord) => void;

/** Without a sink nothing is done. */
export function audit(clock: Clock, sink: AuditSink | undefined): Step {
  if (!sink) return () => undefined;
  return (exchange) => {
    const began = clock.monotonic();
    exchange.after.push(() => {
      const { id, user, route } = exchange;
      sink({ id, user: user.name, verb: route.verb, path: route.path, code: codeOf(exchange), durationMs: clock.monotonic() - began });
    });
  };
}

