/**
 * Fills Secrets of type kubernetes.io/service-account-token: token, authority and namespace of the account that they name.
 *
 * The signing key stays in the API server: that is why no controller does this, though what is written is owned by upstream's. Several API servers may run it side by side,
 * since the slower one loses by compare-and-swap and finds the work done.
 */
import { secrets, serviceaccounts } from '../../api/resources.ts';
import { isReason } from '../../api/status.ts';
import type { Secret } from '../../api/types/core.v1.ts';
import { deepCopy } from '../../std/deep.ts';
import type { ObjectChange, Reader, Stored, Writer } from './reader.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';

export interface TokenSecretsOptions {
  readonly reader: Reader;
  readonly writer: Pick<Writer, 'update'>;
  readonly tokens: Pick<ServiceAccountTokens, 'issueForSecret'>;
  readonly caPem: string;
  readonly onError: (error: unknown) => void;
}

const TYPE = 'kubernetes.io/service-account-token';
const ACCOUNT_NAME = 'kubernetes.io/service-account.name';
const ACCOUNT_UID = 'kubernetes.io/service-account.uid';

/** Follows the caches until it is closed. */
export function followTokenSecrets(options: TokenSecretsOptions): { close(): void } {
  const { reader, onError } = options;
  /** `namespace/name` of the Secrets of that type: few, so that no other Secret is looked at twice. */
  const known = new Set<string>();
  const visit = (namespace: string, name: string): void => void fill(options, namespace, name).catch(onError);

  const ofSecrets = reader.onChange(secrets, (change: ObjectChange<Secret>) => {
    const key = `${change.namespace}/${change.name}`;
    if (change.type === 'deleted' || (change.fields['type'] ?? change.object.type) !== TYPE) return void known.delete(key);
    known.add(key);
    visit(change.namespace, change.name);
  });
  // An account may come after the Secret that names it.
  const ofAccounts = reader.onChange(serviceaccounts, ({ type, namespace, previous }) => {
    if (type !== 'set' || previous) return;
    for (const key of known) if (key.startsWith(`${namespace}/`)) visit(namespace, key.slice(namespace.length + 1));
  });
  return {
    close() {
      ofSecrets.close();
      ofAccounts.close();
    },
  };
}

async function fill({ reader, writer, tokens, caPem }: TokenSecretsOptions, namespace: string, name: string): Promise<void> {
  const secret = reader.get(secrets, namespace, name);
  if (!secret || secret.metadata.deletionTimestamp) return;
  const account = reader.get(serviceaccounts, namespace, secret.metadata.annotations?.[ACCOUNT_NAME] ?? '');
  const wantedUid = secret.metadata.annotations?.[ACCOUNT_UID];
  // A Secret of an account that was deleted and made anew keeps its old token, which no longer holds.
  if (!account || account.metadata.deletionTimestamp || (wantedUid && wantedUid !== account.metadata.uid)) return;
  const { uid } = account.metadata;
  const token = secret.data?.['token'] ?? encode(await tokens.issueForSecret({ namespace, serviceAccount: { name: account.metadata.name, uid }, secretName: name }));
  const data = { ...secret.data, token, 'ca.crt': encode(caPem), namespace: encode(namespace) };
  if (wantedUid === uid && isSame(secret, data)) return;
  const next = deepCopy(secret) as Secret;
  next.metadata.annotations = { ...next.metadata.annotations, [ACCOUNT_UID]: uid };
  next.data = data;
  try {
    await writer.update(secrets, next, undefined, { manager: 'kube-controller-manager' });
  } catch (error) {
    // Changed or gone meanwhile: the change brings the Secret here again.
    if (!isReason(error, 'Conflict') && !isReason(error, 'NotFound')) throw error;
  }
}

function isSame(secret: Stored<Secret>, data: Readonly<Record<string, string>>): boolean {
  return Object.entries(data).every(([key, value]) => secret.data?.[key] === value);
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}
