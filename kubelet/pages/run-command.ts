/** `/run/`: runs a command in a container to its end and tells what it wrote; the words are parted by blanks, and no shell reads them. */
import { BackendRefusal, type Page } from '../backend.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { plain } from './page.ts';

const TIMEOUT_SECONDS = 120;

export async function runCommand(runtime: Pick<Runtime, 'execSync'>, containerId: string, text: string): Promise<Page> {
  const words = text.split(' ');
  const { exitCode, stdout, stderr } = await runtime.execSync(containerId, words, TIMEOUT_SECONDS).catch((error: unknown) => {
    throw new BackendRefusal(500, (error as Error).message);
  });
  const output = Buffer.concat([stdout, stderr]);
  if (exitCode !== 0) return plain(500, `command '${text}' exited with ${exitCode}: ${output.toString()}`);
  return { code: 200, type: 'application/json', body: output };
}
