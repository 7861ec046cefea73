/** Which Pod Security levels a namespace asks for by its labels. Pure. */
import type { FieldError } from '../../../api/field-error.ts';
import { Path, invalid } from '../../../api/field-error.ts';
import { remembered } from '../../../std/remembered.ts';

export type Level = 'privileged' | 'baseline' | 'restricted';

export interface LevelVersion {
  readonly level: Level;
  /** The minor version of the rules; Infinity for the latest. */
  readonly minor: number;
}

export interface Policy {
  readonly enforce: LevelVersion;
  readonly audit: LevelVersion;
  readonly warn: LevelVersion;
}

const LEVELS: readonly Level[] = ['privileged', 'baseline', 'restricted'];
const PREFIX = 'pod-security.kubernetes.io/';

/** What the labels say; where they are wrong, the strictest, and the errors. */
export function policyOf(labels: Labels = NO_LABELS): LabelledPolicy {
  return read(labels);
}

type Labels = Readonly<Record<string, string>>;
const NO_LABELS: Labels = Object.freeze({});

interface LabelledPolicy {
  readonly policy: Policy;
  readonly errors: readonly FieldError[];
}

const read = remembered((labels: Labels): LabelledPolicy => {
  const errors: FieldError[] = [];
  const mode = (name: string): { readonly value: LevelVersion; readonly level: Level | undefined; readonly hasVersion: boolean } => {
    const level = labels[PREFIX + name];
    const version = labels[`${PREFIX}${name}-version`];
    const known = LEVELS.find((candidate) => candidate === level);
    if (level !== undefined && !known) errors.push(invalid(Path.of('metadata', 'labels').key(PREFIX + name), level, `must be one of ${LEVELS.join(', ')}`));
    const minor = version === undefined ? Infinity : minorOf(version);
    if (minor === undefined) errors.push(invalid(Path.of('metadata', 'labels').key(`${PREFIX}${name}-version`), version, 'must be "latest" or "v1.x"'));
    return { value: { level: known ?? (level === undefined ? 'privileged' : 'restricted'), minor: minor ?? Infinity }, level: known, hasVersion: version !== undefined };
  };
  const enforce = mode('enforce');
  const audit = mode('audit');
  const warn = mode('warn');
  // Who enforces a level and says nothing of warnings is warned of what it would refuse.
  const warned =
    labels[`${PREFIX}warn`] === undefined && enforce.level && stricter(enforce.level, warn.value.level)
      ? { level: enforce.level, minor: warn.hasVersion ? warn.value.minor : enforce.value.minor }
      : warn.value;
  return { policy: { enforce: enforce.value, audit: audit.value, warn: warned }, errors };
});

export function stricter(a: Level, b: Level): boolean {
  return LEVELS.indexOf(a) > LEVELS.indexOf(b);
}

/** `baseline:latest` */
export function printed({ level, minor }: LevelVersion): string {
  return `${level}:${minor === Infinity ? 'latest' : `v1.${minor}`}`;
}

function minorOf(version: string): number | undefined {
  if (version === 'latest') return Infinity;
  const match = /^v1\.(0|[1-9][0-9]*)$/.exec(version);
  return match ? Number(match[1]) : undefined;
}
