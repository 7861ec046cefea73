import { podOf } from '../fixtures.ts';
import { type Takes, measuredOf } from './fixtures.ts';
import { type Candidate, ranked } from './rank.ts';
import type { Signal } from './thresholds.ts';

interface Row {
  readonly takes?: Takes;
  readonly asks?: Record<string, string>;
  readonly priority?: number;
  readonly volumes?: Record<string, number>;
}

function candidate(name: string, { takes, asks = {}, priority, volumes = {} }: Row): Candidate {
  const spec = { containers: [{ name: 'app', resources: { requests: asks } }], volumes: Object.keys(volumes).map((one) => (one.startsWith('secret') ? { name: one, secret: {} } : { name: one, emptyDir: {} })), ...(priority !== undefined && { priority }) };
  return { pod: podOf(spec, { name, uid: name }), use: takes && measuredOf(name, { app: takes }, volumes) };
}

describe('ranked() puts first', () => {
  const rows: [string, Signal, Record<string, Row>, string[], boolean?][] = [
    ['whose use is unknown, then who exceeds what he asked for, then by priority, then by the excess', 'memory.available', {
      modest: { takes: { memory: 900 }, asks: { memory: '1000' } },
      greedy: { takes: { memory: 500 } },
      greedier: { takes: { memory: 700 } },
      important: { takes: { memory: 9000 }, priority: 10 },
      unimportant: { takes: { memory: 1 }, priority: -1 },
      unknown: {},
      exact: { takes: { memory: 100 }, asks: { memory: '100' }, priority: -5 },
    }, ['unknown', 'unimportant', 'greedier', 'greedy', 'important', 'exact', 'modest']],
    ['who has the most on the only disk', 'nodefs.available', {
      layer: { takes: { layer: 5 } }, logs: { takes: { logs: 4 } }, volume: { takes: {}, volumes: { scratch: 6 } }, secret: { takes: {}, volumes: { secrets: 7 } }, asked: { takes: { layer: 8 }, asks: { 'ephemeral-storage': '4' } },
    }, ['volume', 'layer', 'logs', 'asked', 'secret']],
    ['who has the most on the disk of images', 'imagefs.available', { layer: { takes: { layer: 1 } }, logs: { takes: { logs: 4 } }, volume: { takes: {}, volumes: { scratch: 6 } } }, ['layer', 'logs', 'volume'], true],
    ['who has the most beside the disk of images', 'nodefs.available', { layer: { takes: { layer: 9 } }, logs: { takes: { logs: 4 } }, volume: { takes: {}, volumes: { scratch: 6 } } }, ['volume', 'logs', 'layer'], true],
    ['who has the most files', 'nodefs.inodesFree', { few: { takes: { inodes: 2, layer: 9 } }, many: { takes: { inodes: 5 } } }, ['many', 'few']],
    ['who matters least, and has the most processes', 'pid.available', { many: { takes: { processes: 5 } }, more: { takes: { processes: 6 } }, important: { takes: { processes: 9 }, priority: 1 }, unknown: { priority: 2 } }, ['more', 'many', 'important', 'unknown']],
  ];
  test.each(rows)('%s', (_, signal, pods, expected, hasImageDisk = false) => {
    const candidates = Object.entries(pods).map(([name, row]) => candidate(name, row));
    expect(ranked({ candidates, signal, hasImageDisk }).map(({ pod }) => pod.metadata.name)).toEqual(expected);
  });
});
