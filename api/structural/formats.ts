/** The string formats that schemas may ask for. Provenance: kube-openapi pkg/validation/strfmt, apiextensions-apiserver pkg/apiserver/validation/formats.go of v0.36. */
import { parseRequestUri } from '../go-url.ts';
import { parseDuration } from '../cel/time.ts';
import { parseAddress, parseCidr } from '../kinds/shared/ip-address.ts';
import { isEmail } from './email.ts';

/** By name without dashes. A format that is not here is not checked. */
export const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  bsonobjectid: (text) => /^[0-9a-fA-F]{24}$/.test(text),
  uri: (text) => typeof parseRequestUri(text) !== 'string',
  email: (text) => isEmail(text),
  hostname: (text) => isHostname(text),
  ipv4: (text) => text.includes('.') && parseAddress(text) !== undefined,
  ipv6: (text) => text.includes(':') && parseAddress(text)?.leadingZeros === false,
  cidr: (text) => parseCidr(text) !== undefined,
  mac: (text) => MAC.test(text),
  uuid: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
  uuid3: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
  uuid4: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i.test(text),
  uuid5: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i.test(text),
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: (text) => isIsbn10(text),
  isbn13: (text) => isIsbn13(text),
  creditcard: (text) => isCreditCard(text),
  ssn: (text) => /^\d{3}[- ]\d{2}[- ]\d{4}$/.test(text),
  hexcolor: (text) => /^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/.test(text),
  rgbcolor: (text) => isRgb(text),
  byte: (text) => text.length > 0 && text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text),
  password: () => true,
  date: (text) => isDate(text),
  duration: (text) => parseDuration(text) !== undefined,
  datetime: (text) => isDateTime(text),
  k8sshortname: (text) => text.length <= 63 && LABEL.test(text),
  k8slongname: (text) => text.length <= 253 && text.split('.').every((part) => LABEL.test(part)),
};

/** What a format's name is looked up by. */
export function formatKey(format: string): string {
  return format.replaceAll('-', '');
}

/** Whether a schema of this type may ask for it; others are warned of. */
export function isKnownFormat(format: string, type: string | undefined): boolean {
  switch (type ?? '') {
    case '':
    case 'string':
      return Object.hasOwn(FORMATS, formatKey(format));
    case 'integer':
      return format === 'int32' || format === 'int64';
    case 'number':
      return format === 'float' || format === 'double';
    default:
      return false;
  }
}

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const MAC = new RegExp(`^(?:${[6, 8, 20].map((bytes) => macForms(bytes)).join('|')})$`, 'i');

/** Bytes apart, pairs apart, or all in one. */
function macForms(bytes: number): string {
  const apart = ['-', ':'].map((sign) => `[0-9a-f]{2}(?:${sign}[0-9a-f]{2}){${bytes - 1}}`);
  return [...apart, `[0-9a-f]{4}(?:\\.[0-9a-f]{4}){${bytes / 2 - 1}}`, `[0-9a-f]{${bytes * 2}}`].join('|');
}

const LABEL_CHARACTER = String.raw`[a-zA-Z0-9\p{S}\p{L}]`;
// A single name may have one dash; the last one of several has letters only.
const HOSTNAME = new RegExp(
  String.raw`^(?:${LABEL_CHARACTER}-?${LABEL_CHARACTER}{0,62}|(?:${LABEL_CHARACTER}(?:[-a-zA-Z0-9\p{S}\p{L}]{0,61}${LABEL_CHARACTER})?\.)+[a-zA-Z\p{L}]{2,63})$`, 'u',
);

function isHostname(text: string): boolean {
  const size = (part: string): number => new TextEncoder().encode(part).length;
  return text.length <= 255 && HOSTNAME.test(text) && size(text) <= 255 && text.split('.').every((part) => size(part) <= 63);
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!match) return false;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 && leap ? 29 : DAYS[month - 1];
  return days !== undefined && day >= 1 && day <= days;
}

function isDateTime(text: string): boolean {
  if (text.length < 4) return false;
  const match = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/.exec(text);
  if (!match) return false;
  return isDate(match[1] as string) && Number(match[2]) <= 23 && Number(match[3]) <= 59 && Number(match[4]) <= 59;
}

function isIsbn10(text: string): boolean {
  const digits = text.replaceAll(/[\s-]+/g, '');
  if (!/^\d{9}[\dX]$/.test(digits)) return false;
  const sum = [...digits].reduce((total, char, at) => total + (10 - at) * (char === 'X' ? 10 : Number(char)), 0);
  return sum % 11 === 0;
}

function isIsbn13(text: string): boolean {
  const digits = text.replaceAll(/[\s-]+/g, '');
  if (!/^\d{13}$/.test(digits)) return false;
  return [...digits].reduce((total, char, at) => total + (at % 2 === 0 ? 1 : 3) * Number(char), 0) % 10 === 0;
}

const CARD = /^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11})$/;

function isCreditCard(text: string): boolean {
  const digits = text.replaceAll(/\D+/g, '');
  if (!CARD.test(digits)) return false;
  const sum = [...digits].reverse().reduce((total, char, at) => {
    const value = Number(char) * (at % 2 === 1 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

function isRgb(text: string): boolean {
  const match = /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(text);
  return match !== null && match.slice(1).every((part) => Number(part) <= 255);
}
