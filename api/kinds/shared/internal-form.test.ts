import { internalDiff, internalForm } from './internal-form.ts';

test('internalForm() names everything as Go does, what is absent too', () => {
  expect(internalForm('ContainerPort', { containerPort: 80, name: 'http' })).toEqual({ Name: 'http', HostPort: 0, ContainerPort: 80, Protocol: '', HostIP: '' });
  expect(internalForm('ResourceRequirements', { limits: { memory: '1024Mi', cpu: '1' } })).toEqual({ Limits: { cpu: '1', memory: '1Gi' }, Requests: null, Claims: null });
  expect(internalForm('PodSpec', { hostNetwork: true, containers: [] })).toMatchObject({ SecurityContext: { HostNetwork: true, HostPID: false, HostUsers: null }, Containers: [], Volumes: null });
});

test('internalDiff() is what the refusal of a changed pod ends with', () => {
  const container = { name: 'dbg', image: 'i' };
  expect(internalDiff('EphemeralContainer', container, { ...container, image: 'other' })).toBe(
    '@@ -1,6 +1,6 @@\n {\n  "Name": "dbg",\n- "Image": "i",\n+ "Image": "other",\n  "Command": null,\n  "Args": null,\n  "WorkingDir": "",\n',
  );
});
