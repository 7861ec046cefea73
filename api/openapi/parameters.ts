/** Parameters of operations: where they stand, what they hold, and the name under which version 2 documents share them. */

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'path';
  readonly type: 'string' | 'boolean' | 'integer';
  /** `name-hash` among the shared parameters of a version 2 document; upstream's hash covers its descriptions. Absent: not shared. */
  readonly shared?: string;
}

const QUERY = {
  allowWatchBookmarks: ['boolean', 'HC2hJt-J'],
  continue: ['string', 'QfD61s0i'],
  dryRun: ['string', ''],
  fieldManager: ['string', 'Qy4HdaTW'],
  fieldManagerOfPatch: ['string', '7c6nTn1T'],
  fieldSelector: ['string', 'xIcQKXFG'],
  fieldValidation: ['string', ''],
  force: ['boolean', 'tOGGb0Yi'],
  gracePeriodSeconds: ['integer', '-K5HaBOS'],
  ignoreStoreReadErrorWithClusterBreakingPotential: ['boolean', 'QbNkfIqj'],
  labelSelector: ['string', '5Zw57w4C'],
  limit: ['integer', '1NfNmdNH'],
  orphanDependents: ['boolean', 'uRB25kX5'],
  pretty: ['string', 'tJGM1-ng'],
  propagationPolicy: ['string', '6jk3prlO'],
  resourceVersion: ['string', '5WAnf1kx'],
  resourceVersionMatch: ['string', 't8XhRHeC'],
  sendInitialEvents: ['boolean', 'rLXlEK_k'],
  shardSelector: ['string', 'Kgyki_3_'],
  timeoutSeconds: ['integer', 'yvYezaOC'],
  watch: ['boolean', 'XNNPZGbK'],
} as const satisfies Record<string, readonly [Parameter['type'], string]>;

export type QueryName = keyof typeof QUERY;

export function query(...names: readonly QueryName[]): Parameter[] {
  return names.map((key) => {
    const [type, hash] = QUERY[key];
    return make(key === 'fieldManagerOfPatch' ? 'fieldManager' : key, 'query', type, hash);
  });
}

export const NAME: Parameter = { name: 'name', in: 'path', type: 'string' };
export const NAMESPACE: Parameter = make('namespace', 'path', 'string', 'vgWSWtn3');
/** The rest of the path behind a proxy. */
export const REST: Parameter = make('path', 'path', 'string', 'z6Ciiujn');

/** Query parameters of subresources that take a kind of options. */
const OPTIONS: Readonly<Record<string, readonly (readonly [string, Parameter['type'], string])[]>> = {
  PodExecOptions: [['command', 'string', 'Py3eQybp'], ['container', 'string', 'i5dOmRiM'], ['stderr', 'boolean', 'W_1TNlWc'], ['stdin', 'boolean', 'PSzNhyUC'], ['stdout', 'boolean', '-EZLRwV1'], ['tty', 'boolean', 's0flW37O']],
  PodAttachOptions: [['container', 'string', '_Q-EJ3nR'], ['stderr', 'boolean', '26jJhFUR'], ['stdin', 'boolean', 'sEFnN3IS'], ['stdout', 'boolean', '005YMKE6'], ['tty', 'boolean', 'g7MlET_l']],
  PodPortForwardOptions: [['ports', 'integer', '91KROJmm']],
  PodProxyOptions: [['path', 'string', 'oPbzgLUj']],
  ServiceProxyOptions: [['path', 'string', 'QCf0eosM']],
  NodeProxyOptions: [['path', 'string', 'rFDtV0x9']],
  PodLogOptions: [
    ['container', 'string', '1GeXxFDC'], ['follow', 'boolean', '9OIXh_2R'], ['insecureSkipTLSVerifyBackend', 'boolean', 'gM00jVbe'], ['limitBytes', 'integer', 'zwd1RXuc'], ['previous', 'boolean', '1jxDPu3y'],
    ['sinceSeconds', 'integer', 'vE2NLdnP'], ['stream', 'string', 'l-48cgXv'], ['tailLines', 'integer', '9xQLWHMV'], ['timestamps', 'boolean', 'c17fW1w_'],
  ],
};

export function optionsOf(kind: string): Parameter[] {
  return (OPTIONS[kind] ?? []).map(([name, type, hash]) => make(name, 'query', type, hash));
}

/** The shared bodies of version 2: those of deletions and of patches. */
export const SHARED_BODIES: Readonly<Record<string, string>> = {
  'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions': 'body-2Y1dVQaQ',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Patch': 'body-78PwaGsr',
};

function make(name: string, place: 'query' | 'path', type: Parameter['type'], hash: string): Parameter {
  return { name, in: place, type, ...(hash !== '' && { shared: `${name}-${hash}` }) };
}
