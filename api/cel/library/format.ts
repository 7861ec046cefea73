/** Named formats. Provenance: pkg/cel/library/format.go of apiserver v0.36. */
import { dns1035Label, dnsLabel, dnsSubdomain, labelValue, qualifiedName } from '../../kinds/shared/formats.ts';
import type { Row } from '../function.ts';
import { parseDate, parseTimestamp } from '../time.ts';
import { Items, Library, NONE, Optional, type Value } from '../value.ts';
import { parseRequestUri } from '../../go-url.ts';

type Validate = (text: string) => string[];

export class Format extends Library {
  readonly typeName = 'kubernetes.NamedFormat';
  readonly name: string;
  readonly validate: Validate;
  /** What a check is taken to cost: that of a pattern of this length. */
  readonly patternSize: number;

  constructor(name: string, validate: Validate, patternSize: number) {
    super();
    this.name = name;
    this.validate = validate;
    this.patternSize = patternSize;
  }

  equals(other: Library): boolean {
    return other instanceof Format && other.name === this.name;
  }

  override toJson(): string {
    return this.name;
  }
}

/** A prefix may end in a dash: what follows it is generated. */
function prefixed(validate: Validate): Validate {
  return (text) => validate(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text);
}

function unless(test: (text: string) => boolean, why: string): Validate {
  return (text) => (test(text) ? [] : [why]);
}

function uri(text: string): string[] {
  const parts = parseRequestUri(text);
  return typeof parts === 'string' ? [parts] : [];
}

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/;
const DATE_TIME_SIZE = 71;

const FORMATS: Readonly<Record<string, Format>> = Object.fromEntries(
  ([
    ['dns1123Label', 'DNS1123Label', dnsLabel, 30], ['dns1123Subdomain', 'DNS1123Subdomain', dnsSubdomain, 60], ['dns1035Label', 'DNS1035Label', dns1035Label, 30],
    ['qualifiedName', 'QualifiedName', qualifiedName, 60], ['dns1123LabelPrefix', 'DNS1123LabelPrefix', prefixed(dnsLabel), 30],
    ['dns1123SubdomainPrefix', 'DNS1123SubdomainPrefix', prefixed(dnsSubdomain), 60], ['dns1035LabelPrefix', 'DNS1035LabelPrefix', prefixed(dns1035Label), 30],
    ['labelValue', 'LabelValue', labelValue, 40], ['uri', 'URI', uri, 1_103], ['uuid', 'uuid', unless((text) => UUID.test(text), 'does not match the UUID format'), 70],
    ['byte', 'byte', unless((text) => BASE64.test(text), 'invalid base64'), 84], ['date', 'date', unless((text) => parseDate(text) !== undefined, 'invalid date'), DATE_TIME_SIZE],
    ['datetime', 'datetime', unless((text) => parseTimestamp(text) !== undefined, 'invalid datetime'), DATE_TIME_SIZE],
  ] as const).map(([key, name, validate, size]) => [key, new Format(name, validate, size)]),
);

function named(name: Value): Value {
  const format = Object.hasOwn(FORMATS, name as string) ? FORMATS[name as string] : undefined;
  return format ? new Optional(format) : NONE;
}

function validate(format: Value, text: Value): Value {
  const wrong = (format as Format).validate(text as string);
  return wrong.length === 0 ? NONE : new Optional(new Items(wrong));
}

const TYPE = 'kubernetes.NamedFormat';

export const FORMAT_FUNCTIONS: Readonly<Record<string, readonly Row[]>> = {
  validate: [['format-validate', `${TYPE}.(string) -> optional<list<string>>`, validate]],
  'format.named': [['format-named', `(string) -> optional<${TYPE}>`, named]],
  ...Object.fromEntries(Object.entries(FORMATS).map(([key, format]) => [`format.${key}`, [[`format.${key}`, `() -> ${TYPE}`, () => format]] satisfies Row[]])),
};
