import type { DeviceCapacity } from '../../api/types/resource.v1.ts';
import { amountsOf, takenOf, textsOf } from './capacity.ts';

describe('takenOf()', () => {
  const range = { min: '10', max: '50', step: '5' };
  const rows: [string, Record<string, DeviceCapacity>, Record<string, string> | undefined, Record<string, string>[], Record<string, string> | undefined][] = [
    ['all there is without a request', { m: { value: '10Gi' } }, undefined, [], { m: '10Gi' }],
    ['what is asked for', { m: { value: '10Gi' } }, { m: '4Gi' }, [], { m: '4Gi' }],
    ['what is left beside others', { m: { value: '10Gi' } }, { m: '4Gi' }, [{ m: '3Gi' }, { m: '3Gi' }], { m: '4Gi' }],
    ['nothing where others have too much', { m: { value: '10Gi' } }, { m: '5Gi' }, [{ m: '3Gi' }, { m: '3Gi' }], undefined],
    ['nothing of what is not there', { m: { value: '10Gi' } }, { x: '1' }, [], undefined],
    ['the default', { m: { value: '16', requestPolicy: { default: '2', validValues: ['2', '4'] } } }, undefined, [], { m: '2' }],
    ['the next valid value', { m: { value: '16', requestPolicy: { default: '2', validValues: ['2', '4', '8'] } } }, { m: '5' }, [], { m: '8' }],
    ['nothing beyond the valid values', { m: { value: '16', requestPolicy: { default: '2', validValues: ['2', '4', '8'] } } }, { m: '9' }, [], undefined],
    ['the least of a range', { m: { value: '100', requestPolicy: { default: '10', validRange: range } } }, { m: '3' }, [], { m: '10' }],
    ['the next step of a range', { m: { value: '100', requestPolicy: { default: '10', validRange: range } } }, { m: '16' }, [], { m: '20' }],
    ['nothing beyond a range', { m: { value: '100', requestPolicy: { default: '10', validRange: range } } }, { m: '51' }, [], undefined],
    ['what was asked, in a range without steps', { m: { value: '100', requestPolicy: { default: '1', validRange: { min: '1' } } } }, { m: '7' }, [], { m: '7' }],
    ['of capacities that are not named all there is, if it is there', { m: { value: '4' }, n: { value: '2' } }, { m: '1' }, [{ m: '1', n: '1' }], undefined],
  ];
  test.each(rows)('gives %s', (_, capacity, requests, inUse, expected) => {
    const taken = takenOf({ name: 'd', capacity }, requests && { requests }, inUse.map(amountsOf));
    expect(taken && textsOf(taken)).toEqual(expected);
  });
});
