/** The flags that turn admission plugins on and off, under the names that kube-apiserver gives them. */
import type { Command } from 'commander';
import { flagsOf, list } from './named-flags.ts';

export interface AdmissionFlags {
  readonly enableAdmissionPlugins?: readonly string[];
  readonly disableAdmissionPlugins?: readonly string[];
}

export function withAdmission(command: Command, { quiet = false } = {}): Command {
  const add = flagsOf(command, quiet);
  add('--enable-admission-plugins <list>', 'admission plugins besides those that are on: upstream\'s defaults and NodeRestriction', more);
  add('--disable-admission-plugins <list>', 'admission plugins that are off, of those', more);
  return command;
}

/** Given again, it adds to what was given before. */
function more(text: string, before: readonly string[] = []): string[] {
  return [...before, ...list(text)];
}
