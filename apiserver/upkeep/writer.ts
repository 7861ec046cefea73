/** Writes of the server itself: past authentication, authorization and admission, through everything else. */
import type { ApiObject, RuleContext } from '../../api/kind.ts';
import type { ResourceRef } from '../../api/resources.ts';
import { internalError } from '../../api/status.ts';
import { deepCopy } from '../../std/deep.ts';
import type { OwnWrite, Stored, Writer } from '../auth/reader.ts';
import type { Core } from '../core.ts';
import { change } from '../objects/change.ts';
import { goesWithUpdate } from '../objects/deletion.ts';
import { apply, keepTimes, trackServer } from '../objects/managed-fields.ts';
import { prepareNew, prepareUpdate } from '../objects/prepare.ts';
import { existsError, modifiedError, put, remove } from '../objects/put.ts';
import type { Resource } from '../registry/resource.ts';
import { Conflict } from '../storage/store.ts';

const USER = 'system:apiserver';

/** `core` is read when something is written: it is made together with its writer. */
export function createWriter(core: () => Core): Writer {
  const resourceOf = ({ group, version, resource }: ResourceRef<unknown>): Resource => {
    const found = core().registry.find(group, version, resource);
    if (!found) throw internalError(`${resource} is not served`);
    return found;
  };
  const context = (subresource: string): RuleContext => ({ now: core().clock.now(), dryRun: false, subresource, user: USER });
  return {
    async create<T>(ref: ResourceRef<T>, input: T | ApiObject, { manager }: OwnWrite = {}) {
      const resource = resourceOf(ref);
      const object = hubOf(resource, input);
      const { plural, group } = resource.kind;
      trackServer({ resource, subresource: '', old: undefined, object, now: core().clock.now(), manager });
      const settle = await core().hooks.begin({ resource: plural, group, object, old: undefined, dryRun: false });
      prepareNew(core(), object, { resource, context: context(''), warnings: [] });
      const { name = '', namespace = '' } = object.metadata;
      try {
        const key = resource.key(namespace, name);
        const stored = await put(core(), { resource, key, name, expected: 0, object, old: undefined, dryRun: false, settle });
        return stored.object as unknown as Stored<T>;
      } catch (error) {
        throw error instanceof Conflict ? existsError(resource, name, undefined, object) : error;
      }
    },
    async update<T>(ref: ResourceRef<T>, input: T | ApiObject, subresource?: 'status', { untracked = false, manager }: OwnWrite = {}) {
      const resource = resourceOf(ref);
      const object = hubOf(resource, input);
      const { name = '', namespace = '', resourceVersion } = object.metadata;
      const changed = await change(core(), {
        resource, key: resource.key(namespace, name), name, dryRun: false, fromStore: true,
        decide(current) {
          const old = (current as NonNullable<typeof current>).object;
          if (resourceVersion && resourceVersion !== old.metadata.resourceVersion) throw modifiedError(resource, name);
          const next = deepCopy(object) as ApiObject;
          next.metadata.resourceVersion = old.metadata.resourceVersion ?? '';
          if (!untracked) trackServer({ resource, subresource: subresource ?? '', old, object: next, now: core().clock.now(), manager });
          prepareUpdate(next, old, { resource, context: context(subresource ?? ''), warnings: [] });
          keepTimes(next, old);
          return goesWithUpdate(resource, next, old) ? { do: 'remove', object: next } : { do: 'write', object: next };
        },
      });
      return changed.object.object as unknown as Stored<T>;
    },
    async applyStatus<T>(ref: ResourceRef<T>, applied: ApiObject, manager: string) {
      const resource = resourceOf(ref);
      const { name = '', namespace = '' } = applied.metadata;
      const changed = await change(core(), {
        resource, key: resource.key(namespace, name), name, dryRun: false,
        async decide(current) {
          const old = (current as NonNullable<typeof current>).object;
          const next = await apply({ resource, subresource: 'status', live: old, applied, manager, force: true, now: core().clock.now() });
          prepareUpdate(next, old, { resource, context: context('status'), warnings: [] });
          keepTimes(next, old);
          return { do: 'write', object: next };
        },
      });
      return changed.object.object as unknown as Stored<T>;
    },
    async remove<T>(ref: ResourceRef<T>, old: Stored<T>) {
      const resource = resourceOf(ref);
      const { namespace = '', name, resourceVersion } = old.metadata;
      try {
        await remove(core(), { resource, key: resource.key(namespace, name), expected: Number(resourceVersion), old: old as unknown as ApiObject, dryRun: false });
      } catch (error) {
        throw error instanceof Conflict ? modifiedError(resource, name) : error;
      }
    },
  };
}

function hubOf(resource: Resource, input: unknown): ApiObject {
  const object = deepCopy(input) as ApiObject;
  object.kind = resource.kind.kind;
  object.apiVersion = resource.apiVersion;
  object.metadata ??= {};
  resource.version.defaults?.(object);
  return resource.toHub(object);
}
