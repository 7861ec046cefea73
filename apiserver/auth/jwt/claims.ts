/** From the claims of a verified token to the user that they name. Pure. Provenance: plugin/pkg/authenticator/token/oidc of apiserver v0.36. */
import type { CelProgram } from '../../../api/cel/cel.ts';
import { CALL_LIMIT } from '../../../api/cel/compile.ts';
import type { UserInfo } from '../auth.ts';
import type { IssuerConfig, Mapping, Rule } from './config.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** Throws an Error that says why these claims name nobody. */
export function userOf(claims: Claims, config: IssuerConfig): UserInfo {
  const name = usernameOf(claims, config.username);
  const groups = groupsOf(claims, config.groups);
  const uid = uidOf(claims, config.uid);
  const extra: Record<string, readonly string[]> = {};
  for (const { key, program } of config.extra) {
    const values = textsOf(evaluate(program, { claims }, 'extra'), 'extra');
    if (values.length > 0) extra[key] = values;
  }
  const user: UserInfo = { name, groups, ...(uid && { uid }), ...(Object.keys(extra).length > 0 && { extra }) };
  checkRequired(claims, config);
  check(config.claimRules, { claims }, 'claim validation expression');
  check(config.userRules, { user: { username: name, groups, uid, extra } }, 'user info validation rule');
  return user;
}

function usernameOf(claims: Claims, mapping: Mapping): string {
  if ('program' in mapping) {
    const name = evaluate(mapping.program, { claims }, 'username claim');
    if (typeof name !== 'string') throw new Error('oidc: error evaluating username claim expression: username claim expression must return a string');
    if (name === '') throw new Error('oidc: empty username via CEL expression is not allowed');
    return name;
  }
  const { claim, prefix } = mapping;
  const value = claims[claim];
  if (value === undefined) throw new Error(`oidc: parse username claims ${JSON.stringify(claim)}: claim not present`);
  if (typeof value !== 'string') throw new Error(`oidc: parse username claims ${JSON.stringify(claim)}: json: cannot unmarshal ${typeof value} into Go value of type string`);
  if (claim === 'email' && claims['email_verified'] !== undefined) {
    if (typeof claims['email_verified'] !== 'boolean') throw new Error("oidc: parse 'email_verified' claim: json: cannot unmarshal into Go value of type bool");
    if (!claims['email_verified']) throw new Error('oidc: email not verified');
  }
  return prefix + value;
}

function groupsOf(claims: Claims, mapping: Mapping | undefined): readonly string[] {
  if (!mapping) return [];
  if ('program' in mapping) return textsOf(evaluate(mapping.program, { claims }, 'group claim'), 'group claim');
  const value = claims[mapping.claim];
  if (value === undefined) return [];
  // Some put a single role where others have a list.
  const list = typeof value === 'string' ? [value] : value;
  if (!Array.isArray(list) || list.some((one) => typeof one !== 'string')) throw new Error(`oidc: parse groups claim ${JSON.stringify(mapping.claim)}: json: cannot unmarshal into Go value of type []string`);
  return (list as string[]).map((group) => mapping.prefix + group);
}

function uidOf(claims: Claims, mapping: Mapping | undefined): string {
  if (!mapping) return '';
  if ('program' in mapping) {
    const uid = evaluate(mapping.program, { claims }, 'uid claim');
    if (typeof uid !== 'string') throw new Error('oidc: error evaluating uid claim expression: uid claim expression must return a string');
    return uid;
  }
  const value = claims[mapping.claim];
  if (typeof value !== 'string') throw new Error(`oidc: parse uid claim ${JSON.stringify(mapping.claim)}: ${value === undefined ? 'claim not present' : `json: cannot unmarshal ${typeof value} into Go value of type string`}`);
  return value;
}

function checkRequired(claims: Claims, { requiredClaims }: IssuerConfig): void {
  for (const { claim, value } of requiredClaims) {
    const got = claims[claim];
    if (got === undefined) throw new Error(`oidc: required claim ${claim} not present in ID token`);
    if (typeof got !== 'string') throw new Error(`oidc: parse claim ${claim}: json: cannot unmarshal ${typeof got} into Go value of type string`);
    if (got !== value) throw new Error(`oidc: required claim ${claim} value does not match. Got = ${got}, want = ${value}`);
  }
}

function check(rules: readonly Rule[], bindings: Readonly<Record<string, unknown>>, what: string): void {
  for (const { expression, message, program } of rules) {
    let holds: unknown;
    try {
      holds = program.evaluate(bindings, { left: CALL_LIMIT });
    } catch (error) {
      throw new Error(`oidc: error evaluating ${what}: expression '${expression}' resulted in error: ${(error as Error).message}`, { cause: error });
    }
    if (holds !== true) throw new Error(`oidc: error evaluating ${what}: validation expression '${expression}' failed${message ? `: ${message}` : ''}`);
  }
}

function evaluate(program: CelProgram, bindings: Readonly<Record<string, unknown>>, what: string): unknown {
  try {
    return program.evaluate(bindings, { left: CALL_LIMIT });
  } catch (error) {
    throw new Error(`oidc: error evaluating ${what} expression: ${(error as Error).message}`, { cause: error });
  }
}

/** A text, a list of texts, or nothing. Empty texts count as nothing. */
function textsOf(value: unknown, what: string): string[] {
  if (value === null || value === undefined) return [];
  const list = Array.isArray(value) ? (value as unknown[]) : [value];
  if (list.some((one) => typeof one !== 'string')) throw new Error(`oidc: error evaluating ${what} expression: unexpected type, expected string or list of strings`);
  return (list as string[]).filter((one) => one !== '');
}
