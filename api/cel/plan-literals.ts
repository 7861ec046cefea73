/** Lists, maps and objects that an expression writes out. Those of constants only are made once and cost nothing. */
import { messageNamed } from './messages.ts';
import { LIST, MAP, STRUCT } from './cost.ts';
import { constantNode, evaluated, type Node, spend, type Step } from './plan-node.ts';
import { Entries, Fault, Items, MadeObject, Optional, type Value } from './value.ts';

export interface Item {
  readonly value: Node;
  /** `?value`: left out where there is none. */
  readonly optional: boolean;
}

export function listNode(items: readonly Item[]): Node {
  if (items.every(({ value, optional }) => !optional && value.constant !== undefined)) return constantNode(new Items(items.map(({ value }) => value.constant as Value)));
  return {
    run(frame) {
      const values: Value[] = [];
      for (const { value, optional } of items) {
        const given = unwrapped(value.run(frame), optional, 'list element');
        if (given instanceof Fault) return given;
        if (given !== undefined) values.push(given);
      }
      spend(frame, LIST);
      return new Items(values);
    },
  };
}

export function mapNode(entries: readonly (Item & { readonly key: Node })[]): Node {
  const make: Step = (frame) => {
    const made = new Entries();
    for (const { key, value, optional } of entries) {
      const name = key.run(frame);
      if (name instanceof Fault) return name;
      const given = unwrapped(value.run(frame), optional, 'entry');
      if (given instanceof Fault) return given;
      if (given !== undefined) made.put(name, given);
    }
    return made;
  };
  if (entries.every(({ key, value, optional }) => !optional && key.constant !== undefined && value.constant !== undefined)) return constantNode(evaluated(make));
  return {
    run(frame) {
      const made = make(frame);
      spend(frame, MAP);
      return made;
    },
  };
}

export function structNode(typeName: string, fields: readonly (Item & { readonly name: string })[]): Node {
  const message = messageNamed(typeName);
  return {
    run(frame) {
      const made = new Map<string, Value>();
      for (const { name, value, optional } of fields) {
        const given = unwrapped(value.run(frame), optional, 'entry');
        if (given instanceof Fault) return given;
        if (given !== undefined) made.set(name, given);
      }
      spend(frame, STRUCT);
      return message ? message.make(made) : new MadeObject(typeName, made);
    },
  };
}

function unwrapped(value: Value, optional: boolean, what: string): Value | undefined {
  if (!optional || value instanceof Fault) return value;
  return value instanceof Optional ? value.value : new Fault(`cannot initialize optional ${what} from non-optional value`);
}
