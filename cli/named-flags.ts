/** Flags under the names of upstream's programs: added in one way, hidden where a command has too many to show. */
import { InvalidArgumentError, Option, type Command } from 'commander';

export type AddFlag = (flags: string, says: string, parse?: (text: string, before?: readonly string[]) => unknown) => void;

export function flagsOf(command: Command, quiet: boolean): AddFlag {
  return (flags, says, parse) => {
    const option = new Option(flags, says);
    if (parse) option.argParser(parse as (text: string) => unknown);
    command.addOption(quiet ? option.hideHelp() : option);
  };
}

export function truth(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new InvalidArgumentError('it must be true or false.');
  return text === 'true';
}

export function list(text: string): string[] {
  return text.split(',').map((one) => one.trim()).filter(Boolean);
}
