/** Images on this node: looked for, pulled by policy, each one only once at a time, with back-off after failures. */
import type { Clock } from '../std/clock.ts';
import { Gate } from '../std/gate.ts';
import { type PodObject, type Spec } from './pod.ts';
import { durationText } from './restart.ts';
import type { KubeletSeries } from './metrics/series.ts';
import { withDefaultTag } from './image-name.ts';
import { type Image, type ImageCredentials, type Runtime, RuntimeRefused } from './runtime/runtime.ts';
import { StartFailure } from './start-failure.ts';

export interface ImageRequest {
  readonly pod: PodObject;
  readonly spec: Spec;
  readonly credentials: readonly ImageCredentials[];
  readonly record: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
}

export interface LocalImage {
  readonly image: Image;
  /** As the runtime is asked for it. */
  readonly reference: string;
}

const PULLS_AT_ONCE = 4;
const BACKOFF = { baseMs: 10_000, limitMs: 300_000 };
/** A failed pull is told as such first, then as one that waits. */
const LOOK_AGAIN_MS = 2000;
/** Remembered failures; the oldest is forgotten. */
const FAILURES_LIMIT = 1000;

interface Failure {
  readonly delayMs: number;
  readonly at: number;
  readonly text: string;
}

export class Images {
  readonly #runtime: Runtime;
  readonly #clock: Clock;
  readonly #series: Pick<KubeletSeries, 'imagePulled'> | undefined;
  readonly #pulling = new Map<string, Promise<void>>();
  readonly #failures = new Map<string, Failure>();
  readonly #gate = new Gate(PULLS_AT_ONCE);

  constructor(runtime: Runtime, clock: Clock, series?: Pick<KubeletSeries, 'imagePulled'>) {
    this.#runtime = runtime;
    this.#clock = clock;
    this.#series = series;
  }

  async ensure(request: ImageRequest): Promise<LocalImage> {
    const { spec, record } = request;
    const wanted = spec.image ?? '';
    const reference = withDefaultTag(wanted);
    if (reference === undefined) {
      const message = `Failed to apply default image tag ${JSON.stringify(wanted)}: couldn't parse image name ${JSON.stringify(wanted)}: invalid reference format`;
      record('Warning', 'InspectFailed', message);
      throw new StartFailure('InvalidImageName', message);
    }
    const policy = spec.imagePullPolicy ?? (reference.endsWith(':latest') ? 'Always' : 'IfNotPresent');
    const present = policy === 'Always' ? undefined : await this.#look(reference, wanted, record);
    if (present) {
      record('Normal', 'Pulled', `Container image ${JSON.stringify(wanted)} already present on machine and can be accessed by the pod`);
      return { image: present, reference };
    }
    if (policy === 'Never') {
      const message = `Container image ${JSON.stringify(wanted)} is not present with pull policy of Never`;
      record('Warning', 'ErrImageNeverPull', message);
      throw new StartFailure('ErrImageNeverPull', message);
    }
    await this.#pullWithBackoff(request, reference, wanted);
    const image = await this.#look(reference, wanted, record);
    if (!image) throw new StartFailure('ErrImagePull', `image ${JSON.stringify(wanted)} is not there although it was pulled`);
    return { image, reference };
  }

  async #look(reference: string, wanted: string, record: ImageRequest['record']): Promise<Image | undefined> {
    try {
      return await this.#runtime.image(reference);
    } catch (error) {
      const message = `Failed to inspect image ${JSON.stringify(wanted)}: ${errorText(error)}`;
      record('Warning', 'InspectFailed', message);
      throw new StartFailure('ImageInspectError', message);
    }
  }

  async #pullWithBackoff({ pod, credentials, record }: ImageRequest, reference: string, wanted: string): Promise<void> {
    const key = `${pod.metadata.uid}_${wanted}`;
    const failure = this.#failures.get(key);
    const started = this.#clock.now();
    const left = failure ? failure.at + failure.delayMs - started : 0;
    if (failure && left > 0) {
      const message = `Back-off pulling image ${JSON.stringify(wanted)}`;
      record('Normal', 'BackOff', message);
      throw new StartFailure('ImagePullBackOff', `${message}: ${failure.text}`, left);
    }
    record('Normal', 'Pulling', `Pulling image ${JSON.stringify(wanted)}`);
    try {
      const pulled = await this.#pullOnce(reference, credentials);
      this.#failures.delete(key);
      const all = this.#clock.now() - started;
      const size = (await this.#runtime.image(reference))?.sizeBytes ?? 0;
      this.#series?.imagePulled(all / 1000, size);
      record('Normal', 'Pulled', `Successfully pulled image ${JSON.stringify(wanted)} in ${durationText(Math.round(pulled))} (${durationText(Math.round(all))} including waiting). Image size: ${size} bytes.`);
    } catch (error) {
      const message = errorText(error);
      record('Warning', 'Failed', `Failed to pull image ${JSON.stringify(wanted)}: ${message}`);
      const expired = !failure || this.#clock.now() - failure.at > 2 * BACKOFF.limitMs;
      const delayMs = expired ? BACKOFF.baseMs : Math.min(BACKOFF.limitMs, failure.delayMs * 2);
      this.#remember(key, { delayMs, at: this.#clock.now(), text: `ErrImagePull: ${message}` });
      throw new StartFailure('ErrImagePull', message, LOOK_AGAIN_MS);
    }
  }

  /** Returns how long the pull itself took. Who asks for what is being pulled waits for that; credentials must be the same. */
  async #pullOnce(reference: string, credentials: readonly ImageCredentials[]): Promise<number> {
    const key = JSON.stringify([reference, credentials]);
    const since = this.#clock.now();
    let pull = this.#pulling.get(key);
    if (!pull) {
      pull = this.#gate.run(() => this.#pullWithAny(reference, credentials)).finally(() => this.#pulling.delete(key));
      this.#pulling.set(key, pull);
    }
    await pull;
    return this.#clock.now() - since;
  }

  async #pullWithAny(reference: string, credentials: readonly ImageCredentials[]): Promise<void> {
    if (credentials.length === 0) return void (await this.#runtime.pullImage(reference));
    const errors: unknown[] = [];
    for (const one of credentials) {
      try {
        return void (await this.#runtime.pullImage(reference, one));
      } catch (error) {
        errors.push(error);
      }
    }
    throw errors.at(-1);
  }

  #remember(key: string, failure: Failure): void {
    this.#failures.delete(key);
    this.#failures.set(key, failure);
    if (this.#failures.size > FAILURES_LIMIT) for (const oldest of this.#failures.keys()) return void this.#failures.delete(oldest);
  }
}

/** As a gRPC client of Go prints it. */
export function errorText(error: unknown): string {
  if (error instanceof RuntimeRefused) return `rpc error: code = ${error.code} desc = ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
