/** YAML as a server reads it: go-yaml's scalars, turned into JSON values; keys become text. */
import type { Event, ScalarEvent } from 'js-yaml';
import { jsYaml } from '../../std/js-yaml.ts';
import { goSyntax } from '../go-syntax.ts';
import { ApiError, badRequest } from '../status.ts';
import { setKey } from './json-text.ts';
import { yamlSyntax } from './yaml-syntax.ts';
import { plainScalar, taggedScalar } from './yaml-scalars.ts';

export interface ParsedYaml {
  readonly value: unknown;
  /** Keys that occur more than once in one mapping, as warnings tell them: `line 6: key "k" already set in map`. The last one counts. */
  readonly duplicates: readonly string[];
}

/** Of the first document; null where there is none. Throws ApiError 400. */
export function parseYaml(text: string): ParsedYaml {
  const syntax = yamlSyntax(text);
  if ('problem' in syntax) throw yamlError(`yaml: ${syntax.problem}`);
  const first = text.slice(0, syntax.end);
  const { parseEvents, YAMLException } = jsYaml();
  let events: Event[];
  try {
    events = parseEvents(first, { maxDepth: DEPTH_LIMIT });
  } catch (error) {
    if (error instanceof YAMLException) throw yamlError(`yaml: line ${(error.mark?.line ?? 0) + 1}: ${error.reason}`);
    throw error;
  }
  const builder = new Builder(first, events);
  return { value: builder.document(), duplicates: builder.duplicates };
}

/** How strict decoding names the duplicates of one document, as one complaint. */
export function yamlDuplicatesProblem(duplicates: readonly string[]): string {
  return `yaml: unmarshal errors:\n${duplicates.map((line) => `  ${line}`).join('\n')}`;
}

const DEPTH_LIMIT = 1000;
/** How many values aliases may add to a document. */
const ALIASED_LIMIT = 100_000;

type Json = Record<string, unknown>;

interface Anchored {
  readonly anchorStart: number;
  readonly anchorEnd: number;
}

class Builder {
  readonly #yaml = jsYaml();
  readonly duplicates: string[] = [];
  readonly #text: string;
  readonly #events: readonly Event[];
  readonly #anchors = new Map<string, unknown>();
  readonly #open = new Set<string>();
  #at = 0;
  #aliased = 0;

  constructor(text: string, events: readonly Event[]) {
    this.#text = text;
    this.#events = events;
  }

  document(): unknown {
    if (this.#events.length === 0) return null;
    this.#at++;
    return this.#next().type === this.#yaml.EVENT_ID.POP ? null : this.#node();
  }

  #next(): Event {
    const event = this.#events[this.#at];
    if (!event) throw yamlError('yaml: unexpected end');
    return event;
  }

