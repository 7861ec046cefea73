/** Whether an applied object fits its schema closely enough to be merged; what is wrong comes in the words of structured-merge-diff. */
import type { Atom, ListAtom, MapAtom, Scalar, Type } from './atoms.ts';
import { goSyntax } from '../go-syntax.ts';
import { goText } from '../patch/refusals.ts';
import { elementText } from './field-set.ts';
import { asList, asMap, itemElement, ItemError, kindOf, typeOfKey, type Json } from './values.ts';

/** Undefined when all is well. Items of one list with the same keys are refused, as are fields that the schema does not have. */
export function checkApplied(type: Type, value: unknown): string | undefined {
  return worded(problemsOf(type, value));
}

/** The same of what need not be merged: items with the same keys may be there. */
export function misfit(type: Type, value: unknown): string | undefined {
  return worded(problemsOf(type, value).filter((problem) => !problem.includes(DUPLICATE)));
}

function problemsOf(type: Type, value: unknown): readonly string[] {
  const problems: string[] = [];
  visit(problems, '', type, value);
  return problems;
}

function worded(problems: readonly string[]): string | undefined {
  return problems.length < 2 ? problems[0] : ['errors:', ...problems.map((problem) => `  ${problem}`)].join('\n');
}

const DUPLICATE = 'duplicate entries for key ';

function visit(problems: string[], path: string, type: Type, value: unknown): void {
  if (value === null || value === undefined) return;
  const { atom } = type;
  const say = (problem: string): void => void problems.push(path === '' ? problem : `${path}: ${problem}`);
  switch (kindOf(atom, value)) {
    case 'scalar': {
      const problem = scalarProblem(atom, value);
      if (problem) say(problem);
      return;
    }
    case 'list': {
      const list = asList(value);
      if (!list) say(`expected list, got &{${goText(value)}}`);
      else if (atom.list) visitItems(problems, path, atom.list, list);
      return;
    }
    case 'map': {
      const map = asMap(value);
      if (!map) say(`expected map, got &{${goText(value)}}`);
      else if (atom.map) visitFields(problems, path, atom.map, map);
    }
  }
}

function visitItems(problems: string[], path: string, atom: ListAtom, list: readonly unknown[]): void {
  const seen = new Set<string>();
  const say = (problem: string): void => void problems.push(path === '' ? problem : `${path}: ${problem}`);
  for (const [i, item] of list.entries()) {
    let element = `i:${i}`;
    if (!atom.atomic) {
      try {
        element = itemElement(atom, item);
      } catch (error) {
        if (!(error instanceof ItemError)) throw error;
        return say(`element ${i}: ${error.message}`);
      }
      if (seen.has(element)) say(`${DUPLICATE}${elementText(element)}`);
      seen.add(element);
    }
    visit(problems, path + elementText(element), atom.element, item);
  }
}

function visitFields(problems: string[], path: string, atom: MapAtom, map: Json): void {
  for (const key in map) {
    const type = typeOfKey(atom, key);
    if (!type) {
      problems.push(`${path}.${key}: field not declared in schema`);
      return;
    }
    visit(problems, `${path}.${key}`, type, map[key]);
  }
}

function scalarProblem(atom: Atom, value: unknown): string | undefined {
  const found = Array.isArray(value) ? 'list' : typeof value === 'bigint' ? 'number' : typeof value;
  const wanted: Record<Scalar, readonly string[]> = {
    string: ['string'],
    numeric: ['number'],
    boolean: ['boolean'],
    untyped: ['string', 'number', 'boolean'],
  };
  const scalar = atom.scalar ?? 'untyped';
  if (wanted[scalar].includes(found)) return undefined;
  switch (scalar) {
    case 'numeric':
      return `expected numeric (int or float), got ${goType(value)}`;
    case 'string':
      return `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`;
    case 'boolean':
      return `expected boolean, got &{${goText(value)}}`;
    case 'untyped':
      return `expected any scalar, got &{${goText(value)}}`;
  }
}

function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'object') return 'map[string]interface {}';
  return typeof value === 'boolean' ? 'bool' : 'string';
}
