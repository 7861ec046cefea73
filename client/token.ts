/** A bearer token that may live in a file and be replaced there. */
import { readFile } from 'node:fs/promises';
import type { Clock } from '../std/clock.ts';

/** How old what was read may be. A file is small and a token outlives this by far. */
const REREAD_MS = 10_000;

export function tokenSource(options: { readonly token?: string; readonly tokenFile?: string; readonly clock: Clock }): () => Promise<string | undefined> {
  const { token, tokenFile, clock } = options;
  if (token !== undefined || tokenFile === undefined) return () => Promise.resolve(token);
  let read: { readonly at: number; readonly token: string } | undefined;
  return async () => {
    if (read && clock.monotonic() - read.at < REREAD_MS) return read.token;
    try {
      read = { at: clock.monotonic(), token: (await readFile(tokenFile, 'utf8')).trim() };
    } catch (error) {
      // A file that is being replaced: what was known stays good until it expires.
      if (!read) throw error;
    }
    return read.token;
  };
}
