/** A probe that runs a command in the container: its exit code decides. */
import { RuntimeRefused, type Runtime } from '../runtime/runtime.ts';
import { OUTPUT_LIMIT_BYTES, type ProbeOutcome } from './outcome.ts';

export async function probeExec(runtime: Runtime, containerId: string, command: readonly string[], timeoutSeconds: number): Promise<ProbeOutcome> {
  try {
    const { exitCode, stdout, stderr } = await runtime.execSync(containerId, command, timeoutSeconds);
    const output = Buffer.concat([stdout, stderr]).subarray(0, OUTPUT_LIMIT_BYTES).toString();
    return { result: exitCode === 0 ? 'success' : 'failure', output };
  } catch (error) {
    if (error instanceof RuntimeRefused && error.code === 'DeadlineExceeded') {
      return { result: 'failure', output: `command timed out: ${JSON.stringify(command.join(' '))} timed out after ${timeoutSeconds}s` };
    }
    throw error;
  }
}
