/** Runs the tests: sets up what they need, runs jest, and ends with the line `N passed, N failed, N skipped`. Arguments go to jest. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TEST_COMPONENTS, ensure } from '../cli/components.ts';

const root = join(import.meta.dirname, '..');

interface JestResult {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numRuntimeErrorTestSuites: number;
}

function run(): number {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-test-'));
  try {
    const output = join(directory, 'jest.json');
    const jest = spawnSync(
      process.execPath,
      ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js', '--forceExit', '--json', `--outputFile=${output}`, ...process.argv.slice(2)],
      { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const result = JSON.parse(readFileSync(output, 'utf8')) as JestResult;
    const failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
    console.log(`${result.numPassedTests} passed, ${failed} failed, ${result.numPendingTests + result.numTodoTests} skipped`);
    return jest.status ?? 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

// What cannot be installed here is not needed by every test: those that need it say so, or fail under CI.
const setup = ensure(TEST_COMPONENTS, (line) => console.error(`coracle: ${line}`));
if (!setup.ok) console.error(`coracle: ${setup.why}`);
process.exitCode = run();