  #node(): unknown {
    const event = this.#next();
    this.#at++;
    switch (event.type) {
      case this.#yaml.EVENT_ID.SCALAR:
        return this.#anchored(event, this.#scalar(event));
      case this.#yaml.EVENT_ID.SEQUENCE: {
        this.#opens(event);
        const list: unknown[] = [];
        while (this.#next().type !== this.#yaml.EVENT_ID.POP) list.push(this.#node());
        this.#at++;
        return this.#anchored(event, list);
      }
      case this.#yaml.EVENT_ID.MAPPING: {
        this.#opens(event);
        const object = this.#mapping();
        this.#at++;
        return this.#anchored(event, object);
      }
      case this.#yaml.EVENT_ID.ALIAS:
        return this.#alias(this.#text.slice(event.anchorStart, event.anchorEnd));
      default:
        throw yamlError('yaml: unexpected event');
    }
  }

  #mapping(): Json {
    const own = new Set<string>();
    const object: Json = {};
    const merged: unknown[] = [];
    while (this.#next().type !== this.#yaml.EVENT_ID.POP) {
      const keyEvent = this.#next();
      const key = keyEvent.type === this.#yaml.EVENT_ID.SCALAR ? this.#scalar(keyEvent, true) : this.#node();
      if (keyEvent.type === this.#yaml.EVENT_ID.SCALAR) {
        this.#at++;
        this.#anchored(keyEvent, key);
      }
      const value = this.#node();
      if (key === '<<' && keyEvent.type === this.#yaml.EVENT_ID.SCALAR && keyEvent.style === this.#yaml.SCALAR_STYLE.PLAIN) {
        merged.push(...(Array.isArray(value) ? value : [value]));
        continue;
      }
      const name = keyText(key, value);
      if (own.has(name)) this.duplicates.push(`line ${this.#line(keyEvent)}: key ${typeof key === 'string' ? JSON.stringify(key) : String(key)} already set in map`);
      own.add(name);
      setKey(object, name, value);
    }
    for (const from of merged) {
      if (typeof from !== 'object' || from === null || Array.isArray(from)) throw yamlError('yaml: map merge requires map or sequence of maps as the value');
      for (const [name, value] of Object.entries(from)) if (!Object.hasOwn(object, name)) setKey(object, name, value);
    }
    return object;
  }

  #scalar(event: ScalarEvent, isKey = false): unknown {
    const text = this.#yaml.getScalarValue(this.#text, event);
    if (event.tagStart >= 0) {
      const tag = this.#text.slice(event.tagStart, event.tagEnd);
      const value = taggedScalar(tag, text);
      if (tag === '!!binary' && !BASE64.test(text.replace(/[\r\n]/g, ''))) throw yamlError('yaml: !!binary value contains invalid base64 data');
      if (value === undefined) throw yamlError(`yaml: cannot decode !!str \`${text}\` as a ${tag}`);
      return printable(value);
    }
    if (event.style !== this.#yaml.SCALAR_STYLE.PLAIN) return text;
    const value = plainScalar(text);
    return isKey ? value : printable(value);
  }

  #anchored<T>(event: Anchored, value: T): T {
    if (event.anchorStart < 0) return value;
    const name = this.#text.slice(event.anchorStart, event.anchorEnd);
    this.#open.delete(name);
    this.#anchors.set(name, value);
    return value;
  }

  /** Until it is whole, it may not be spoken of. */
  #opens({ anchorStart, anchorEnd }: Anchored): void {
    if (anchorStart >= 0) this.#open.add(this.#text.slice(anchorStart, anchorEnd));
  }

  #alias(name: string): unknown {
    if (this.#open.has(name)) throw yamlError(`yaml: anchor '${name}' value contains itself`);
    if (!this.#anchors.has(name)) throw yamlError(`yaml: unknown anchor '${name}' referenced`);
    return this.#copy(this.#anchors.get(name));
  }

  #copy(value: unknown): unknown {
    if (++this.#aliased > ALIASED_LIMIT) throw yamlError('yaml: document contains excessive aliasing');
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => this.#copy(item));
    const out: Json = {};
    for (const [key, inner] of Object.entries(value)) setKey(out, key, this.#copy(inner));
    return out;
  }

  #line(event: Event): number {
    const at = event.type === this.#yaml.EVENT_ID.SCALAR ? event.valueStart : 0;
    let line = 1;
    for (let i = this.#text.indexOf('\n'); i >= 0 && i < at; i = this.#text.indexOf('\n', i + 1)) line++;
    return line;
  }
}

/** JSON has only finite numbers. */
function printable(value: unknown): unknown {
  if (typeof value !== 'number' || Number.isFinite(value)) return value;
  throw yamlError(`json: unsupported value: ${Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'}`);
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const INFINITE: Readonly<Record<string, string>> = { NaN: '.nan', Infinity: '.inf', '-Infinity': '-.inf' };

function keyText(key: unknown, value: unknown): string {
  switch (typeof key) {
    case 'string':
      return key;
    case 'number':
    case 'bigint':
    case 'boolean':
      return INFINITE[String(key)] ?? String(key);
    default:
      if (key === null) throw yamlError(`unsupported map key of type: %!s(<nil>), key: <nil>, value: ${value === null ? '<nil>' : goSyntax(value, 'interface {}')}`);
      throw yamlError(`yaml: invalid map key: ${goSyntax(key, 'interface {}')}`);
  }
}

/** What a YAML reader has to say, without the words around it; undefined for other errors. */
export function yamlProblem(error: unknown): string | undefined {
  return error instanceof ApiError && error.message.startsWith(CONVERTING) ? error.message.slice(CONVERTING.length) : undefined;
}

const CONVERTING = 'error converting YAML to JSON: ';

function yamlError(why: string): Error {
  return badRequest(`${CONVERTING}${why}`);
}
