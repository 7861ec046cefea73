/** Kubernetes protobuf: objects in their envelope, and the frames of a watch. */
import type { ApiObject } from '../kind.ts';
import type { WatchEventType } from '../request.ts';

/** Whether objects of this kind have a protobuf form: custom resources and Tables have none. */
export function hasProtobuf(_apiVersion: string, _kind: string): boolean {
  return false;
}

/** An object, list or Status in its envelope: `k8s\0` and an Unknown. */
export function encodeProtobuf(_object: Readonly<Record<string, unknown>>): Buffer {
  throw new Error('not yet');
}

/** The object in an envelope, as JSON has it. Throws ApiError 400. */
export function decodeProtobuf(_bytes: Uint8Array): ApiObject {
  throw new Error('not yet');
}

/** One event of a watch: four bytes of length and a WatchEvent around the enveloped object. */
export function encodeWatchFrame(_type: WatchEventType, _object: Buffer): Buffer {
  throw new Error('not yet');
}
