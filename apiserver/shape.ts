/** Whether a configuration file has the shape that a JSON schema tells: unknown fields and wrong types are refused with their place. */
import { createRequire } from 'node:module';
import type { Ajv, ErrorObject, ValidateFunction } from 'ajv';

/** Loaded when the first such file is read: most servers have none. */
const require = createRequire(import.meta.url);

/** Throws a sentence that names the place of the first mistake. */
export type Shape = (document: unknown) => void;

export function shape(schema: object): Shape {
  let validate: ValidateFunction | undefined;
  return (document) => {
    validate ??= new (require('ajv') as { Ajv: new (options: object) => Ajv }).Ajv({ allowUnionTypes: true }).compile(schema);
    if (!validate(document)) throw new Error(mistake((validate.errors as ErrorObject[])[0] as ErrorObject));
  };
}

/** An object of these fields and no others; a field may be left out or null. */
export function fields(properties: Readonly<Record<string, object>>): object {
  return { type: ['object', 'null'], properties, additionalProperties: false };
}

export function listOf(items: object): object {
  return { type: ['array', 'null'], items };
}

export const TEXT = { type: ['string', 'null'] };
export const FLAG = { type: ['boolean', 'null'] };

function mistake({ instancePath, keyword, params, message = 'is wrong' }: ErrorObject): string {
  const place = instancePath.slice(1).split('/').filter(Boolean).map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join('').replace(/^\./, '');
  if (keyword === 'additionalProperties') return `unknown field "${place ? `${place}.` : ''}${String(params['additionalProperty'])}"`;
  return `${place || 'the document'}: ${message.replace(',null', '')}`;
}
