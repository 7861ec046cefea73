/** Tells in the status of each FlowSchema whether the priority level that it names exists. */
import { goQuote } from '../../api/go-quote.ts';
import type { ApiObject } from '../../api/kind.ts';
import { flowschemas, prioritylevelconfigurations } from '../../api/resources.ts';
import { isReason } from '../../api/status.ts';
import type { FlowSchema } from '../../api/types/flowcontrol.v1.ts';
import type { Stored } from '../auth/reader.ts';
import type { Core } from '../core.ts';
import { timestamp } from '../../api/timestamp.ts';

const MANAGER = 'api-priority-and-fairness-config-consumer-v1';

export function followFlowSchemas(core: Core): { close(): void } {
  const { reader, log } = core;
  // One write at a time for each: at a start all of them come at once, and all levels after them.
  const busy = new Map<string, { isStale: boolean }>();
  const look = (schema: Stored<FlowSchema>): void => {
    const { name } = schema.metadata;
    const before = busy.get(name);
    if (before) return void (before.isStale = true);
    const now = { isStale: false };
    busy.set(name, now);
    tell(core, schema)
      .catch((error: unknown) => {
        if (!isReason(error, 'Conflict') && !isReason(error, 'NotFound')) log.error(`the status of FlowSchema ${name}`, error);
      })
      .finally(() => {
        busy.delete(name);
        const newer = now.isStale ? reader.get(flowschemas, '', name) : undefined;
        if (newer) look(newer);
      });
  };
  const schemas = reader.onChange(flowschemas, ({ type, object }) => type === 'set' && look(object));
  // A level that comes or goes concerns those that name it.
  const levels = reader.onChange(prioritylevelconfigurations, ({ type, name, previous }) => {
    if (type === 'set' && previous) return;
    for (const schema of reader.list(flowschemas)) if (schema.spec?.priorityLevelConfiguration.name === name) look(schema);
  });
  return {
    close() {
      schemas.close();
      levels.close();
    },
  };
}

async function tell({ reader, writer, clock }: Core, schema: Stored<FlowSchema>): Promise<void> {
  const level = schema.spec?.priorityLevelConfiguration.name ?? '';
  const exists = reader.get(prioritylevelconfigurations, '', level) !== undefined;
  const status = exists ? 'False' : 'True';
  const words = exists ? 'and it exists' : 'but there is no such object';
  const message = `This FlowSchema references the PriorityLevelConfiguration object named ${goQuote(level)} ${words}`;
  if (schema.status?.conditions?.some((condition) => condition.type === 'Dangling' && condition.status === status && condition.message === message)) return;
  const dangling = { type: 'Dangling', status, reason: exists ? 'Found' : 'NotFound', message, lastTransitionTime: timestamp(clock.now()) };
  const applied = { apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'FlowSchema', metadata: { name: schema.metadata.name }, status: { conditions: [dangling] } };
  await writer.applyStatus(flowschemas, applied as ApiObject, MANAGER);
}
