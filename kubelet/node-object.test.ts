/** What a node says that others have said of it. */
import type { NodeStatus } from '../api/types/core.v1.ts';
import { advertised, type NodeDescription } from './node-object.ts';

const node = { capacity: { cpu: '4', 'vendor.example/own': '2' }, allocatable: { cpu: '3', 'vendor.example/own': '2' } } as unknown as NodeDescription;

test.each<[string, NodeStatus, Record<string, string | null>]>([
  ['nothing more', { capacity: { cpu: '4', 'vendor.example/own': '2' }, allocatable: { cpu: '3', 'vendor.example/own': '2' } }, {}],
  ['what the node knows better is left alone', { capacity: { cpu: '64' }, allocatable: { cpu: '64' } }, {}],
  ['a resource that somebody has added', { capacity: { cpu: '4', 'example.com/dongle': '4' }, allocatable: { cpu: '3' } }, { 'example.com/dongle': '4' }],
  ['one whose amount has changed', { capacity: { 'example.com/dongle': '5' }, allocatable: { 'example.com/dongle': '4' } }, { 'example.com/dongle': '5' }],
  ['one that is known already', { capacity: { 'example.com/dongle': '5' }, allocatable: { 'example.com/dongle': '5' } }, {}],
  ['one that somebody has taken away', { capacity: { cpu: '4' }, allocatable: { cpu: '3', 'example.com/dongle': '5', 'vendor.example/own': '2' } }, { 'example.com/dongle': null }],
  ['a node without a status', {}, {}],
])('%s', (_, status, changes) => {
  expect(advertised(node, status)).toEqual(changes);
});
