/** A watch whose changes may have to wait for their keys: they come in their order, and what is told of progress comes behind them. */
import { Overflow, type Change, type Store, type Watch, type WatchSink, WATCH_BACKLOG_LIMIT } from './store.ts';

export interface PreparedWatchOptions {
  readonly prefix: string;
  readonly after: number;
  readonly sink: WatchSink;
  readonly opened: (change: Change) => Change;
  /** Undefined: nothing has to be waited for. A rejection ends the watch. */
  readonly prepare: (batch: readonly Change[]) => Promise<void> | undefined;
}

export function preparedWatch(store: Store, { prefix, after, sink, opened, prepare }: PreparedWatchOptions): Watch {
  /** What came while something was waited for; undefined while nothing is. */
  let waiting: (() => void)[] | undefined;
  let over = false;
  let behind = 0;
  const end = (error: Error): void => {
    if (over) return;
    over = true;
    watch?.close();
    sink.ended(error);
  };
  const take = (batch: readonly Change[]): void => {
    let asked: Promise<void> | undefined;
    try {
      asked = prepare(batch);
    } catch (error) {
      return end(error as Error);
    }
    if (!asked) return sink.changes(batch.map(opened));
    waiting = [];
    asked.then(() => {
      if (over) return;
      sink.changes(batch.map(opened));
      const late = waiting ?? [];
      waiting = undefined;
      behind = 0;
      for (const run of late) later(run, 0);
    }, end);
  };
  const later = (run: () => void, count: number): void => {
    if (over) return;
    if (!waiting) return run();
    if ((behind += count) > WATCH_BACKLOG_LIMIT) return end(new Overflow(`more than ${WATCH_BACKLOG_LIMIT} changes wait for their keys`));
    waiting.push(run);
  };
  let watch: Watch | undefined;
  watch = store.watch(prefix, after, {
    changes: (batch) => later(() => take(batch), batch.length),
    progress: (revision) => later(() => sink.progress(revision), 1),
    ended: (error) => later(() => end(error), 0),
  });
  return {
    close() {
      over = true;
      watch.close();
    },
  };
}
