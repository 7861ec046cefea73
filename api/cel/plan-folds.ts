/** Loops over lists and maps, as macros make them: what is evaluated of each, and what of all. */
import { goName, type Node, type Step } from './plan-node.ts';
import { Fault, List, Mapper } from './value.ts';

export interface Loop {
  readonly range: Step;
  readonly init: Step;
  readonly condition: Step;
  readonly step: Step;
  readonly result: Step;
  /** Where its values stand: what is made of them, the first of each, and the second where there is one. */
  readonly accumulated: number;
  readonly first: number;
  readonly second: number | undefined;
}

export function foldNode({ range, init, condition, step, result, accumulated, first, second }: Loop): Node {
  return {
    run(frame) {
      const over = range(frame);
      if (over instanceof Fault) return over;
      if (!(over instanceof List) && !(over instanceof Mapper)) return new Fault(`got '${goName(over)}', expected iterable type`);
      const { slots } = frame;
      slots[accumulated] = init(frame);
      let index = 0n;
      for (const item of over instanceof List ? over : over.keys()) {
        slots[first] = second !== undefined && over instanceof List ? index++ : item;
        if (second !== undefined) slots[second] = over instanceof List ? item : (over.get(item) ?? null);
        if (condition(frame) === false) break;
        slots[accumulated] = step(frame);
      }
      return result(frame);
    },
  };
}
