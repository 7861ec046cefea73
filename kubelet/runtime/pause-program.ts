/** The program that keeps a sandbox's namespaces alive: it lets the kernel reap orphans, and sleeps. A whole executable of 181 bytes. */

const BASE = 0x400000;
const HEADERS_BYTES = 64 + 56;
/** rt_sigaction(SIGCHLD, {SIG_IGN}, null, 8), so that children are reaped without being waited for; then pause() for ever. */
const CODE = ['b80d000000', 'bf11000000', '488d3514000000', '31d2', '41ba08000000', '0f05', 'b822000000', '0f05', 'ebf7', '9090'];

/** An ELF executable for x86-64; undefined for machines that it was not written for. */
export function pauseProgram(arch: string): Buffer | undefined {
  if (arch !== 'x64') return undefined;
  const code = Buffer.from(CODE.join(''), 'hex');
  const action = Buffer.alloc(32);
  action.writeBigUInt64LE(1n, 0);
  // The address in the third instruction counts from its end, at byte 17.
  code.writeInt32LE(code.length - 17, 13);
  const body = Buffer.concat([code, action]);
  return Buffer.concat([elfHeader(), loadedSegment(HEADERS_BYTES + body.length), body]);
}

function elfHeader(): Buffer {
  const header = Buffer.alloc(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(62, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(BASE + HEADERS_BYTES), 24);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  return header;
}

function loadedSegment(size: number): Buffer {
  const segment = Buffer.alloc(56);
  segment.writeUInt32LE(1, 0);
  segment.writeUInt32LE(5, 4);
  segment.writeBigUInt64LE(BigInt(BASE), 16);
  segment.writeBigUInt64LE(BigInt(BASE), 24);
  segment.writeBigUInt64LE(BigInt(size), 32);
  segment.writeBigUInt64LE(BigInt(size), 40);
  segment.writeBigUInt64LE(0x1000n, 48);
  return segment;
}
