/** Admission: what may still change or refuse a write after authorization. Plugins run in one fixed order (`order.ts`). */
import type { ApiObject, Kind } from '../../api/kind.ts';
import type { UserInfo } from '../auth/auth.ts';

export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly kind: Kind;
  /** The served version that the client speaks. */
  readonly version: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** The new object in its hub version, or the body of a subresource that speaks another kind. Mutating plugins change it in place. */
  readonly object: ApiObject | undefined;
  readonly old: Readonly<ApiObject> | undefined;
  readonly options: Readonly<Record<string, unknown>>;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  readonly now: number;
  /** Texts for `Warning` headers. */
  readonly warnings: string[];
  /** Who waits for the answer. Absent in tests. */
  readonly caller?: Caller;
}

export interface Caller {
  /** Aborted when the client leaves or the request's time is over. */
  readonly signal: AbortSignal;
  /** Facts for the audit record, where one is kept. */
  readonly auditAnnotations?: Map<string, string>;
  /** The audit record holds what was sent, and so what others have made of it. */
  readonly auditsBodies?: boolean;
  /** Of the span of the request, where it is traced. */
  readonly traceparent?: string;
}

/** What mutating plugins of one request share: they run a second time when policies or webhooks have changed the object. */
export interface MutationPass {
  readonly round: 0 | 1;
  /** Set by a plugin after whose change the others should look again. Only the first round is followed by another. */
  again: boolean;
  /** What a plugin remembers from the first round to the second, by its name. */
  readonly memory: Map<string, unknown>;
}

export interface AdmissionPlugin {
  readonly name: string;
  /** It shows objects to others before it changes them. */
  readonly asksOthers?: true;
  /** It shows objects to others when all changes are made. */
  readonly lastlyAsksOthers?: true;
  /** Asked first, so that a plugin costs nothing where it has nothing to say. */
  handles(request: AdmissionRequest): boolean;
  /** May change `request.object`. Refuses by throwing an `ApiError`. */
  mutate?(request: AdmissionRequest, pass: MutationPass): void | Promise<void>;
  /** Looks at the final object. Refuses by throwing an `ApiError`. */
  validate?(request: AdmissionRequest): void | Promise<void>;
  /** The write failed after this plugin allowed it: gives back what it had charged (quota). */
  undo?(request: AdmissionRequest): void;
}
