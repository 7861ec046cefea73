/** What is needed of `node:https` and `node:tls`, loaded with the first use: 9 MB that a cluster without a port never needs. */
import type { Agent, AgentOptions } from 'node:https';

type Https = typeof import('node:https');
type Tls = typeof import('node:tls');

export const request = ((...args: Parameters<Https['request']>) => process.getBuiltinModule('node:https').request(...args)) as Https['request'];

export const connect = ((...args: Parameters<Tls['connect']>) => process.getBuiltinModule('node:tls').connect(...args)) as Tls['connect'];

export const checkServerIdentity: Tls['checkServerIdentity'] = (host, certificate) => process.getBuiltinModule('node:tls').checkServerIdentity(host, certificate);

export function openAgent(options: AgentOptions): Agent {
  const { Agent } = process.getBuiltinModule('node:https');
  return new Agent(options);
}
