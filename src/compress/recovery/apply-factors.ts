import { bytesOf } from '../../core/tensor.ts';
import { constantOf, constantOfValue, floatsNow } from '../../ir/constant.ts';
import type { Edit } from '../../ir/edit.ts';
import { freshName } from '../../ir/walk.ts';
import { asInitializer } from '../../passes/constants.ts';
import type { ChannelMap, Scaled } from './channels.ts';
import { channelAt } from './digits.ts';

/** Multiplies and divides the constants that factors stand in; each element is rounded once. Constants that others read are
 *  copied.
 *  @param factors  by number; others are 1 */
export function applyFactors(
  edit: Edit,
  map: ChannelMap,
  factors: ReadonlyMap<number, number>,
  names: Set<string>,
): void {
  const changes = new Map<string, Scaled[]>();
  for (const scaled of map.scaled) {
    if (!scaled.factors.some((factor) => factors.has(map.root(factor)))) continue;
    const key = `${scaled.node.id} ${scaled.input}`;
    const known = changes.get(key);
    if (known === undefined) changes.set(key, [scaled]);
    else known.push(scaled);
  }
  for (const list of changes.values()) {
    const { node, input } = list[0]!;
    const value = node.inputs[input]!;
    const constant = constantOfValue(value)!;
    const numbers = Float64Array.from(floatsNow(constant)!);
    for (const { digits, factors: own, power } of list) {
      const by = Float64Array.from(own, (factor) => factors.get(map.root(factor)) ?? 1);
      numbers.forEach((x, i) => {
        const factor = by[channelAt(digits, i)]!;
        numbers[i] = power === 1 ? x * factor : x / factor;
      });
    }
    const made = constantOf('float32', constant.shape, bytesOf(Float32Array.from(numbers)));
    if (value.uses.size === 1) edit.setConstant(asInitializer(edit, value), made);
    else
      edit.setInput(node, input, edit.addConstant(node.graph, freshName(names, value.name), made));
  }
}
