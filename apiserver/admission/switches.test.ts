/** Plugins by name. */
import { systemClock } from '../../std/clock.ts';
import { Meter } from '../../std/meter.ts';
import { seededRandom } from '../../std/random.ts';
import { FakeReader } from '../auth/fake-reader.ts';
import { dynamicPlugins } from './dynamic.ts';
import { builtinPlugins } from './order.ts';
import { pluginsOff } from './switches.ts';

const off = (enable: string, disable: string): readonly string[] => pluginsOff({ enable: enable.split(',').filter(Boolean), disable: disable.split(',').filter(Boolean) });

test.each<[string, string, readonly string[]]>([
  ['', '', []],
  ['NodeRestriction,LimitRanger,AlwaysAdmit', '', []],
  ['LimitRanger', 'ServiceAccount,PodGroupProtection', ['ServiceAccount', 'PodGroupProtection']],
  ['', 'AlwaysPullImages', ['AlwaysPullImages']],
])('enabled %j, disabled %j', (enable, disable, expected) => {
  expect(off(enable, disable)).toEqual(expected);
});

test.each([
  ['Foo', '', 'enable-admission-plugins plugin "Foo" is unknown'],
  ['', 'serviceaccount', 'disable-admission-plugins plugin "serviceaccount" is unknown'],
  ['ServiceAccount,LimitRanger', 'LimitRanger,ServiceAccount', '[LimitRanger ServiceAccount] in enable-admission-plugins and disable-admission-plugins overlapped'],
  ['AlwaysPullImages', '', '--enable-admission-plugins: AlwaysPullImages is not supported'],
])('enabled %j, disabled %j is refused', (enable, disable, why) => {
  expect(() => off(enable, disable)).toThrow(why);
});

test('every plugin of upstream that there is has a name by which it can be turned off; our own checks have none', () => {
  const parts = { reader: new FakeReader(), writer: new FakeReader(), clock: systemClock, random: seededRandom(1), authorizer: undefined, registry: { kinds: [], hub: () => undefined }, meter: new Meter() } as never;
  const unnamed = builtinPlugins({ ...(parts as object), dynamic: dynamicPlugins(parts) } as never).map(({ name }) => name).filter((name) => {
    try {
      return off('', name).length === 0;
    } catch {
      return true;
    }
  });
  expect(unnamed.sort()).toEqual(['CertificateRequester', 'PolicyParamRights', 'RBACEscalation']);
});
