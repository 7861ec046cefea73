/** Deletes the objects of a kind whose definition goes, and waits until they are gone: finalizers of their own hold them. */
import type { ApiObject } from '../../api/kind.ts';
import { isReason } from '../../api/status.ts';
import { sleep } from '../../std/clock.ts';
import { deepCopy } from '../../std/deep.ts';
import type { Core } from '../core.ts';
import { change } from '../objects/change.ts';
import { checkDeleteOptions } from '../objects/delete-options.ts';
import { planDeletion } from '../objects/deletion.ts';
import type { Resource } from '../registry/resource.ts';

const PAGE = 500;
/** Deletions at the same time. */
const WORKERS = 16;
const POLL_MS = 500;

export async function clearInstances(core: Core, resource: Resource, signal: AbortSignal): Promise<void> {
  const marked = new Set<string>();
  while (!signal.aborted) {
    const { left, news } = await pass(core, resource, marked);
    if (left === 0) return;
    // What has been marked is held by somebody, who needs time.
    if (news === 0) await sleep(core.clock, POLL_MS, signal);
  }
}

interface Passed {
  /** Objects that were there. */
  readonly left: number;
  /** Those of them that had not been marked. */
  readonly news: number;
}

async function pass(core: Core, resource: Resource, marked: Set<string>): Promise<Passed> {
  let from: string | undefined;
  let left = 0;
  let news = 0;
  for (;;) {
    const { entries, more } = await core.store.list(resource.prefix, { limit: PAGE, ...(from !== undefined && { from }) });
    const fresh = entries.filter(({ key }) => !marked.has(key));
    left += entries.length;
    news += fresh.length;
    const queue = fresh.values();
    const work = async (): Promise<void> => {
      for (const { key } of queue) await remove(core, resource, key);
    };
    await Promise.all(Array.from({ length: Math.min(WORKERS, fresh.length) }, work));
    for (const { key } of fresh) marked.add(key);
    const last = entries.at(-1);
    if (!more || !last) return { left, news };
    from = `${last.key}\0`;
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
