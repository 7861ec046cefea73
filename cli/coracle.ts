#!/usr/bin/env node
/** The `coracle` command: sees to it that compiled code is kept, then hands over to `commands.ts`. */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { NATIVE_MEMORY } from './native-memory.ts';

/** Half of a start is reading and compiling code: what was compiled once is kept, in a place that only its owner can write to. */
const CACHE = join(import.meta.dirname, '../node_modules/.cache/coracle');

// This very file was compiled before the cache was there, and by a compiler of TypeScript that takes 20 MB and never leaves:
// the process begins anew without it, under the same number. What the user says of its memory stays.
if (import.meta.filename.endsWith('.ts') && process.env.NODE_COMPILE_CACHE === undefined && process.execve) {
  process.execve(process.execPath, [process.argv0, ...process.execArgv, ...process.argv.slice(1)], { ...NATIVE_MEMORY, ...process.env, NODE_COMPILE_CACHE: CACHE });
}
enableCompileCache(CACHE);
await import('./commands.ts');
