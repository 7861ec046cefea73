/** JSON decoding: upstream's own objects come back as they are; what clients write takes upstream's form or is refused in its words. */
import type { ApiObject } from '../kind.ts';
import type { Schema } from '../schema.ts';
import { kindFact } from '../facts/facts.ts';
import { encodeJson, spliceRevision } from './encode.ts';
import { fixtures } from './fixtures.ts';
import { cannotHandle, decodeJson, isUnreadable, normalize, strictProblem, unrecognized } from './json.ts';
import { parseExact } from './json-text.ts';

const schemaOf = (apiVersion: string, kind: string): Schema => {
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const fact = kindFact(group, version, kind);
  if (!fact) throw new Error(`${apiVersion} ${kind}`);
  return { type: fact.type };
};
const POD = schemaOf('v1', 'Pod');
const SERVICE = schemaOf('v1', 'Service');
const CONFIGMAP = schemaOf('v1', 'ConfigMap');
const DEPLOYMENT = schemaOf('apps/v1', 'Deployment');
const LEASE = schemaOf('coordination.k8s.io/v1', 'Lease');
const EVENT = schemaOf('v1', 'Event');
const CAPACITY = schemaOf('storage.k8s.io/v1', 'CSIStorageCapacity');
const WIDGET: Schema = {
  structural: {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: {
          size: { type: 'integer' },
          free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { known: { type: 'object', properties: { a: { type: 'string' } } } } },
          parts: { type: 'array', items: { type: 'object', properties: { a: { type: 'string', nullable: true }, b: { type: 'string' } } } },
          map: { type: 'object', additionalProperties: { type: 'object', properties: { a: { type: 'string' } } } },
          templates: { type: 'object', additionalProperties: { type: 'array', items: { type: 'object', 'x-kubernetes-embedded-resource': true } } },
          template: { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { spec: { type: 'object', properties: {} } } },
        },
      },
    },
  },
};

