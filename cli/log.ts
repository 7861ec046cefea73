/** One log for the whole process: JSON lines on standard error, so that standard output stays for people. */
import { pino } from 'pino';

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(bindings: Record<string, string>): Log;
}

/** `CORACLE_LOG` names the lowest level that is written; nothing secret is ever handed to it. */
export function openLog(): Log {
  return pino({ level: process.env.CORACLE_LOG ?? 'warn', base: null }, pino.destination({ dest: 2, sync: true }));
}
