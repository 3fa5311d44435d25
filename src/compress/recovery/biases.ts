import { volume } from '../../core/shape.ts';
import { bytesOf } from '../../core/tensor.ts';
import { constantOf, constantOfValue, floatsNow } from '../../ir/constant.ts';
import { Edit } from '../../ir/edit.ts';
import { Node, type Value } from '../../ir/graph.ts';
import { realsOf } from '../../ir/levels.ts';
import type { Model } from '../../ir/model.ts';
import { heldConstant } from '../../ir/permute.ts';
import { freshName, namesAround } from '../../ir/walk.ts';
import { floatsOf } from '../../passes/constants.ts';
import type { Moments } from '../statistics/index.ts';
import { attributesOf } from './channel-rule.ts';

/** What is added to each output's bias, by the layer's first output. */
export type Corrections = ReadonlyMap<string, Float64Array>;

/** What rounding a layer's weights shifts the means of its outputs by: Σ (w − ŵ) · E[a], for each output.
 *  Source: Nagel et al. 2019, section 4.2, with means of samples.
 *  @param model      the float model
 *  @param quantized  a copy with weights in levels, of the same names
 *  @param moments    what layers read, by their first outputs
 *  @returns          layers without a bias to put it in are left out */
export async function biasCorrections(
  model: Model,
  quantized: Model,
  moments: ReadonlyMap<string, Moments>,
): Promise<Map<string, Float64Array>> {
  const stored = new Map([...quantized.graph.constants].map((value) => [value.name, value]));
  const corrections = new Map<string, Float64Array>();
  for (const node of model.graph.nodes) {
    const key = node.outputs[0]?.name ?? '';
    const read = moments.get(key);
    const weight = node.inputs[1];
    const constant = weight == null ? null : constantOfValue(weight);
    const levels = stored.get(weight?.name ?? '');
    if (read === undefined || constant?.dtype !== 'float32' || placeOf(node) === null) continue;
    if (levels?.constant == null || levels.quantization === null) continue;
    const { shape } = levels.constant;
    if (shape.length !== constant.shape.length) continue;
    if (shape.some((size, axis) => size !== constant.shape[axis])) continue;
    const reals = await floatsOf(constant);
    const rounded = await floatsOf(
      realsOf(await heldConstant(levels.constant), levels.quantization),
    );
    const shift = shiftOf(node, constant.shape, reals, rounded, read);
    if (shift !== null) corrections.set(key, shift);
  }
  return corrections;
}

/** Weights that are further from the real ones than this are in another order. */
const leastAlike = 0.25;

function shiftOf(
  node: Node,
  shape: readonly number[],
  reals: Float32Array,
  rounded: Float32Array,
  { mean, groups, size }: Moments,
): Float64Array | null {
  let [power, error] = [0, 0];
  for (let i = 0; i < reals.length; i++) {
    power += reals[i]! ** 2;
    error += (reals[i]! - rounded[i]!) ** 2;
  }
  const place = indexOf(node, shape, groups);
  if (place === null || error === 0 || error > leastAlike * power) return null;
  const shift = new Float64Array(place.outputs);
  for (let i = 0; i < reals.length; i++) {
    const [output, group, k] = place.at(i);
    shift[output]! += (reals[i]! - rounded[i]!) * mean[group * size + k]!;
  }
  const alpha = node.op === 'Gemm' ? attributesOf(node).float('alpha') : 1;
  return shift.map((x) => x * alpha);
}

interface Index {
  outputs: number;
  /** The output, the group and the place in what is read of a weight. */
  at(element: number): [output: number, group: number, k: number];
}

function indexOf(node: Node, shape: readonly number[], groups: number): Index | null {
  const taps = volume(shape.slice(2));
  const [first = 1, second = 1] = shape;
  switch (node.op) {
    case 'Conv': {
      const size = second * taps;
      return {
        outputs: first,
        at: (i) => {
          const output = Math.floor(i / size);
          return [output, Math.floor(output / (first / groups)), i % size];
        },
      };
    }
    case 'ConvTranspose':
      return {
        outputs: second * groups,
        at: (i) => {
          const input = Math.floor(i / (second * taps));
          const group = Math.floor(input / (first / groups));
          const output = group * second + (Math.floor(i / taps) % second);
          return [output, group, (input % (first / groups)) * taps + (i % taps)];
        },
      };
    case 'Gemm':
    case 'MatMul': {
      const isTurned = attributesOf(node).int('transB', 0) !== 0;
      return isTurned
        ? { outputs: first, at: (i) => [Math.floor(i / second), 0, i % second] }
        : { outputs: second, at: (i) => [i % second, 0, Math.floor(i / second)] };
    }
    default:
      return null;
  }
}

/** Where a layer's bias stands: an input of it, there or not, or a sum behind it. */
function placeOf(node: Node): { node: Node; input: number } | null {
  const [, , bias] = node.inputs;
  if (bias != null) {
    const isPlain = node.op !== 'Gemm' || attributesOf(node).float('beta') === 1;
    const isKnown = constantOfValue(bias)?.dtype === 'float32' && bias.quantization === null;
    return isPlain && isKnown ? { node, input: 2 } : null;
  }
  if (node.op !== 'MatMul' || node.domain === 'mp') return { node, input: 2 };
  const [use] = node.outputs[0]?.uses ?? [];
  if (node.outputs[0]?.uses.size !== 1 || !(use?.user instanceof Node) || use.user.op !== 'Add')
    return null;
  const other = use.user.inputs[1 - use.index];
  const columns = constantOfValue(node.inputs[1]!)?.shape.at(-1);
  const constant = other == null ? null : constantOfValue(other);
  const fits =
    constant?.dtype === 'float32' &&
    volume(constant.shape) === columns &&
    constant.shape.at(-1) === columns;
  return fits ? { node: use.user, input: 1 - use.index } : null;
}

/** Adds to the biases of layers, where they have a place for them; layers without a bias get one. Biases that others read
 *  are copied. */
export function correctBiases(model: Model, corrections: Corrections): void {
  if (corrections.size === 0) return;
  const edit = new Edit(model, {
    pass: 'recover',
    rule: 'bias-correction',
    reason: 'rounding the weights shifts the means',
  });
  const names = namesAround(model.graph);
  for (const node of [...model.graph.nodes]) {
    const shift = corrections.get(node.outputs[0]?.name ?? '');
    const place = shift === undefined ? null : placeOf(node);
    if (shift === undefined || place === null) continue;
    const old: Value | null = place.node.inputs[place.input] ?? null;
    const constant = old === null ? null : constantOfValue(old);
    const before = constant === null ? null : floatsNow(constant);
    if (constant !== null && before === null) continue;
    const sums = Float32Array.from(shift, (x, i) => x + (before?.[i] ?? 0));
    const made = constantOf('float32', constant?.shape ?? [sums.length], bytesOf(sums));
    if (old?.constant != null && old.uses.size === 1) edit.setConstant(old, made);
    else {
      const near = old?.name ?? `${node.inputs[1]!.name}_bias`;
      edit.setInput(
        place.node,
        place.input,
        edit.addConstant(node.graph, freshName(names, near), made),
      );
    }
  }
  edit.commit();
}
