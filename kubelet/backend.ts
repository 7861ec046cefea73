/** What the kubelet's HTTPS server needs of the node agent behind it. */
import type { Duplex, Readable } from 'node:stream';
import type { Session, StreamRequest } from './runtime/model.ts';
import type { PageName } from './server/routes.ts';

/** A container of a pod on this node, as requests name it. */
export interface ContainerTarget {
  readonly id: string;
  readonly running: boolean;
  /** As the container was created: attach follows it. */
  readonly tty: boolean;
  readonly stdin: boolean;
}

/** Where a container's output stands: the file of one of its runs. */
export interface LogTarget {
  readonly path: string;
  /** Nothing is ever written: the container is simulated. */
  readonly isSimulated?: boolean;
  /** Whether the run that writes this file still goes on; asked again and again while a log is followed. */
  isRunning(): boolean;
}

/** Why a request cannot be served, with the HTTP status that says so. */
export class BackendRefusal extends Error {
  override readonly name = 'BackendRefusal';
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** What is asked of a kubelet and answered at once. */
export interface PageRequest {
  readonly page: PageName;
  readonly method: string;
  /** What follows the page's own path. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  /** Media types; most pages have one only. */
  readonly accept: string;
}

export interface Page {
  readonly code: number;
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer | Readable;
}

/** Methods that name what is not there throw `BackendRefusal` with 404; what is there but not ready, 400. */
export interface KubeletBackend {
  /** That there is such a pod, and that it is the one that is meant. */
  require(namespace: string, pod: string, uid: string | undefined): void;
  container(namespace: string, pod: string, container: string): ContainerTarget;
  log(namespace: string, pod: string, container: string, options: { readonly previous: boolean }): LogTarget;
  exec(target: ContainerTarget, command: readonly string[], request: StreamRequest): Promise<Session>;
  attach(target: ContainerTarget, request: StreamRequest): Promise<Session>;
  portForward(namespace: string, pod: string, port: number): Promise<Duplex>;
  /** Everything that is no stream. */
  page(request: PageRequest): Promise<Page>;
  /** `/stats/summary`, of processor and memory alone. */
  summary(): Promise<unknown>;
}
