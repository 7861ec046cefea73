/** Flags that are read as more than words. */
import { thresholds } from './flags.ts';

test.each([
  ['memory.available<100Mi,nodefs.available<10%', { 'memory.available': '100Mi', 'nodefs.available': '10%' }],
  [' pid.available<1k ', { 'pid.available': '1k' }],
  ['', {}],
])('thresholds(): %j', (text, expected) => expect(thresholds(text)).toEqual(expected));

test.each(['memory.available', 'memory.available>1Gi', 'memory.available<', '<1Gi', 'a<1,b'])('thresholds() refuses %j', (text) => {
  expect(() => thresholds(text)).toThrow('it must be like memory.available<100Mi');
});
