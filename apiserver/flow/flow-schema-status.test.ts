import { flowschemas, prioritylevelconfigurations } from '../../api/resources.ts';
import type { FlowSchema, PriorityLevelConfiguration } from '../../api/types/flowcontrol.v1.ts';
import { type TestServer, openTestServer } from '../test-server.ts';

let it: TestServer;
beforeEach(async () => {
  it = await openTestServer();
});
afterEach(() => it.close());

/** Resolves when all of them, or the one named, say `status`. */
function told(status: string, name?: string): Promise<void> {
  const all = () => it.server.reader.list(flowschemas).filter(({ metadata }) => name === undefined || metadata.name === name);
  const isTold = (): boolean => all().length > 0 && all().every((schema) => schema.status?.conditions?.some((condition) => condition.type === 'Dangling' && condition.status === status));
  return new Promise((resolve) => {
    const following = it.server.reader.onChange(flowschemas, () => {
      if (!isTold()) return;
      resolve();
      queueMicrotask(() => following.close());
    });
  });
}

function writes(): number {
  return Number(/etcd_request_duration_seconds_count\{operation="update",[^}]*resource="flowschemas"\} (\d+)/.exec(it.server.meter.text())?.[1]);
}

test('at a start each FlowSchema is written once, though its level and all others come after it', async () => {
  await told('False');
  expect(writes()).toBe(it.server.reader.list(flowschemas).length);
});

test('a FlowSchema tells when the level that it names comes and goes', async () => {
  const { reader, writer } = it.server;
  const spec = { priorityLevelConfiguration: { name: 'mine' }, matchingPrecedence: 9000 };
  await writer.create(flowschemas, { apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'FlowSchema', metadata: { name: 'mine' }, spec } as FlowSchema);
  await told('True', 'mine');
  const level = await writer.create(prioritylevelconfigurations, { apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'PriorityLevelConfiguration', metadata: { name: 'mine' }, spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } } } as PriorityLevelConfiguration);
  await told('False', 'mine');
  await writer.remove(prioritylevelconfigurations, level);
  await told('True', 'mine');
  expect(reader.get(flowschemas, '', 'exempt')?.status?.conditions).toMatchObject([{ status: 'False' }]);
});
