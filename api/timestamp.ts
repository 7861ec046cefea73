/** A time as objects hold it: whole seconds, in UTC. */
export function timestamp(nowMs: number): string {
  const second = Math.floor(nowMs / 1000);
  if (second !== lastSecond) {
    lastText = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
    lastSecond = second;
  }
  return lastText;
}

/** Most that are asked for are of the second that was asked for last. */
let lastSecond = NaN;
let lastText = '';
