import { configmaps, secrets } from '../api/resources.ts';
import { openClient } from '../client/open-client.ts';
import { FakeDoor } from '../client/fake-door.ts';
import { VirtualClock } from '../std/clock.ts';
import { seededRandom } from '../std/random.ts';
import { SharedInformers } from './informers.ts';

test('one for all who ask the same; metadata of what somebody follows whole come from there', () => {
  const clock = new VirtualClock();
  const informers = new SharedInformers(openClient(new FakeDoor({ now: () => clock.now() }), { userAgent: 'test' }), { clock, random: seededRandom(1) }, [configmaps]);
  const whole = informers.of(configmaps);
  expect(informers.of(configmaps)).toBe(whole);
  expect(informers.of(configmaps, { metadataOnly: true })).toBe(whole);
  expect(informers.of(configmaps, { metadataOnly: true, namespace: 'a' })).not.toBe(whole);
  expect(informers.of(secrets, { metadataOnly: true })).not.toBe(informers.of(secrets));
  informers.stop();
});
