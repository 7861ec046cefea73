/** With which status code an exchange was answered. */
import type { Exchange } from '../exchange.ts';

export function codeOf({ answer }: Exchange): number {
  return answer && 'code' in answer ? answer.code : 200;
}
