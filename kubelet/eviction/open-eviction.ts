/** Puts together what evictions on a real node are decided from. */
import type { KubeletContext } from '../context.ts';
import type { Measure } from '../measure/measure.ts';
import type { KubeletOptions } from '../options.ts';
import { Eviction, type EvictionOptions } from './eviction.ts';
import { LocalLooks } from './local-looks.ts';
import { observeNode } from './observe.ts';
import { EVICTION_HARD, parseThresholds } from './thresholds.ts';

export interface OpenEvictionOptions extends Pick<EvictionOptions, 'pods' | 'recordNode' | 'reclaim'> {
  readonly options: Pick<KubeletOptions, 'directory' | 'evictionHard'>;
  readonly context: KubeletContext;
  readonly measure: Measure;
}

export function openEviction({ options: { directory, evictionHard = EVICTION_HARD }, context, pods, recordNode, reclaim, measure }: OpenEvictionOptions): Eviction {
  const { clock, log, signal, series, runtime, observation, files, record, node } = context;
  const looks = new LocalLooks({ clock, runtime, seen: (uid) => observation.latest(uid), logDirectory: (pod) => files.logDirectory(pod), volumePaths: (uid) => files.volumePaths(uid) });
  const thresholds = parseThresholds(evictionHard);
  return new Eviction({
    clock, log, signal, series, record, recordNode, nodeName: node.name, pods, thresholds, measure, reclaim,
    observe: () => observeNode({ clock, runtime, directory, signals: thresholds.map((one) => one.signal) }),
    localUse: (asked) => looks.of(asked),
  });
}
