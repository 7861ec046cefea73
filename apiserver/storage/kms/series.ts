/** What is counted of encryption at rest, under upstream's names. */
import { createHash } from 'node:crypto';
import type { Clock } from '../../../std/clock.ts';
import type { Meter } from '../../../std/meter.ts';

export type Direction = 'from_storage' | 'to_storage';

export interface EncryptionSeries {
  transformed(resource: string, direction: Direction, prefix: string, seconds: number, error: boolean): void;
  called(provider: string, method: string, seconds: number, code: string): void;
  keyUsed(direction: Direction, provider: string, keyId: string): void;
  keySeen(provider: string, keyId: string): void;
  keyInvalid(provider: string, why: string): void;
  cached(provider: string, count: number): void;
  missed(): void;
  /** A configuration file is in effect, for the first time or read again. */
  configured(hash: string, how: 'started' | 'reloaded'): void;
  reloadFailed(): void;
}

/** Combinations of a key and a server that are kept apart. */
const KEYS_LIMIT = 100;

function doubling(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => from * 2 ** at);
}

export function hashOf(text: string): string {
  return text === '' ? '' : `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** `server` is the name of the server's identity. */
export function encryptionSeries(meter: Meter, clock: Clock, server: string): EncryptionSeries {
  const own = hashOf(server);
  const hashes = new Map<string, string>();
  const hashed = (keyId: string): string => {
    const known = hashes.get(keyId);
    if (known !== undefined) return known;
    if (hashes.size >= KEYS_LIMIT) hashes.clear();
    const hash = hashOf(keyId);
    hashes.set(keyId, hash);
    return hash;
  };
  const durations = meter.histogram({ name: 'apiserver_storage_transformation_duration_seconds', help: 'Latencies in seconds of value transformation operations.', labels: ['transformation_type', 'transformer_prefix'], buckets: doubling(5e-6, 25) });
  const operations = meter.counter({ name: 'apiserver_storage_transformation_operations_total', help: 'Values that were encrypted or decrypted, by how that ended.', labels: ['resource', 'transformation_type', 'transformer_prefix', 'status'] });
  const misses = meter.counter({ name: 'apiserver_storage_envelope_transformation_cache_misses_total', help: 'Keys that a key management service had to be asked for.' });
  const calls = meter.histogram({ name: 'apiserver_envelope_encryption_kms_operations_latency_seconds', help: 'How long calls of key management services took.', labels: ['provider_name', 'method_name', 'grpc_status_code'], buckets: doubling(0.0001, 20) });
  const used = meter.counter({ name: 'apiserver_envelope_encryption_key_id_hash_total', help: 'Uses of a key.', labels: ['transformation_type', 'provider_name', 'key_id_hash', 'apiserver_id_hash'], limit: KEYS_LIMIT });
  const usedAt = meter.gauge({ name: 'apiserver_envelope_encryption_key_id_hash_last_timestamp_seconds', help: 'When a key was used last.', labels: ['transformation_type', 'provider_name', 'key_id_hash', 'apiserver_id_hash'], limit: KEYS_LIMIT });
  const seenAt = meter.gauge({ name: 'apiserver_envelope_encryption_key_id_hash_status_last_timestamp_seconds', help: 'When a service last named this key as its own.', labels: ['provider_name', 'key_id_hash', 'apiserver_id_hash'], limit: KEYS_LIMIT });
  const invalid = meter.counter({ name: 'apiserver_envelope_encryption_invalid_key_id_from_status_total', help: 'Names of keys that a service should not have told.', labels: ['provider_name', 'error'] });
  const cacheSize = meter.gauge({ name: 'apiserver_envelope_encryption_dek_source_cache_size', help: 'Keys of values that are known without asking.', labels: ['provider_name'] });
  const reloads = meter.counter({ name: 'apiserver_encryption_config_controller_automatic_reloads_total', help: 'How often the configuration was read again.', labels: ['status', 'apiserver_id_hash'] });
  const reloadedAt = meter.gauge({ name: 'apiserver_encryption_config_controller_automatic_reload_last_timestamp_seconds', help: 'When the configuration was last read again.', labels: ['status', 'apiserver_id_hash'] });
  const info = meter.gauge({ name: 'apiserver_encryption_config_controller_last_config_info', help: 'The hash of the configuration in effect.', labels: ['apiserver_id_hash', 'hash'] });
  const seconds = (): number => clock.now() / 1000;
  const reloaded = (status: 'success' | 'failure'): void => {
    reloads.of(status, own).add();
    reloadedAt.of(status, own).set(seconds());
  };
  return {
    transformed(resource, direction, prefix, took, error) {
      operations.of(resource, direction, prefix, error ? 'unknown-non-grpc' : 'OK').add();
      if (!error) durations.of(direction, prefix).observe(took);
    },
    called: (provider, method, took, code) => calls.of(provider, method, code).observe(took),
    keyUsed(direction, provider, keyId) {
      const hash = hashed(keyId);
      used.of(direction, provider, hash, own).add();
      usedAt.of(direction, provider, hash, own).set(seconds());
    },
    keySeen: (provider, keyId) => seenAt.of(provider, hashed(keyId), own).set(seconds()),
    keyInvalid: (provider, why) => invalid.of(provider, why).add(),
    cached: (provider, count) => cacheSize.of(provider).set(count),
    missed: () => misses.of().add(),
    configured(hash, how) {
      if (how === 'reloaded') reloaded('success');
      info.clear();
      info.of(own, hash).set(1);
    },
    reloadFailed: () => reloaded('failure'),
  };
}
