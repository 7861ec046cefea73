/** YAML as a server reads it: go-yaml's scalars, turned into JSON values; keys become text. */
import type { Event, ScalarEvent } from 'js-yaml';
import { jsYaml } from '../../std/js-yaml.ts';
import { goSyntax } from '../go-syntax.ts';
import { ApiError, badRequest } from '../status.ts';
import { setKey } from './json-text.ts';
import { yamlText } from './yaml-text.ts';
import { yamlSyntax, type YamlExtent } from './yaml-syntax.ts';
import { plainScalar, taggedScalar } from './yaml-scalars.ts';

export interface ParsedYaml {
  readonly value: unknown;
  /** Keys that occur more than once in one mapping, as warnings tell them: `line 6: key "k" already set in map`. The last one counts. */
  readonly duplicates: readonly string[];
}

/** Of the first document; null where there is none. Throws ApiError 400. */
export function parseYaml(text: string): ParsedYaml {
  return read(text);
}

/** The same of what came as bytes. Throws ApiError 400. */
export function parseYamlBytes(bytes: Uint8Array): ParsedYaml {
  const found = yamlText(bytes);
  if ('problem' in found) throw yamlError(`yaml: ${found.problem}`);
  return read(found.text);
}

function read(text: string): ParsedYaml {
  const syntax = yamlSyntax(text);
  if ('problem' in syntax) throw yamlError(`yaml: ${syntax.problem}`);
  const { text: first, events } = eventsOf(text, syntax);
  const builder = new Builder(first, events);
  return { value: builder.document(), duplicates: builder.duplicates };
}

/** The library wants brackets and quotes to be indented, which upstream's reader does not: where it matters they are. Throws 400. */
function eventsOf(text: string, extent: YamlExtent): { readonly text: string; readonly events: Event[] } {
  const { parseEvents, YAMLException } = jsYaml();
  const events = (own: string): { readonly text: string; readonly events: Event[] } => ({ text: own, events: parseEvents(own, { maxDepth: DEPTH_LIMIT }) });
  try {
    try {
      return events(text.slice(0, extent.end));
    } catch (error) {
      if (error instanceof YAMLException && extent.loose.lines.length + extent.loose.tabs.length > 0) return events(indented(text, extent));
      throw error;
    }
  } catch (error) {
    if (error instanceof YAMLException) throw yamlError(`yaml: line ${(error.mark?.line ?? 0) + 1}: ${error.reason}`);
    throw error;
  }
}

function indented(text: string, { end, loose: { lines, tabs } }: YamlExtent): string {
  const deepest = Math.min(DEPTH_LIMIT, Math.max(0, ...(text.match(/^ +/gm) ?? []).map((blanks) => blanks.length)));
  const margin = ' '.repeat(deepest + 1);
  const chars = new Map<number, string>(tabs.map((at) => [at, ' ']));
  let out = '';
  let from = 0;
  for (const at of [...lines, ...tabs].sort((a, b) => a - b)) {
    out += text.slice(from, at) + (chars.get(at) ?? margin);
    from = chars.has(at) ? at + 1 : at;
  }
  return out + text.slice(from, end);
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
  /** Where the keys of mappings stand, where they may be merged into others. */
  readonly #keys = new WeakMap<object, ReadonlyMap<string, Event>>();
  readonly #hasMerges: boolean;
  #at = 0;
  #aliased = 0;

  constructor(text: string, events: readonly Event[]) {
    this.#text = text;
    this.#events = events;
    this.#hasMerges = text.includes('<<');
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
    const keys = this.#hasMerges ? new Map<string, Event>() : undefined;
    while (this.#next().type !== this.#yaml.EVENT_ID.POP) {
      const keyEvent = this.#next();
      const key = keyEvent.type === this.#yaml.EVENT_ID.SCALAR ? this.#scalar(keyEvent, true) : this.#node();
      if (keyEvent.type === this.#yaml.EVENT_ID.SCALAR) {
        this.#at++;
        this.#anchored(keyEvent, key);
      }
      const value = this.#node();
      if (key === '<<' && keyEvent.type === this.#yaml.EVENT_ID.SCALAR && keyEvent.style === this.#yaml.SCALAR_STYLE.PLAIN) {
        this.#merge(value, { object, own, keys });
        continue;
      }
      const name = keyText(key, value);
      // A number and the text that it would become are two keys until they are JSON.
      const id = typeof key === 'string' ? name : `\0${typeof key} ${name}`;
      if (own.has(id)) this.duplicates.push(`line ${this.#line(keyEvent)}: key ${typeof key === 'string' ? JSON.stringify(key) : String(key)} already set in map`);
      own.add(id);
      keys?.set(name, keyEvent);
      setKey(object, name, value);
    }
    if (keys) this.#keys.set(object, keys);
    return object;
  }

  /** In the order of the text, as upstream: what comes later counts. Of several the first counts most. */
  #merge(value: unknown, { object, own, keys }: { readonly object: Json; readonly own: Set<string>; readonly keys: Map<string, Event> | undefined }): void {
    for (const from of Array.isArray(value) ? value.toReversed() : [value]) {
      if (typeof from !== 'object' || from === null || Array.isArray(from)) throw yamlError('yaml: map merge requires map or sequence of maps as the value');
      for (const [name, inner] of Object.entries(from)) {
        const event = this.#keys.get(from)?.get(name);
        if (own.has(name)) this.duplicates.push(`line ${event ? this.#line(event) : 0}: key ${JSON.stringify(name)} already set in map`);
        own.add(name);
        if (event) keys?.set(name, event);
        setKey(object, name, inner);
      }
    }
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
    const keys = this.#keys.get(value);
    if (keys) this.#keys.set(out, keys);
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
      return INFINITE[String(key)] ?? (Number.isInteger(key) && Math.abs(key) < 2 ** 64 ? String(key) : shortest(key));
    case 'bigint':
    case 'boolean':
      return INFINITE[String(key)] ?? String(key);
    default:
      if (key === null) throw yamlError(`unsupported map key of type: %!s(<nil>), key: <nil>, value: ${value === null ? '<nil>' : goSyntax(value, 'interface {}')}`);
      throw yamlError(`yaml: invalid map key: ${goSyntax(key, 'interface {}')}`);
  }
}

/** As Go prints fractions in their shortest form. */
function shortest(value: number): string {
  const [digits = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  return power < -4 || power >= 6 ? `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}` : String(value);
}

/** What a YAML reader has to say, without the words around it; undefined for other errors. */
export function yamlProblem(error: unknown): string | undefined {
  return error instanceof ApiError && error.message.startsWith(CONVERTING) ? error.message.slice(CONVERTING.length) : undefined;
}

const CONVERTING = 'error converting YAML to JSON: ';

function yamlError(why: string): Error {
  return badRequest(`${CONVERTING}${why}`);
}
