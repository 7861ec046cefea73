/** The file of `--scheduler-config` and `coracle scheduler --config`: a KubeSchedulerConfiguration. */
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { type Configuration, DEFAULT_CONFIGURATION, readConfiguration } from '../scheduler/configuration.ts';

/** Without a file: what every scheduler does. Throws an error that names the file and what is wrong in it. */
export function schedulerConfiguration(file: string | undefined): Configuration {
  if (file === undefined) return DEFAULT_CONFIGURATION;
  try {
    return readConfiguration(load(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new Error(`scheduler configuration ${file}: ${(error as Error).message}`, { cause: error });
  }
}
