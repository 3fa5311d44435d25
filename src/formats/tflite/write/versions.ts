import type { BuiltinOptions } from '../records.ts';
import type { Operand } from './operand.ts';

/** The version that an operator code has for these operands. */
export function versionOf(
  name: string,
  _inputs: readonly (Operand | null)[],
  _outputs: readonly Operand[],
  _options?: BuiltinOptions,
): number {
  return name === 'BROADCAST_TO' ? 2 : 1;
}
