/** How large what is stored is, asked when somebody looks. */
import type { Meter } from '../../std/meter.ts';

/** `size` may take its time: what it said the last time is shown meanwhile. Undefined: not known. */
export function storageSize(meter: Meter, size: () => number | undefined | Promise<number | undefined>): void {
  const family = meter.gauge({
    name: 'apiserver_storage_size_bytes', help: 'Bytes that the store takes.', labels: ['storage_cluster_id'],
    collect() {
      const show = (bytes: number | undefined): void => void (bytes !== undefined && family.of(CLUSTER).set(bytes));
      const told = size();
      if (told instanceof Promise) told.then(show, () => undefined);
      else show(told);
    },
  });
}

/** As upstream calls the first store. */
const CLUSTER = 'etcd-0';
