/** Admission: what may still change or refuse a write after authorization. Plugins run in one fixed order (`order.ts`). */
import type { ApiObject, Kind } from '../../api/kind.ts';
import type { UserInfo } from '../auth/auth.ts';

export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly kind: Kind;
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
}

export interface AdmissionPlugin {
  readonly name: string;
  /** Asked first, so that a plugin costs nothing where it has nothing to say. */
  handles(request: AdmissionRequest): boolean;
  /** May change `request.object`. Refuses by throwing an `ApiError`. */
  mutate?(request: AdmissionRequest): void | Promise<void>;
  /** Looks at the final object. Refuses by throwing an `ApiError`. */
  validate?(request: AdmissionRequest): void | Promise<void>;
  /** The write failed after this plugin allowed it: gives back what it had charged (quota). */
  undo?(request: AdmissionRequest): void;
}
