/**
 * How glibc is to keep the memory of a server process; other C libraries do not read this. It counts from the start of a process.
 *
 * One arena: the threads of the engine and of the file system ask for little, and each arena of their own keeps a megabyte. A fixed
 * threshold: else each large buffer that is given back raises it, and from then on large buffers leave holes instead of going back.
 */
export const NATIVE_MEMORY: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: String(128 * 1024) };