test('decodeJson() gives back every kind as upstream prints it, byte for byte', () => {
  const rows = fixtures('kinds');
  expect(rows.length).toBeGreaterThan(300);
  const different = rows.filter(({ json }) => {
    const { apiVersion, kind } = JSON.parse(json) as { apiVersion: string; kind: string };
    const { object, strict } = decodeJson(schemaOf(apiVersion, kind), json);
    // Upstream escapes some characters that need none.
    const want = json.replaceAll(/\\u(003c|003e|0026|2028|2029)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
    return JSON.stringify(object) !== want || strict.length > 0;
  });
  expect(different.map(({ name }) => name)).toEqual([]);
});

describe('decodeJson() completes, drops and orders as Go structs do', () => {
  const rows: readonly (readonly [Schema, string, string])[] = [
    [DEPLOYMENT, '{"metadata":{"name":"d"},"kind":"Deployment"}', '{"kind":"Deployment","metadata":{"name":"d"},"spec":{"selector":null,"template":{"metadata":{},"spec":{"containers":null}},"strategy":{}},"status":{}}'],
    [POD, 'null', '{"metadata":{},"spec":{"containers":null},"status":{}}'],
    [SERVICE, '{"spec":{"ports":[{"port":80,"name":null},null],"selector":null,"clusterIP":""}}', '{"metadata":{},"spec":{"ports":[{"port":80,"targetPort":0},{"port":0,"targetPort":0}]},"status":{"loadBalancer":{}}}'],
    [CONFIGMAP, '{"data":{},"immutable":false,"metadata":{"labels":{},"creationTimestamp":null,"generation":0}}', '{"metadata":{},"immutable":false}'],
    [CONFIGMAP, '{"data":{"a":null},"binaryData":{"b":"AB==","c":"QU\\nJD","d":null}}', '{"metadata":{},"data":{"a":""},"binaryData":{"b":"AA==","c":"QUJD","d":""}}'],
    [POD, '{"spec":{"terminationGracePeriodSeconds":9223372036854775807,"containers":[]}}', '{"metadata":{},"spec":{"containers":[],"terminationGracePeriodSeconds":9223372036854775807},"status":{}}'],
    [EVENT, '{"firstTimestamp":"2021-03-04T05:06:07.999+02:00","lastTimestamp":"0001-01-01T00:00:00Z","eventTime":"2021-03-04T05:06:07.123456+02:00"}', '{"metadata":{},"involvedObject":{},"source":{},"firstTimestamp":"2021-03-04T03:06:07Z","lastTimestamp":null,"eventTime":"2021-03-04T03:06:07.123456Z","reportingComponent":"","reportingInstance":""}'],
    [CAPACITY, '{"capacity":1e3,"maximumVolumeSize":1.50,"storageClassName":"s"}', '{"metadata":{},"storageClassName":"s","capacity":"1e3","maximumVolumeSize":"1500m"}'],
    [CAPACITY, '{"capacity":" 1024Mi ","storageClassName":"s"}', '{"metadata":{},"storageClassName":"s","capacity":"1Gi"}'],
    [DEPLOYMENT, '{"spec":{"replicas":-0}}', '{"metadata":{},"spec":{"replicas":0,"selector":null,"template":{"metadata":{},"spec":{"containers":null}},"strategy":{}},"status":{}}'],
    [CONFIGMAP, '{"data":{"a":"x","b":"x"},"data":{"c":"z","a":"y"},"metadata":{"name":"a"},"metadata":{"labels":{"k":"v"}}}', '{"metadata":{"name":"a","labels":{"k":"v"}},"data":{"a":"y","b":"x","c":"z"}}'],
    [CONFIGMAP, '{"data":{"__proto__":"x","constructor":"y"}}', '{"metadata":{},"data":{"__proto__":"x","constructor":"y"}}'],
    [schemaOf('apps/v1', 'ControllerRevision'), '{"data":{"n":12345678901234567890,"f":1.0}}', '{"metadata":{},"data":{"n":12345678901234567890,"f":1},"revision":0}'],
  ];
  test.each(rows)('%j %s', (schema, text, want) => {
    expect(JSON.stringify(decodeJson(schema, text).object)).toBe(want);
  });
});

describe('decodeJson() refuses in upstream’s words', () => {
  const quantity = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  const deep = `{"data":${'['.repeat(5000)}${']'.repeat(5000)}}`;
  const rows: readonly (readonly [Schema, string, string])[] = [
    [schemaOf('apps/v1', 'ControllerRevision'), deep, 'exceeded max depth'],
    // Types that read their own text end it; of others the first is told.
    [POD, '{"spec":{"nodeName":1,"overhead":{"cpu":"x"}}}', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
    [POD, '{"spec":{"nodeName":1,"hostname":2}}', 'json: cannot unmarshal number into Go struct field PodSpec.spec.nodeName of type string'],
    [SERVICE, '{"spec":{"type":1,"ports":[{"targetPort":true}]}}', 'json: cannot unmarshal bool into Go struct field ServicePort.spec.ports.targetPort of type int32'],
    [CONFIGMAP, '{"immutable":1,"binaryData":{"k":"@"}}', 'json: cannot unmarshal number into Go struct field ConfigMap.immutable of type bool'],
    [DEPLOYMENT, '{"spec":{"replicas":"1"}}', 'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32'],
    [DEPLOYMENT, '{"spec":{"replicas":1.0}}', 'json: cannot unmarshal number 1.0 into Go struct field DeploymentSpec.spec.replicas of type int32'],
    [DEPLOYMENT, '{"spec":{"replicas":2147483648}}', 'json: cannot unmarshal number 2147483648 into Go struct field DeploymentSpec.spec.replicas of type int32'],
    [POD, '{"spec":{"terminationGracePeriodSeconds":9223372036854775808}}', 'json: cannot unmarshal number 9223372036854775808 into Go struct field PodSpec.spec.terminationGracePeriodSeconds of type int64'],
    [POD, '{"spec":{"containers":[{"env":[{"name":"a","value":5}]}]}}', 'json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string'],
    [POD, '{"spec":{"containers":{"name":"a"}}}', 'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container'],
    [DEPLOYMENT, '{"spec":{"paused":1}}', 'json: cannot unmarshal number into Go struct field DeploymentSpec.spec.paused of type bool'],
    [CONFIGMAP, '{"data":{"k":true}}', 'json: cannot unmarshal bool into Go struct field ConfigMap.data of type string'],
    [CONFIGMAP, '{"metadata":[]}', 'json: cannot unmarshal array into Go struct field ConfigMap.metadata of type v1.ObjectMeta'],
    [CONFIGMAP, '{"metadata":{"creationTimestamp":"soon"}}', 'parsing time "soon" as "2006-01-02T15:04:05Z07:00": cannot parse "soon" as "2006"'],
    [CONFIGMAP, '{"metadata":{"creationTimestamp":"2021-02-30T05:06:07Z"}}', 'parsing time "2021-02-30T05:06:07Z": day out of range'],
    [CONFIGMAP, '{"metadata":{"creationTimestamp":5}}', 'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string'],
    [LEASE, '{"spec":{"renewTime":"2021-03-04T05:06:07Z"}}', 'parsing time "2021-03-04T05:06:07Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"'],
    [SERVICE, '{"spec":{"ports":[{"targetPort":80.5}]}}', 'json: cannot unmarshal number 80.5 into Go struct field ServicePort.spec.ports.targetPort of type int32'],
    [POD, '{"spec":{"restartPolicy":1}}', 'json: cannot unmarshal number into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy'],
    [POD, '{"metadata":{"ownerReferences":[{"uid":1}]}}', 'json: cannot unmarshal number into Go struct field OwnerReference.metadata.ownerReferences.uid of type types.UID'],
    [POD, '{"spec":{"volumes":[{"emptyDir":{"medium":1}}]}}', 'json: cannot unmarshal number into Go struct field EmptyDirVolumeSource.spec.volumes.VolumeSource.emptyDir.medium of type v1.StorageMedium'],
    [POD, '{"spec":{"containers":[{"securityContext":{"capabilities":{"add":[1]}}}]}}', 'json: cannot unmarshal number into Go struct field Capabilities.spec.containers.securityContext.capabilities.add of type v1.Capability'],
    [POD, '{"spec":{"containers":[{"securityContext":{"capabilities":{"add":1}}}]}}', 'json: cannot unmarshal number into Go struct field Capabilities.spec.containers.securityContext.capabilities.add of type []v1.Capability'],
    [POD, '{"spec":{"overhead":[]}}', 'json: cannot unmarshal array into Go struct field PodSpec.spec.overhead of type v1.ResourceList'],
    [CONFIGMAP, '{"binaryData":{"k":[256]}}', 'json: cannot unmarshal number 256 into Go struct field ConfigMap.binaryData of type uint8'],
    [CAPACITY, '{"capacity":"abc"}', quantity],
    [CAPACITY, '{"capacity":""}', quantity],
    [CAPACITY, '{"capacity":true}', quantity],
    [CAPACITY, '{"capacity":["1"]}', quantity],
    [CONFIGMAP, '{"binaryData":{"a":"?"}}', 'illegal base64 data at input byte 0'], [CONFIGMAP, '{"binaryData":{"a":"YQ="}}', 'illegal base64 data at input byte 3'], [CONFIGMAP, '{"binaryData":{"a":"YWJj="}}', 'illegal base64 data at input byte 4'],
    [WIDGET, '{"metadata":{"labels":{"k":5}}}', 'json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string'],
    [WIDGET, '{"metadata":[]}', 'json: cannot unmarshal array into Go value of type v1.ObjectMeta'],
    [WIDGET, '{"spec":{"template":{"kind":1}}}', 'spec.template.kind: Invalid value: 1: must be a string'],
    [
      WIDGET, '{"spec":{"templates":{"a.b":[{"metadata":{"name":"x","annotations":42}}]}}}',
      'spec.templates[a.b][0].metadata: Invalid value: {"annotations":42,"name":"x"}: json: cannot unmarshal number into Go struct field ObjectMeta.annotations of type map[string]string',
    ],
  ];
  test.each(rows)('%j %.100s', (schema, text, message) => {
    expect(() => decodeJson(schema, text)).toThrow(expect.objectContaining({ message, code: 400, reason: 'BadRequest' }));
  });

  test.each([
    ['', 'unexpected end of JSON input'], ['{', 'unexpected end of JSON input'], ['{"a":1} x', "invalid character 'x' after top-level value"],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string"], ['{"a":00}', "invalid character '0' after object key:value pair"],
    ['{"a":tru}', "invalid character '}' in literal true (expecting 'e')"], ['{"a":"\n"}', "invalid character '\\n' in string literal"], ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['{"a":"\\x"}', "invalid character 'x' in string escape code"], ['[1', 'unexpected end of JSON input'], ['apiVersion: v1', "invalid character 'a' looking for beginning of value"],
    ['{"a":1e400}', 'json: cannot unmarshal number 1e400 into Go value of type float64'], ['{"a":1.}', "invalid character '}' after decimal point in numeric literal"], [`{"a": ${'['.repeat(5000)}`, 'exceeded max depth'],
  ])('text %.100s', (text, why) => {
    let error: unknown;
    try {
      decodeJson(CONFIGMAP, text);
    } catch (thrown) {
      error = thrown;
    }
    expect(isUnreadable(error)).toBe(true);
    expect(error).toMatchObject({ message: `couldn't get version/kind; json parse error: ${why}`, code: 400 });
  });
});

describe('decodeJson() tells unknown and duplicate fields in upstream’s order', () => {
  const rows: readonly (readonly [Schema, string, readonly string[]])[] = [
    [SERVICE, '{"spec":{"ports":[{"port":80,"port":81,"nosuch":1}]}}', ['duplicate field "spec.ports[0].port"', 'unknown field "spec.ports[0].nosuch"']],
    [CONFIGMAP, '{"metadata":{"labls":{}},"data":{"k":"a","k":"b"},"dta":1}', ['unknown field "metadata.labls"', 'duplicate field "data.k"', 'unknown field "dta"']],
    [CONFIGMAP, '{"Data":{"k":"v"},"Data":1}', ['unknown field "Data"']],
    [POD, '{"spec":{"containers":[{"env":[{"nme":"a"},{"nme":"a"}]}]}}', ['unknown field "spec.containers[0].env[0].nme"', 'unknown field "spec.containers[0].env[1].nme"']],
    [POD, '{"spec":{"nodeSelector":{"a":"b"},"nodeSelector":{"a":"c"}}}', ['duplicate field "spec.nodeSelector"']],
    [WIDGET, '{"kind":"W","metadata":{"name":"a","name":"b"},"spec":{"size":1,"size":2,"map":{"m":{},"m":{}}}}', ['duplicate field "metadata.name"', 'duplicate field "spec.size"', 'duplicate field "spec.map.m"']],
    [WIDGET, '{"kind":"W","metadata":{"nosuch":1},"spec":{"size":1,"size":2,"nosuch":2,"parts":[{"c":1}],"map":{"m":{"x":1}}},"more":1}',
      ['duplicate field "spec.size"', 'unknown field "metadata.nosuch"', 'unknown field "more"', 'unknown field "spec.map.m.x"', 'unknown field "spec.nosuch"', 'unknown field "spec.parts[0].c"']],
  ];
  test.each(rows)('%j %s', (schema, text, strict) => {
    const decoded = decodeJson(schema, text);
    expect(decoded.strict).toEqual(strict);
    expect([...decoded.unknown, ...decoded.duplicates].sort()).toEqual([...strict].sort());
  });
});

test('decodeJson() prunes custom resources to their schema', () => {
  const text = `{"apiVersion":"x/v1","kind":"W","metadata":{"name":"a"},"spec":{"size":5.0,"free":{"any":[1e2],"known":{"a":"x","b":"y"}},
    "parts":[{"a":null,"b":null,"c":1}],"map":{"m":{"a":"x","z":1}},"template":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","odd":1},"spec":{"x":1},"y":2}},"big":9007199254740993}`;
  const { object } = decodeJson(WIDGET, text);
  expect(object).toEqual({
    apiVersion: 'x/v1', kind: 'W', metadata: { name: 'a' },
    spec: {
      size: 5, free: { any: [100], known: { a: 'x' } }, parts: [{ a: null }], map: { m: { a: 'x' } },
      template: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: {} },
    },
  });
});

test('normalize() shares nothing with its input and leaves it alone', () => {
  const value = { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata: { name: 'a', labels: { a: 'b' } }, data: { deep: [{ x: 1 }] } };
  const before = JSON.stringify(value);
  const { object } = normalize(schemaOf('apps/v1', 'ControllerRevision'), value);
  object.metadata.labels = { c: 'd' };
  (object['data'] as typeof value.data).deep[0] = { x: 2 };
  expect(JSON.stringify(value)).toBe(before);
});

test('normalize() takes what is undefined for absent', () => {
  const value = { metadata: { name: 'a', labels: undefined, annotations: { a: undefined } }, data: undefined };
  expect(JSON.stringify(normalize(CONFIGMAP, value).object)).toBe('{"metadata":{"name":"a"}}');
});

test('encodeJson() and spliceRevision() put the revision first into metadata', () => {
  const object = { spec: { metadata: {} }, metadata: { name: 'a', resourceVersion: '4' }, apiVersion: 'v1', kind: 'X' };
  const bytes = encodeJson(object);
  expect(bytes.toString()).toBe('{"kind":"X","apiVersion":"v1","metadata":{"name":"a"},"spec":{"metadata":{}}}');
  expect(spliceRevision(bytes, 77).toString()).toBe('{"kind":"X","apiVersion":"v1","metadata":{"resourceVersion":"77","name":"a"},"spec":{"metadata":{}}}');
  expect(spliceRevision(encodeJson({ kind: 'X', apiVersion: 'v1', metadata: {} }), 1).toString()).toBe('{"kind":"X","apiVersion":"v1","metadata":{"resourceVersion":"1"}}');
});

test.each<[string, unknown[]]>([
  ['an entry', [{ manager: 'a"', operation: 'Update', fieldsType: 'FieldsV1', fieldsV1: { 'f:é': {} } }]],
  ['several, one of a subresource', [{ operation: 'Apply', fieldsV1: {} }, { operation: 'Update', fieldsV1: { 'f:a': {} }, subresource: 'status' }]],
  ['what are no entries', [{ operation: 'Update' }, null]],
  ['none', []],
])('encodeJson() spells managed fields: %s', (_, managedFields) => {
  for (const metadata of [{ managedFields }, { name: 'x', managedFields }]) {
    const object = { kind: 'X', apiVersion: 'v1', metadata, spec: { a: 'ü' } } as unknown as ApiObject;
    expect(encodeJson(object).toString()).toBe(JSON.stringify(object));
  }
});

test('encodeJson() prints empty lists of built-in kinds as they come back from a store', () => {
  const rows: readonly (readonly [object, string])[] = [
    [{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: {}, rules: [] }, '{"kind":"Role","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{},"rules":null}'],
    [{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: {}, rules: [{ verbs: [] }] }, '{"kind":"Role","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{},"rules":[{"verbs":null}]}'],
    [{ apiVersion: 'v1', kind: 'Pod', metadata: {}, spec: { containers: [] } }, '{"kind":"Pod","apiVersion":"v1","metadata":{},"spec":{"containers":null}}'],
    [{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: {}, status: { storedVersions: [] } }, '{"kind":"CustomResourceDefinition","apiVersion":"apiextensions.k8s.io/v1","metadata":{},"status":{"storedVersions":[]}}'],
    [{ apiVersion: 'x.example.com/v1', kind: 'Role', metadata: {}, rules: [] }, '{"kind":"Role","apiVersion":"x.example.com/v1","metadata":{},"rules":[]}'],
  ];
  for (const [object, want] of rows) {
    const before = JSON.stringify(object);
    expect(encodeJson(object as ApiObject).toString()).toBe(want);
    expect(JSON.stringify(object)).toBe(before);
  }
});

test('encodeJson() and parseExact() keep integers of 64 bits', () => {
  const bytes = encodeJson({ kind: 'X', apiVersion: 'v1', metadata: {}, n: 9223372036854775807n });
  expect(bytes.toString()).toContain('"n":9223372036854775807');
  expect(parseExact(bytes.toString())).toMatchObject({ n: 9223372036854775807n });
});

test('refusals of bodies are worded as upstream does', () => {
  expect(cannotHandle({ version: 'v1', kind: 'Pod' }, 'Pod', strictProblem(['unknown field "a"', 'unknown field "b"'])).message).toBe(
    'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "a", unknown field "b"',
  );
  expect(unrecognized('ConfigMap', 'unexpected GroupVersion string: a/b/c', '{"apiVersion":"a/b/c","kind":"ConfigMap"}').message).toBe(
    'the object provided is unrecognized (must be of type ConfigMap): unexpected GroupVersion string: a/b/c ({"apiVersion":"a/b/c","kind":" ...)',
  );
  expect(['', '[1]', 'apiVersion: v1\nkind: ConfigMap\n', '{é'].map((body) => / why \((.*)\)$/.exec(unrecognized('Pod', 'why', body).message)?.[1])).toEqual([
    '<empty>', '5b315d', '61706956657273696f6e3a2076310a6b696e643a20436f6e6669674d6170 ...', '{é',
  ]);
});
