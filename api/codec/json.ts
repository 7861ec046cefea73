/** JSON as a server with typed objects reads it: what is unknown is dropped and told, what is wrong is refused, the rest has the form such a server prints. */
import type { ApiObject } from '../kind.ts';
import type { Schema } from '../schema.ts';
import { isObject, jsonTypeName } from '../patch/refusals.ts';
import { ApiError, badRequest } from '../status.ts';
import { convertType } from './compile.ts';
import { Context } from './context.ts';
import { JsonSyntaxError, parseJsonText, setKey, WrittenNumber } from './json-text.ts';
import { prune } from './structural.ts';
import { UnstructuredContext } from './unstructured.ts';

export interface Decoded {
  readonly object: ApiObject;
  /** All complaints of strict decoding in upstream's order: what `strict decoding error: a, b` lists, and what warnings tell. */
  readonly strict: readonly string[];
  /** Those about fields that the type does not have: `unknown field "spec.foo"`. They are not in `object`. */
  readonly unknown: readonly string[];
  /** Those about fields that occur more than once: `duplicate field "spec.replicas"`. The last one counts. */
  readonly duplicates: readonly string[];
  /** Empty lists or maps were dropped that `restoreEmpties` brings back. */
  readonly empties?: true;
}

/** Throws ApiError 400 with the decoder's own words, for `cannotHandle` and `unrecognized` to complete. */
export function decodeJson(schema: Schema, text: string): Decoded {
  let parsed;
  try {
    parsed = parseJsonText(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw new ApiError({ code: 400, reason: 'BadRequest', message: `${UNREADABLE}${error.message}` });
    throw error;
  }
  checkRoot(parsed.value);
  return decode(schema, parsed.value, new Context(parsed.duplicates, true));
}

/** The same for a value that stands for such a text: an object that a patch made, or YAML. It is neither changed nor shared. Throws ApiError 400. */
export function decodeMade(schema: Schema, value: unknown): Decoded {
  checkRoot(value);
  return again(
    () => decode(schema, value, new Context(undefined)),
    // Such texts have their keys in order: what is wrong first is told.
    () => decode(schema, inKeyOrder(value), new Context(undefined)),
  );
}

/** Of several things that are wrong the second reading may meet another one first. */
function again(read: () => Decoded, inOrder: () => Decoded): Decoded {
  try {
    return read();
  } catch (error) {
    if (error instanceof ApiError) return inOrder();
    throw error;
  }
}

function inKeyOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inKeyOrder);
  if (!isObject(value) || value instanceof WrittenNumber) return value;
  const sorted: Record<string, unknown> = {};
  for (const key of Object.keys(value).sort()) setKey(sorted, key, inKeyOrder(value[key]));
  return sorted;
}

/** A decoder first looks for the kind, in whatever it was given. */
function checkRoot(value: unknown): void {
  if (value === null) return;
  if (!isObject(value)) throw badRequest(`${UNREADABLE}json: cannot unmarshal ${jsonTypeName(value)} into Go value of type ${KIND_STRUCT}`);
  for (const key in value) {
    if (key !== 'kind' && key !== 'apiVersion') continue;
    const text = value[key];
    if (typeof text === 'string' || text === null || text === undefined) continue;
    throw badRequest(`${UNREADABLE}json: cannot unmarshal ${jsonTypeName(text)} into Go struct field .${key} of type string`);
  }
}

const KIND_STRUCT = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

/** The same for a value that is parsed already. It is neither changed nor shared. Throws ApiError 400. */
export function normalize(schema: Schema, value: unknown): Decoded {
  return decode(schema, value, new Context(undefined));
}

/** The same for a value that the caller owns: parts that have their form already are in the result themselves. */
export function normalizeOwn(schema: Schema, value: unknown): Decoded {
  return decode(schema, value, new Context(undefined, true));
}

/** The same without JSON in between, as Go's converter has it: its words, and its latitude. Throws ApiError 400. */
export function fromUnstructured(schema: Schema, value: unknown): Decoded {
  return again(() => decode(schema, value, new UnstructuredContext()), () => decode(schema, value, new UnstructuredContext(true)));
}

/** What `decodeJson` threw is about the text and not about a field. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof ApiError && error.message.startsWith(UNREADABLE);
}

/** The refusal of a body whose kind is known: `Pod in version "v1" cannot be handled as a Pod: …`. `sent` is what the body says of itself, or what was expected. */
export function cannotHandle(sent: { readonly version: string; readonly kind: string }, expectedKind: string, why: string): ApiError {
  return badRequest(`${sent.kind} in version ${JSON.stringify(sent.version)} cannot be handled as a ${expectedKind}: ${why}`);
}

/** The refusal of a body whose kind cannot be told. */
export function unrecognized(expectedKind: string, why: string, body: Uint8Array | string): ApiError {
  return badRequest(`the object provided is unrecognized (must be of type ${expectedKind}): ${why} (${summaryOf(Buffer.from(body))})`);
}

/** The beginning of a body: as it is where it looks like JSON, else in hexadecimal. */
function summaryOf(body: Buffer): string {
  if (body.length === 0) return '<empty>';
  return `${body.subarray(0, SHOWN_BYTES).toString(body[0] === BRACE ? 'utf8' : 'hex')}${body.length > SHOWN_BYTES ? ' ...' : ''}`;
}

/** The text for `cannotHandle` when the client asked for strict decoding. */
export function strictProblem(complaints: readonly string[]): string {
  return `strict decoding error: ${complaints.join(', ')}`;
}

const UNREADABLE = "couldn't get version/kind; json parse error: ";
const SHOWN_BYTES = 30;
const BRACE = 0x7b;

function decode(schema: Schema, value: unknown, context: Context): Decoded {
  if ('type' in schema) context.root = schema.type;
  const object = convert(schema, value, context);
  context.settle();
  return { object: object as ApiObject, strict: context.strict, unknown: context.unknown, duplicates: context.twice, ...(context.empties && { empties: true as const }) };
}

function convert(schema: Schema, value: unknown, context: Context): unknown {
  try {
    return 'type' in schema ? convertType(schema.type)(value, context) : prune(schema.structural, value ?? {}, context);
  } catch (error) {
    // The stack is the bound of how deep objects may nest.
    if (error instanceof RangeError) throw badRequest('exceeded max depth');
    throw error;
  }
}
