/** Joins the streams of a client to those of a process in a container, and says how it ended. */
import type { Session } from '../runtime/model.ts';
import type { Channels } from './channels.ts';

export async function runSession(channels: Channels, open: () => Promise<Session>): Promise<void> {
  let session: Session;
  try {
    session = await open();
  } catch (error) {
    return channels.finish({ kind: 'failed', message: (error as Error).message });
  }
  channels.onGone(() => session.close());
  channels.onResize((columns, rows) => session.resize(columns, rows));
  const streams: (NodeJS.EventEmitter | undefined)[] = [channels.stdin, session.stdin, channels.stdout, channels.stderr];
  for (const stream of streams) stream?.on('error', () => undefined);
  if (channels.stdin && session.stdin) channels.stdin.pipe(session.stdin);
  // The streams end before the exit code is told, so that no output is lost; `finish` closes them.
  if (channels.stdout && session.stdout) session.stdout.pipe(channels.stdout, { end: false });
  if (channels.stderr && session.stderr) session.stderr.pipe(channels.stderr, { end: false });
  try {
    const code = await session.exit;
    await channels.finish({ kind: 'exited', code });
  } catch (error) {
    await channels.finish({ kind: 'failed', message: (error as Error).message });
  }
}
