/** The node of this process: what runs its containers, and the node agent over it. */
import { NODE_COMPONENTS, ensure } from './components.ts';
import type { UpFlags } from './flags.ts';
import type { Context } from './up.ts';

export type RuntimeChoice = 'cri' | 'hollow' | 'none';

/** Real containers where that is possible; otherwise a simulated node, and a sentence that says so. */
export function chooseRuntime(flags: UpFlags, say: (line: string) => void): RuntimeChoice {
  const wanted = flags.runtime ?? 'auto';
  if (wanted === 'hollow' || wanted === 'none') return wanted;
  const obstacle = obstacleTo(flags, say);
  if (!obstacle) return 'cri';
  if (wanted === 'cri') throw new Error(`cannot run containers: ${obstacle}`);
  say(`This node is simulated, its pods run no processes: ${obstacle}.`);
  return 'hollow';
}

function obstacleTo(flags: UpFlags, say: (line: string) => void): string | undefined {
  if (process.platform !== 'linux') return 'real containers need Linux';
  if (process.getuid?.() !== 0) return 'real containers need root';
  if (flags.criSocket) return undefined;
  const setup = ensure(NODE_COMPONENTS, say);
  return setup.ok ? undefined : setup.why;
}

export async function startNode(context: Context, runtime: RuntimeChoice): Promise<void> {
  if (runtime === 'none') return;
  throw new Error(`not yet: ${context.nodeName}`);
}
