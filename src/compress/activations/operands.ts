import { constantOfValue } from '../../ir/constant.ts';
import type { Edit } from '../../ir/edit.ts';
import type { Node, Value } from '../../ir/graph.ts';
import { tensorType } from '../../ir/types.ts';
import { freshName } from '../../ir/walk.ts';
import { removeHolder } from '../../passes/constants.ts';
import type { AffineParameters } from '../affine.ts';
import {
  extremesOf,
  measure,
  quantizationOf,
  quantizedConstant,
  type StoreSlab,
} from '../quantized.ts';
import type { LevelStorage, Scheme } from '../scheme.ts';
import { type ConverterScheme, operandSteps } from './converter.ts';

/** A constant that is added or multiplied, with one scale. */
export interface Levels {
  scheme: Scheme;
  parameters: AffineParameters;
  /** How it is rounded, where that is not to the nearest. */
  store: StoreSlab | null;
}

/** An operand that is known must be as exact as one that is computed at least. */
const leastOperandDb = 30;

/** Measures the constant operands of a node that has none yet.
 *  @param rule  whose arithmetic gives the levels; null: ours */
export async function measureOperands(
  node: Node,
  storage: LevelStorage,
  rule: ConverterScheme | null,
  levels: Map<Value, Levels>,
): Promise<void> {
  for (const value of node.inputs) {
    const constant = value === null ? null : constantOfValue(value);
    if (value === null || constant?.dtype !== 'float32' || value.quantization !== null) continue;
    if (levels.has(value) || constant.data.size === 0) continue;
    const scheme: Scheme = {
      storage,
      symmetric: rule === 'tflite' || storage === 'int16',
      granularity: 'tensor',
      axis: null,
      blockSize: null,
      view: constant.shape,
    };
    if (rule === null) {
      const { parameters, sqnrDb } = await measure(constant, scheme);
      if (sqnrDb >= leastOperandDb) levels.set(value, { scheme, parameters, store: null });
      continue;
    }
    const { min, max } = await extremesOf(constant, scheme);
    const [least, most] = [min[0]!, max[0]!];
    if (Number.isFinite(most - least))
      levels.set(value, { scheme, ...operandSteps(rule, least, most) });
  }
}

/** The node gets a constant of integers of its own: others may read the real numbers. */
export function storeOperands(
  edit: Edit,
  node: Node,
  levels: ReadonlyMap<Value, Levels>,
  names: Set<string>,
): void {
  node.inputs.forEach((value, index) => {
    const found = value === null ? undefined : levels.get(value);
    if (value === null || found === undefined) return;
    const constant = constantOfValue(value)!;
    const { scheme, parameters, store } = found;
    const name = freshName(names, `${value.name}_levels`);
    const stored = quantizedConstant(constant, scheme, parameters, store ?? undefined);
    const made = edit.addConstant(node.graph, name, stored);
    made.type = tensorType('float32', constant.shape);
    made.quantization = quantizationOf(constant, scheme, parameters);
    edit.setInput(node, index, made);
    if (value.uses.size === 0) removeHolder(edit, value);
  });
}
