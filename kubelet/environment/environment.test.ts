import type { ConfigMap, Secret, Service } from '../../api/types/core.v1.ts';
import type { Stored } from '../../client/client.ts';
import { expand } from '../expand.ts';
import { podOf } from '../fixtures.ts';
import type { Spec } from '../pod.ts';
import { environment } from './environment.ts';
import { serviceVariables } from './service-links.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const CONFIG: Record<string, ConfigMap> = { settings: { metadata: {}, data: { COLOR: 'red', SIZE: 'l' } } as ConfigMap };
const SECRETS: Record<string, Secret> = { login: { metadata: {}, data: { PASSWORD: base64('pass wörd') } } as unknown as Secret };

function variables(spec: object): Record<string, string> {
  const container = { name: 'app', ...spec } as Spec;
  const pod = podOf({ nodeName: 'n1', serviceAccountName: 'robot', containers: [container] }, { labels: { tier: 'front', app: 'web' } });
  const list = environment({
    pod,
    spec: container,
    facts: { podIps: ['10.0.0.5', 'fd00::5'], hostIps: ['192.0.2.1'], allocatable: { cpu: '4', memory: '1Gi' } },
    services: new Map([['KUBERNETES_SERVICE_HOST', '10.96.0.1']]),
    configMap: (name) => CONFIG[name],
    secret: (name) => SECRETS[name],
  });
  const { KUBERNETES_SERVICE_HOST: _, ...own } = Object.fromEntries(list.map(({ name, value }) => [name, value]));
  return own;
}

const from = (source: object): object => ({ env: [{ name: 'X', valueFrom: source }] });
const field = (fieldPath: string): object => from({ fieldRef: { fieldPath } });
const resource = (name: string, more: object = {}): object => ({ resources: { limits: { cpu: '1500m' }, requests: { memory: '10Mi' } }, ...from({ resourceFieldRef: { resource: name, ...more } }) });

describe('environment() takes values from', () => {
  const rows: Record<string, [object, Record<string, string>]> = {
    'what stands there': [{ env: [{ name: 'A', value: 'x' }, { name: 'B' }] }, { A: 'x', B: '' }],
    'variables before it': [{ env: [{ name: 'B', value: '$(A)' }, { name: 'A', value: 'x' }, { name: 'C', value: '$(A) $$(A) $(NONE) $(KUBERNETES_SERVICE_HOST)' }] }, { A: 'x', B: '$(A)', C: 'x $(A) $(NONE) 10.96.0.1' }],
    'a key of a config map': [from({ configMapKeyRef: { name: 'settings', key: 'COLOR' } }), { X: 'red' }],
    'a key of a secret': [from({ secretKeyRef: { name: 'login', key: 'PASSWORD' } }), { X: 'pass wörd' }],
    'nothing, where that is allowed': [from({ configMapKeyRef: { name: 'none', key: 'COLOR', optional: true } }), {}],
    'whole config maps and secrets': [{ envFrom: [{ configMapRef: { name: 'settings' }, prefix: 'P_' }, { secretRef: { name: 'login' } }] }, { P_COLOR: 'red', P_SIZE: 'l', PASSWORD: 'pass wörd' }],
    'single variables over whole ones': [{ envFrom: [{ configMapRef: { name: 'settings' } }], env: [{ name: 'SIZE', value: 'xl' }] }, { COLOR: 'red', SIZE: 'xl' }],
    'the name': [field('metadata.name'), { X: 'web' }],
    'a label': [field("metadata.labels['tier']"), { X: 'front' }],
    'all labels': [field('metadata.labels'), { X: 'app="web"\ntier="front"' }],
    'the addresses': [field('status.podIPs'), { X: '10.0.0.5,fd00::5' }],
    'the node': [field('spec.nodeName'), { X: 'n1' }],
    'a limit, rounded up': [resource('limits.cpu'), { X: '2' }],
    'a limit in thousandths': [resource('limits.cpu', { divisor: '1m' }), { X: '1500' }],
    'a request': [resource('requests.memory', { divisor: '1Mi' }), { X: '10' }],
    'the node, where there is no limit': [resource('limits.memory'), { X: '1073741824' }],
  };
  test.each(Object.entries(rows))('%s', (_, [spec, expected]) => expect(variables(spec)).toEqual(expected));
});

describe('environment() refuses', () => {
  const rows: Record<string, [object, string]> = {
    'a config map that is not there': [from({ configMapKeyRef: { name: 'none', key: 'a' } }), 'configmap "none" not found'],
    'a key that is not there': [from({ configMapKeyRef: { name: 'settings', key: 'a' } }), "couldn't find key a in ConfigMap default/settings"],
    'a secret that is not there': [{ envFrom: [{ secretRef: { name: 'none' } }] }, 'secret "none" not found'],
    'a key of a secret that is not there': [from({ secretKeyRef: { name: 'login', key: 'a' } }), "couldn't find key a in Secret default/login"],
  };
  test.each(Object.entries(rows))('%s', (_, [spec, message]) => expect(() => variables(spec)).toThrow(message));
});

test('expand() leaves what it does not know', () => {
  const known = (name: string): string | undefined => ({ A: '1', E: '' })[name];
  const rows: [string, string][] = [['$(A)', '1'], ['$$(A)', '$(A)'], ['$$$(A)', '$1'], ['$(B)', '$(B)'], ['$(E)|', '|'], ['$A $', '$A $'], ['$(A', '$(A'], ['$(A)$(A)', '11']];
  expect(rows.map(([text]) => expand(text, known))).toEqual(rows.map(([, expected]) => expected));
});

test('serviceVariables() names the Services of the namespace, and the API server for everybody', () => {
  const service = (namespace: string, name: string, clusterIP: string, ports: object[]): Stored<Service> => ({ metadata: { name, namespace }, spec: { clusterIP, ports } }) as unknown as Stored<Service>;
  const services = [
    service('default', 'kubernetes', '10.96.0.1', [{ name: 'https', port: 443 }]),
    service('shop', 'my-db', '10.96.0.7', [{ port: 5432 }, { name: 'adm-in', port: 80, protocol: 'UDP' }]),
    service('shop', 'headless', 'None', [{ port: 1 }]),
    service('other', 'hidden', '10.96.0.8', [{ port: 1 }]),
  ];
  const all = Object.fromEntries(serviceVariables(services, { namespace: 'shop', links: true }));
  expect(all).toMatchObject({
    KUBERNETES_SERVICE_HOST: '10.96.0.1',
    KUBERNETES_SERVICE_PORT_HTTPS: '443',
    MY_DB_SERVICE_HOST: '10.96.0.7',
    MY_DB_SERVICE_PORT: '5432',
    MY_DB_SERVICE_PORT_ADM_IN: '80',
    MY_DB_PORT: 'tcp://10.96.0.7:5432',
    MY_DB_PORT_80_UDP: 'udp://10.96.0.7:80',
    MY_DB_PORT_80_UDP_PROTO: 'udp',
    MY_DB_PORT_80_UDP_ADDR: '10.96.0.7',
  });
  expect(Object.keys(all).filter((name) => /HEADLESS|HIDDEN/.test(name))).toEqual([]);
  expect([...serviceVariables(services, { namespace: 'shop', links: false }).keys()].filter((name) => name.startsWith('MY_DB'))).toEqual([]);
});
