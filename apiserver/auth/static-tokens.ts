/** Tokens from a file, `token,user,uid,"group1,group2"` per line: for tests and the first minutes of a cluster. */
import type { UserInfo } from './auth.ts';

/** Throws with the line's number when it cannot be read. */
export function parseStaticTokens(csv: string): ReadonlyMap<string, UserInfo> {
  const tokens = new Map<string, UserInfo>();
  csv.split('\n').forEach((line, at) => {
    if (line.trim() === '' || line.startsWith('#')) return;
    const [token, name, uid, groups] = columns(line.trim());
    if (!token || !name || uid === undefined) throw new Error(`token file, line ${at + 1}: expected token,user,uid and optionally groups`);
    tokens.set(token, { name, ...(uid && { uid }), groups: (groups ?? '').split(',').map((group) => group.trim()).filter(Boolean) });
  });
  return tokens;
}

function columns(line: string): string[] {
  return [...line.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => (quoted === undefined ? (plain ?? '').trim() : quoted.replaceAll('""', '"')));
}
