/** Deletes the objects of a kind whose definition goes, and waits until they are gone: finalizers of their own hold them. */
import type { ApiObject } from '../../api/kind.ts';
import { isReason } from '../../api/status.ts';
import { sleep } from '../../std/clock.ts';
import { deepCopy } from '../../std/deep.ts';
import type { Core } from '../core.ts';
import { change } from '../objects/change.ts';
import { checkDeleteOptions } from '../objects/delete-options.ts';
import { planDeletion } from '../objects/deletion.ts';
import type { Resource } from '../resource.ts';

const PAGE = 500;
/** Deletions at the same time. */
const WORKERS = 16;
const POLL_MS = 500;

export async function clearInstances(core: Core, resource: Resource, signal: AbortSignal): Promise<void> {
  let marked = new Set<string>();
  for (;;) {
    const page = await core.store.list(resource.prefix, { limit: PAGE });
    if (page.entries.length === 0) return;
    const queue = page.entries.filter(({ key }) => !marked.has(key)).values();
    const seen = new Set<string>(page.entries.map(({ key }) => key));
    const work = async (): Promise<void> => {
      for (const { key } of queue) await remove(core, resource, key);
    };
    const left = [...seen].some((key) => !marked.has(key));
    await Promise.all(Array.from({ length: WORKERS }, work));
    marked = seen;
    // What has been marked is held by somebody, who needs time.
    if (!left) await sleep(core.clock, POLL_MS, signal);
  }
}

async function remove(core: Core, resource: Resource, key: string): Promise<void> {
  const options = checkDeleteOptions({});
  const name = key.slice(key.lastIndexOf('/') + 1);
  try {
    await change(core, {
      resource, key, name, dryRun: false, fromStore: true,
      decide(current) {
        const object = deepCopy((current as NonNullable<typeof current>).object) as ApiObject;
        const plan = planDeletion(resource, object, options, core.clock.now());
        switch (plan.do) {
          case 'mark':
            return { do: 'write', object: plan.object };
          case 'remove':
            return { do: 'remove', object };
          case 'nothing':
            return { do: 'nothing' };
        }
      },
    });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}
