/** Whose credentials go to which server. */
import type { Connection } from '../client/kubeconfig.ts';
import { connectionAs } from './account-door.ts';

test.each<[string, Connection, Connection]>([
  ['a certificate is left behind', { server: 'https://a', ca: 'CA', cert: 'C', key: 'K' }, { server: 'https://a', ca: 'CA', token: 't' }],
  ['so are tokens', { server: 'https://a', token: 'other', tokenFile: '/f' }, { server: 'https://a', token: 't' }],
  ['the name in the server\'s certificate is the same', { server: 'https://a', serverName: 'b' }, { server: 'https://a', serverName: 'b', token: 't' }],
  ['what need not be checked is not checked either', { server: 'https://a', insecureSkipTlsVerify: true }, { server: 'https://a', insecureSkipTlsVerify: true, token: 't' }],
])('a ServiceAccount goes the way of who asked for its token: %s', (_, connection, own) => {
  expect(connectionAs('t', connection)).toEqual(own);
});
