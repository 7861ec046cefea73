/** Differences of two texts, line by line, in hunks with three lines around: found the way Python's difflib and its ports find them. */

const CONTEXT = 3;
/** In texts of that many lines, those that come too often are no anchors. */
const MANY_LINES = 200;

interface Match {
  readonly a: number;
  readonly b: number;
  readonly size: number;
}

interface Change {
  readonly same: boolean;
  readonly a: readonly [from: number, to: number];
  readonly b: readonly [from: number, to: number];
}

/** Without the lines that name the files. */
export function unifiedDiff(before: string, after: string): string {
  const [a, b] = [before.split('\n'), after.split('\n')];
  let out = '';
  for (const hunk of hunksOf(changesOf(a, b))) {
    const [first, last] = [hunk[0] as Change, hunk.at(-1) as Change];
    out += `@@ -${range(first.a[0], last.a[1])} +${range(first.b[0], last.b[1])} @@\n`;
    for (const change of hunk) {
      if (change.same) for (const line of a.slice(...change.a)) out += ` ${line}\n`;
      else {
        for (const line of a.slice(...change.a)) out += `-${line}\n`;
        for (const line of b.slice(...change.b)) out += `+${line}\n`;
      }
    }
  }
  return out;
}

function range(from: number, to: number): string {
  const length = to - from;
  if (length === 1) return String(from + 1);
  return `${length === 0 ? from : from + 1},${length}`;
}

function changesOf(a: readonly string[], b: readonly string[]): Change[] {
  const changes: Change[] = [];
  let [i, j] = [0, 0];
  for (const match of [...matchesOf(a, b), { a: a.length, b: b.length, size: 0 }]) {
    if (i < match.a || j < match.b) changes.push({ same: false, a: [i, match.a], b: [j, match.b] });
    [i, j] = [match.a + match.size, match.b + match.size];
    if (match.size > 0) changes.push({ same: true, a: [match.a, i], b: [match.b, j] });
  }
  return changes;
}

function hunksOf(changes: readonly Change[]): Change[][] {
  const hunks: Change[][] = [];
  let hunk: Change[] = [];
  for (const [at, { same, a, b }] of changes.entries()) {
    if (!same) {
      hunk.push({ same, a, b });
      continue;
    }
    const [size, isFirst, isLast] = [a[1] - a[0], at === 0, at === changes.length - 1];
    if (!isFirst && !isLast && size <= 2 * CONTEXT) {
      hunk.push({ same, a, b });
      continue;
    }
    if (!isFirst) {
      const kept = Math.min(CONTEXT, size);
      hunks.push([...hunk, { same, a: [a[0], a[0] + kept], b: [b[0], b[0] + kept] }]);
    }
    const kept = Math.min(CONTEXT, size);
    hunk = isLast ? [] : [{ same, a: [a[1] - kept, a[1]], b: [b[1] - kept, b[1]] }];
  }
  if (hunk.some(({ same }) => !same)) hunks.push(hunk);
  return hunks;
}

/** In order, none next to another. */
function matchesOf(a: readonly string[], b: readonly string[]): Match[] {
  const places = placesOf(b);
  const found: Match[] = [];
  const open: [number, number, number, number][] = [[0, a.length, 0, b.length]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [aFrom, aTo, bFrom, bTo] = next;
    const match = longest(a, b, places, next);
    if (match.size === 0) continue;
    found.push(match);
    if (aFrom < match.a && bFrom < match.b) open.push([aFrom, match.a, bFrom, match.b]);
    if (match.a + match.size < aTo && match.b + match.size < bTo) open.push([match.a + match.size, aTo, match.b + match.size, bTo]);
  }
  found.sort((one, other) => one.a - other.a);
  return found.reduce<Match[]>((merged, match) => {
    const last = merged.at(-1);
    if (!last || last.a + last.size !== match.a || last.b + last.size !== match.b) return [...merged, match];
    return [...merged.slice(0, -1), { ...last, size: last.size + match.size }];
  }, []);
}

function placesOf(lines: readonly string[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const [at, line] of lines.entries()) {
    const known = places.get(line);
    if (known) known.push(at);
    else places.set(line, [at]);
  }
  if (lines.length < MANY_LINES) return places;
  const often = Math.floor(lines.length / 100) + 1;
  for (const [line, at] of places) if (at.length > often) places.delete(line);
  return places;
}

function longest(a: readonly string[], b: readonly string[], places: Map<string, number[]>, [aFrom, aTo, bFrom, bTo]: [number, number, number, number]): Match {
  let best = { a: aFrom, b: bFrom, size: 0 };
  let ending = new Map<number, number>();
  for (let i = aFrom; i < aTo; i++) {
    const now = new Map<number, number>();
    for (const j of places.get(a[i] as string) ?? []) {
      if (j < bFrom) continue;
      if (j >= bTo) break;
      const size = (ending.get(j - 1) ?? 0) + 1;
      now.set(j, size);
      if (size > best.size) best = { a: i - size + 1, b: j - size + 1, size };
    }
    ending = now;
  }
  let { a: i, b: j, size } = best;
  while (i > aFrom && j > bFrom && a[i - 1] === b[j - 1]) [i, j, size] = [i - 1, j - 1, size + 1];
  while (i + size < aTo && j + size < bTo && a[i + size] === b[j + size]) size++;
  return { a: i, b: j, size };
}
