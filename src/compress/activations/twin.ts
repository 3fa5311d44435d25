import { rangeError } from '../../core/errors.ts';
import { clone } from '../../ir/clone.ts';
import { constantOfValue } from '../../ir/constant.ts';
import { Node, type Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import type { Quantization } from '../../ir/types.ts';
import { importQuantization } from '../../passes/import-quantization.ts';
import { saidQuantization } from '../../passes/quantization-of.ts';
import { loadWeights } from '../../runtime/prepare.ts';
import type { GivenRange } from './given.ts';

/** Levels of a model's computed values as a quantized model of the same structure has them, for `quantize.ranges`: what
 *  another tool calibrated is used again. Operators are paired in their order, whatever they are called: by kind, and by
 *  the sizes of their weights; what only one of the two has is passed over.
 *  @param twin     a model with quantized values: of TFLite, or ONNX with QuantizeLinear and DequantizeLinear
 *  @param model    its float original
 *  @param storage  integers that the levels are for; those of the other sign are shifted. Default int8
 *  @throws {RangeError} no operator of the twin with quantized values has a partner
 *  Cost O(n · m) for n and m operators. The models are not changed. */
export async function rangesLike(
  twin: Model,
  model: Model,
  storage: 'int8' | 'uint8' = 'int8',
): Promise<Record<string, GivenRange>> {
  const quantized = clone(twin);
  await loadWeights(quantized);
  importQuantization(quantized, { purpose: 'store' });
  const ranges: Record<string, GivenRange> = {};
  const take = (from: Value | null | undefined, to: Value | null | undefined): void => {
    if (from == null || to == null || constantOfValue(to) !== null) return;
    const levels = levelsOf(from);
    const given = levels === null ? null : shifted(levels, storage);
    if (given !== null && !Object.hasOwn(ranges, to.name)) ranges[to.name] = given;
  };
  for (const [a, b] of pairs(operatorsOf(quantized), operatorsOf(model))) {
    a.outputs.forEach((value, i) => {
      take(value, b.outputs[i]);
    });
    a.inputs.forEach((value, i) => {
      take(value, b.inputs[i]);
    });
  }
  if (Object.keys(ranges).length === 0)
    throw rangeError('twin', 'a quantized model with the same operators', twin.graph.name);
  return ranges;
}

/** Operators that compute something. */
function operatorsOf({ graph }: Model): Node[] {
  return graph.nodes.filter(
    ({ domain, op }) => domain !== '' || !/^(Identity|(De)?[Qq]uantizeLinear)$/.test(op),
  );
}

/** What is attached to a value, or said by the node that it comes from or goes to. */
function levelsOf(value: Value): Quantization | null {
  if (value.quantization !== null) return value.quantization;
  const { producer } = value;
  if (producer?.op === 'DequantizeLinear') return saidQuantization(producer);
  for (const { user } of value.uses)
    if (user instanceof Node && user.op === 'QuantizeLinear') return saidQuantization(user);
  return null;
}

function shifted(
  { storage: from, scale, zeroPoint, axis }: Quantization,
  storage: 'int8' | 'uint8',
): GivenRange | null {
  if (axis !== null || scale.length !== 1 || (from !== 'int8' && from !== 'uint8')) return null;
  const shift = from === storage ? 0 : storage === 'int8' ? -128 : 128;
  return { scale: scale[0]!, zeroPoint: (zeroPoint?.[0] ?? 0) + shift };
}

/** Kinds of operators that are written in several ways. */
const kinds: Readonly<Record<string, string>> = { Gemm: 'MatMul', Flatten: 'Reshape' };

function kindOf({ op, inputs }: Node): string {
  const weights = inputs[1] == null ? null : constantOfValue(inputs[1]);
  const sizes = weights === null || weights.shape.length < 2 ? [] : [...weights.shape];
  return [kinds[op] ?? op, ...sizes.sort((a, b) => a - b)].join();
}

/** The longest sequence of operators of the same kinds that both have. */
function pairs(as: readonly Node[], bs: readonly Node[]): [Node, Node][] {
  const [kindsOfA, kindsOfB] = [as.map(kindOf), bs.map(kindOf)];
  const width = bs.length + 1;
  const longest = new Uint32Array((as.length + 1) * width);
  const at = (i: number, j: number): number => longest[i * width + j]!;
  for (let i = as.length - 1; i >= 0; i--)
    for (let j = bs.length - 1; j >= 0; j--)
      longest[i * width + j] =
        kindsOfA[i] === kindsOfB[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const found: [Node, Node][] = [];
  for (let i = 0, j = 0; i < as.length && j < bs.length; ) {
    if (kindsOfA[i] === kindsOfB[j]) found.push([as[i++]!, bs[j++]!]);
    else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return found;
}
