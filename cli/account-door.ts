/** A door for a ServiceAccount, whose short-lived tokens are asked for by somebody who may. */
import { serviceaccounts } from '../api/resources.ts';
import type { ApiCall, Door, WatchEvent } from '../api/request.ts';
import { isReason } from '../api/status.ts';
import { openClient } from '../client/open-client.ts';
import { type HttpDoor, type HttpDoorOptions, openHttpDoor } from '../client/http.ts';
import type { Connection } from '../client/kubeconfig.ts';
import type { Clock } from '../std/clock.ts';

export interface AccountDoorOptions {
  /** Of the one who asks for tokens. Its own credentials are not used for the account's calls. */
  readonly connection: Connection;
  readonly door: Door;
  readonly namespace: string;
  readonly account: string;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly onCall?: HttpDoorOptions['onCall'];
}

const TOKEN_SECONDS = 3600;
/** A new token is taken when this share of the old one's time is over. */
const RENEW_AFTER = 0.8;

interface Session {
  readonly door: HttpDoor;
  readonly renewAt: number;
}

export function openAccountDoor(options: AccountDoorOptions): Door & { close(): Promise<void> } {
  const { clock } = options;
  let session: Promise<Session> | undefined;
  const closing: HttpDoor[] = [];
  const current = async (): Promise<Door> => {
    const known = await session;
    if (!known || clock.now() >= known.renewAt) {
      if (known) closing.push(known.door);
      session = open(options);
      session.catch(() => (session = undefined));
      // Watches of the last session but one have been taken up anew by now: servers end them after minutes.
      while (closing.length > 1) void closing.shift()?.close();
    }
    return ((await session) as Session).door;
  };
  return {
    call: async (call: ApiCall) => (await current()).call(call),
    async *watch(call: ApiCall): AsyncGenerator<WatchEvent> {
      yield* (await current()).watch(call);
    },
    async close() {
      const last = await session?.catch(() => undefined);
      await Promise.all([...closing, ...(last ? [last.door] : [])].map((door) => door.close()));
    },
  };
}

async function open({ connection, door, namespace, account, userAgent, clock, onCall }: AccountDoorOptions): Promise<Session> {
  const client = openClient(door, { userAgent });
  const key = { namespace, name: account };
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: TOKEN_SECONDS } };
  const ask = (): Promise<{ status: { token: string } }> => client.post(serviceaccounts, key, 'token', request);
  const answer = await ask().catch(async (error: unknown) => {
    if (!isReason(error, 'NotFound')) throw error;
    await client.create(serviceaccounts, { metadata: key }).catch((refusal: unknown) => {
      if (!isReason(refusal, 'AlreadyExists')) throw refusal;
    });
    return ask();
  });
  return { door: openHttpDoor({ ...connectionAs(answer.status.token, connection), clock, userAgent, ...(onCall && { onCall }) }), renewAt: clock.now() + TOKEN_SECONDS * 1000 * RENEW_AFTER };
}

/** The same way to the same server, and of the credentials nothing but the token. */
export function connectionAs(token: string, { cert: _cert, key: _key, token: _token, tokenFile: _tokenFile, ...way }: Connection): Connection {
  return { ...way, token };
}
