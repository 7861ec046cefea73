/** Shuffle sharding: which few of many queues a flow may use, drawn from its hash, so that two flows rarely share all of them. */
import { createHash } from 'node:crypto';

/** 64 bits of what names a flow: its FlowSchema and its distinguisher. */
export function flowHash(schema: string, distinguisher: string): bigint {
  return createHash('sha256').update(schema).update('\0').update(distinguisher).digest().readBigUInt64LE(0);
}

/** `hand` different numbers below `deck`, in the order in which they were dealt. The hash is the only source of chance. */
export function deal(hash: bigint, deck: number, hand: number): number[] {
  const dealt: number[] = [];
  let rest = hash;
  for (let at = 0; at < hand; at++) {
    const left = BigInt(deck - at);
    // The n-th of those that are left: it moves up past each that is gone.
    let card = Number(rest % left);
    rest /= left;
    for (const gone of dealt.toSorted((a, b) => a - b)) if (card >= gone) card++;
    dealt.push(card);
  }
  return dealt;
}

/** Whether 64 bits are enough to deal such hands. */
export function canDeal(deck: number, hand: number): boolean {
  return deck > 0 && hand > 0 && hand <= deck && Math.ceil(Math.log2(deck) * hand) <= 60;
}
