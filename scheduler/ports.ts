/** Host ports in use on one node. */

export interface HostPort {
  readonly protocol: string;
  readonly ip: string;
  readonly port: number;
}

const ANY = '0.0.0.0';
/** Stands for "this port on some address". */
const SOME = '*';

export class Ports {
  readonly #used = new Map<string, number>();

  count(ports: readonly HostPort[], sign: 1 | -1): void {
    for (const { protocol, ip, port } of ports) {
      for (const key of [keyOf(protocol, addressOf(ip), port), keyOf(protocol, SOME, port)]) {
        const left = (this.#used.get(key) ?? 0) + sign;
        if (left > 0) this.#used.set(key, left);
        else this.#used.delete(key);
      }
    }
  }

  /** A port on all addresses excludes the same on any one address, and the other way round. */
  free(ports: readonly HostPort[]): boolean {
    return ports.every(({ protocol, ip, port }) => {
      const address = addressOf(ip);
      if (address === ANY) return !this.#used.has(keyOf(protocol, SOME, port));
      return !this.#used.has(keyOf(protocol, address, port)) && !this.#used.has(keyOf(protocol, ANY, port));
    });
  }
}

function addressOf(ip: string): string {
  return ip === '::' ? ANY : ip;
}

function keyOf(protocol: string, address: string, port: number): string {
  return `${protocol}/${address}/${port}`;
}
