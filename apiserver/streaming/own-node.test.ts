/** Logs of simulated containers. */
import type { Pod } from '../../api/types/core.v1.ts';
import type { Stored } from '../auth/reader.ts';
import { logOfOwn } from './own-node.ts';

const pod = (state: object, lastState: object = {}): Stored<Pod> => ({ metadata: { name: 'p' }, status: { containerStatuses: [{ name: 'c', state, lastState }] } }) as unknown as Stored<Pod>;

test.each([
  ['runs', pod({ running: {} }), false, 200],
  ['has ended', pod({ terminated: { exitCode: 0 } }), false, 200],
  ['waits', pod({ waiting: { reason: 'ImagePullBackOff' } }), false, 'container "c" in pod "p" is waiting to start: ImagePullBackOff'],
  ['is not known yet', { metadata: { name: 'p' } } as unknown as Stored<Pod>, false, 'container "c" in pod "p" is waiting to start: ContainerCreating'],
  ['ran before', pod({ running: {} }, { terminated: { exitCode: 1 } }), true, 200],
  ['did not run before', pod({ running: {} }), true, 'previous terminated container "c" in pod "p" not found'],
])('one that %s', (_, of, previous, expected) => {
  const told = (): unknown => {
    try {
      const answer = logOfOwn(of, 'c', previous);
      return answer.type === 'stream' ? answer.code : answer.type;
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(told()).toBe(expected);
});
