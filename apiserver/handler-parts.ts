/** What the functions that answer requests are made of. */
import type { Aggregator } from './aggregation/aggregator.ts';
import type { RequestAuthenticator } from './auth/authenticator.ts';
import type { ServiceAccountTokens } from './auth/service-account-tokens.ts';
import type { Core } from './core.ts';
import type { FlowControl } from './flow/flow-control.ts';
import type { NodeStatistics } from './metrics-api/node-statistics.ts';
import type { Pki } from './pki/pki.ts';
import type { Readiness } from './readiness.ts';
import type { ComponentName } from './subresources/component-health.ts';
import type { Meter } from '../std/meter.ts';

export interface HandlerParts {
  readonly core: Core;
  readonly meter: Meter;
  readonly flow: FlowControl;
  readonly authenticator: RequestAuthenticator;
  readonly tokens: ServiceAccountTokens;
  readonly readiness: Readiness;
  readonly pki: Pki;
  /** How the server was started, for those who look. */
  readonly flags?: Readonly<Record<string, string>>;
  readonly aggregator: Aggregator;
  readonly statistics: NodeStatistics;
  readonly companions?: Companions | undefined;
  /** Components that need no probe. Default: all. */
  readonly ownComponents?: readonly ComponentName[] | undefined;
}

/** Further API servers in other threads of this process. */
export interface Companions {
  /** What they have counted, in the text format of Prometheus. */
  readonly counted: () => Promise<readonly string[]>;
}
