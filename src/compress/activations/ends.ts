import { constantOfValue } from '../../ir/constant.ts';
import { Edit } from '../../ir/edit.ts';
import { Node, type Use, type Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { type Quantization, shapeOf, tensorType } from '../../ir/types.ts';
import { freshName, namesAround } from '../../ir/walk.ts';
import { saidQuantization, sameQuantization } from '../../passes/quantization-of.ts';

/** Lets a model whose quantization stands in nodes take and give the integers themselves, under the same names. What is
 *  quantized in two ways, or computed with real numbers, stays.
 *  @returns  one sentence for each input or output of real numbers that stays */
export function integerEnds(model: Model): string[] {
  const edit = new Edit(model, {
    pass: 'quantize',
    rule: 'ends',
    reason: 'integers in and out were asked for',
  });
  const names = namesAround(model.graph);
  const kept: string[] = [];
  const states = new Set(model.states.flatMap(({ input, output }) => [input, output]));
  for (const value of model.graph.inputs) {
    if (!isReal(value) || value.constant !== null || states.has(value.name)) continue;
    const levels = levelsOfReaders(value);
    if (levels === null) kept.push(`input "${value.name}" stays float32: it is not quantized`);
    else integerInput(edit, value, levels);
  }
  for (const value of new Set(model.graph.outputs)) {
    if (!isReal(value) || states.has(value.name)) continue;
    const { producer } = value;
    const stored = producer?.op === 'DequantizeLinear' ? producer.inputs[0]! : null;
    if (stored?.producer?.op !== 'QuantizeLinear' || constantOfValue(stored) !== null)
      kept.push(`output "${value.name}" stays float32: it is not quantized`);
    else integerOutput(edit, value, stored, names);
  }
  edit.commit();
  return kept;
}

function isReal({ type }: Value): boolean {
  return type?.kind === 'tensor' && type.dtype === 'float32';
}

/** What all readers quantize a value to. */
function levelsOfReaders({ uses }: Value): Quantization | null {
  let levels: Quantization | null = null;
  for (const { user, index } of uses) {
    if (!(user instanceof Node) || user.op !== 'QuantizeLinear' || index !== 0) return null;
    const said = saidQuantization(user);
    if (said === null || (levels !== null && !sameQuantization(levels, said))) return null;
    levels = said;
  }
  return levels;
}

function integerInput(edit: Edit, value: Value, { storage }: Quantization): void {
  for (const { user } of [...value.uses]) {
    const node = user as Node;
    edit.replaceUses(node.outputs[0]!, value);
    edit.removeNode(node);
  }
  edit.setType(value, tensorType(storage, shapeOf(value.type)));
}

/** Other readers of the real numbers keep the node that makes them. */
function integerOutput(edit: Edit, real: Value, stored: Value, names: Set<string>): void {
  const { name } = real;
  const isEnd = ({ user }: Use): boolean => !(user instanceof Node) && user.owner === null;
  edit.replaceUses(real, stored, isEnd);
  edit.rename(real, freshName(names, `${name}_real`));
  edit.rename(stored, name);
  if (real.uses.size === 0) edit.removeNode(real.producer!);
}
