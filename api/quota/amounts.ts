/** Lists of resource quantities, as computed with: names to amounts. Pure. */
import type { Quantity } from '../quantity.ts';
import { addQuantities, compareQuantities, formatQuantity, parseQuantity, subtractQuantities, zeroQuantity } from '../quantity.ts';
import type { Sums } from '../pod-sum.ts';

export type Amounts = Readonly<Record<string, Quantity>>;

/** Users choose the names: none of them may mean anything by itself. */
function nothing(): Record<string, Quantity> {
  return Object.create(null) as Record<string, Quantity>;
}

/** What is no quantity counts as nothing: validation says so elsewhere. */
export function amountsOf(list: Readonly<Record<string, unknown>> | undefined): Record<string, Quantity> {
  const out = nothing();
  for (const [name, text] of Object.entries(list ?? {})) out[name] = parseQuantity(String(text)) ?? zeroQuantity;
  return out;
}

export function textsOf(amounts: Amounts): Record<string, string> {
  return Object.fromEntries(Object.entries(amounts).map(([name, quantity]) => [name, formatQuantity(quantity)]));
}

export function plus(a: Amounts, b: Amounts): Record<string, Quantity> {
  const out = Object.assign(nothing(), a);
  for (const [name, quantity] of Object.entries(b)) out[name] = out[name] ? addQuantities(out[name], quantity) : quantity;
  return out;
}

/** The difference, never below zero. */
export function minus(a: Amounts, b: Amounts): Record<string, Quantity> {
  const out = nothing();
  for (const [name, quantity] of Object.entries(a)) {
    const rest = b[name] ? subtractQuantities(quantity, b[name]) : quantity;
    out[name] = rest.nano < 0n ? { nano: 0n, format: rest.format } : rest;
  }
  return out;
}

export function largest(a: Amounts, b: Amounts): Record<string, Quantity> {
  const out = Object.assign(nothing(), a);
  for (const [name, quantity] of Object.entries(b)) if (!out[name] || compareQuantities(out[name], quantity) < 0) out[name] = quantity;
  return out;
}

export const amountSums: Sums<Record<string, Quantity>> = { none: nothing(), plus, largest };

export function only(amounts: Amounts, names: Iterable<string>): Record<string, Quantity> {
  const wanted = new Set(names);
  return Object.fromEntries(Object.entries(amounts).filter(([name]) => wanted.has(name)));
}

export function withoutZeros(amounts: Amounts): Record<string, Quantity> {
  return Object.fromEntries(Object.entries(amounts).filter(([, { nano }]) => nano !== 0n));
}

/** `cpu=1,memory=2Gi`, in the order of names. */
export function printed(amounts: Amounts): string {
  return Object.keys(amounts)
    .sort()
    .map((name) => `${name}=${formatQuantity(amounts[name] as Quantity)}`)
    .join(',');
}
