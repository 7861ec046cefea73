/** The streams of one exec, attach or port-forward as its client opened them, whatever he speaks. */
import type { Readable, Writable } from 'node:stream';

/** Streams of an exec or attach. A stream that was not asked for is absent. */
export interface Channels {
  readonly stdin: Readable | undefined;
  readonly stdout: Writable | undefined;
  readonly stderr: Writable | undefined;
  onResize(listener: (columns: number, rows: number) => void): void;
  /** How it ended: a Status on the error stream; then everything is closed. */
  finish(end: Ending): Promise<void>;
  /** The client went away. */
  onGone(listener: () => void): void;
}

export type Ending = { readonly kind: 'exited'; readonly code: number } | { readonly kind: 'failed'; readonly message: string };

/** The Status that version 4 and later of the protocol put on the error stream. */
export function endingStatus(end: Ending): string {
  if (end.kind === 'failed') return JSON.stringify({ metadata: {}, status: 'Failure', message: end.message, reason: 'InternalError', code: 500 });
  if (end.code === 0) return JSON.stringify({ metadata: {}, status: 'Success' });
  return JSON.stringify({
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${end.code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(end.code) }] },
  });
}

/** What versions before 4 put there: plain text, nothing for success. */
export function endingText(end: Ending): string {
  if (end.kind === 'failed') return end.message;
  return end.code === 0 ? '' : `command terminated with non-zero exit code: exit status ${end.code}`;
}

/** `{"Width":80,"Height":24}` */
export function terminalSize(text: string): { columns: number; rows: number } | undefined {
  try {
    const size = JSON.parse(text) as { Width?: unknown; Height?: unknown };
    if (typeof size.Width !== 'number' || typeof size.Height !== 'number') return undefined;
    return { columns: size.Width, rows: size.Height };
  } catch {
    return undefined;
  }
}
