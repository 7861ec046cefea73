import { negotiate, type Offer } from './negotiate.ts';

const ONE: Offer = { streams: false, watch: false, forms: true, protobuf: true, list: false };
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

test.each([
  [undefined, ONE, 'json', undefined],
  ['*/*', ONE, 'json', undefined],
  ['application/yaml', ONE, 'yaml', undefined],
  ['application/json;q=0.5,application/yaml;q=0.6', ONE, 'yaml', undefined],
  ['application/vnd.kubernetes.protobuf,application/json', ONE, 'protobuf', undefined],
  ['application/vnd.kubernetes.protobuf,application/json', { ...ONE, protobuf: false }, 'json', undefined],
  [`${TABLE},application/json`, ONE, 'json', 'Table'],
  [`${TABLE},application/json`, { ...ONE, forms: false }, 'json', undefined],
  ['application/json;as=Boat;v=v1;g=meta.k8s.io,application/json', ONE, 'json', undefined],
  ['application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', { ...ONE, list: true }, 'json', 'PartialObjectMetadataList'],
] as const)('negotiate() %s', (header, offer, media, as) => {
  expect(negotiate(header, offer, false)).toMatchObject({ media, as });
});

test.each([
  ['text/html', ONE],
  ['application/*', ONE],
  ['application/json;as=Boat;v=v1;g=meta.k8s.io', ONE],
  ['application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io', ONE],
  ['application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io', { ...ONE, list: true }],
  ['application/yaml', { ...ONE, watch: true }],
] as const)('negotiate() refuses %s', (header, offer) => {
  expect(() => negotiate(header, offer, false)).toThrow(expect.objectContaining({ code: 406 }));
});
