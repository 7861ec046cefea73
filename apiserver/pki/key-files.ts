/** Certificates and keys as files: written whole or not at all, readable by their owner only. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface KeyPair {
  readonly certPem: string;
  readonly keyPem: string;
}

/** A place for named PEM files: a folder, or memory when there is none. */
export interface KeyFiles {
  read(file: string): string | undefined;
  write(file: string, text: string): void;
}

export function memoryKeyFiles(): KeyFiles {
  const files = new Map<string, string>();
  return { read: (file) => files.get(file), write: (file, text) => void files.set(file, text) };
}

export function directoryKeyFiles(directory: string): KeyFiles {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  return {
    read(file) {
      try {
        return readFileSync(join(directory, file), 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw new Error(`cannot read ${join(directory, file)}: ${(error as Error).message}`, { cause: error });
      }
    },
    write(file, text) {
      const path = join(directory, file);
      writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
      renameSync(`${path}.new`, path);
      const folder = openSync(directory, 'r');
      try {
        // The name is durable only with its folder.
        fsyncSync(folder);
      } finally {
        closeSync(folder);
      }
    },
  };
}

/** The pair, if both files are there and belong together. A crash between the two writes leaves a pair that does not. */
export function readPair(files: KeyFiles, name: string): KeyPair | undefined {
  const certPem = files.read(`${name}.crt`);
  const keyPem = files.read(`${name}.key`);
  if (certPem === undefined || keyPem === undefined) return undefined;
  try {
    return new X509Certificate(certPem).checkPrivateKey(createPrivateKey(keyPem)) ? { certPem, keyPem } : undefined;
  } catch {
    return undefined;
  }
}

export function writePair(files: KeyFiles, name: string, pair: KeyPair): KeyPair {
  files.write(`${name}.key`, pair.keyPem);
  files.write(`${name}.crt`, pair.certPem);
  return pair;
}
