import { typedArrayOf } from '../../core/tensor.ts';
import { constantOfValue, readConstant } from '../../ir/constant.ts';
import { describe } from '../../ir/edit.ts';
import type { Node, Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { allNodes } from '../../ir/walk.ts';

/** Processors without VNNI multiply u8 by s8 and add two neighboring products in int16, which saturates (vpmaddubsw):
 *  255 times the weights' sum must be within it. */
const mostPair = Math.floor(32767 / 255);

/** A product on integers some of whose sums may saturate. */
export interface Saturating {
  layer: string;
  /** Outputs with such weights, of all. */
  outputs: number;
  of: number;
}

/** Products of a quantized model that may give something else in onnxruntime on x86 processors without VNNI: two
 *  neighboring weights of one output are so large that two large activations take their sum out of int16. Depthwise
 *  convolutions are summed otherwise. Weights of 7 bits never do.
 *  Source: onnxruntime's MLAS (QgemmU8X8 for AVX2); pytorch/FBGEMM/issues/125. Linear in the weights. */
export async function findSaturating(model: Model): Promise<Saturating[]> {
  const found: Saturating[] = [];
  for (const node of allNodes(model.graph)) {
    const value = node.inputs[1];
    const constant = value == null ? null : storedLevels(node, value);
    if (constant?.dtype !== 'int8') continue;
    const levels = typedArrayOf('int8', await readConstant(constant)) as Int8Array;
    const order = orderOf(node, constant.shape);
    if (order === null) continue;
    const outputs = countOutputs(levels, order);
    if (outputs > 0) found.push({ layer: describe(node), outputs, of: order.outputs });
  }
  return found;
}

/** One sentence about them; null where there are none. */
export function saturationText(found: readonly Saturating[]): string | null {
  if (found.length === 0) return null;
  const named = found.slice(0, 4).map(({ layer, outputs, of }) => `${layer} (${outputs}/${of})`);
  const more = found.length > named.length ? ` and ${found.length - named.length} more` : '';
  return `on x86 processors without VNNI, onnxruntime's sums of two products may saturate at 16 bits in ${named.join(', ')}${more}: reduceRange keeps weights within 7 bits`;
}

function storedLevels(node: Node, weights: Value): ReturnType<typeof constantOfValue> {
  if (node.op === 'MatMulInteger' || node.op === 'ConvInteger') return constantOfValue(weights);
  const x = node.inputs[0];
  const isInteger = x?.producer?.op === 'DequantizeLinear' || x?.quantization != null;
  if (!isInteger || !['Conv', 'MatMul', 'Gemm'].includes(node.op)) return null;
  return weights.quantization === null ? null : constantOfValue(weights);
}

/** Where the weights of an output are: element k of output o at o · step + k-th of `places`. */
interface Order {
  outputs: number;
  step: number;
  places: Uint32Array;
}

/** The order in which they are summed: taps outside, channels inside, as activations lie with channels last. */
function orderOf(node: Node, shape: readonly number[]): Order | null {
  if (node.op === 'Conv' || node.op === 'ConvInteger') {
    const [outputs = 0, channels = 0, ...kernel] = shape;
    if (channels < 2) return null;
    const taps = kernel.reduce((product, size) => product * size, 1);
    const places = new Uint32Array(channels * taps);
    for (let k = 0; k < places.length; k++)
      places[k] = (k % channels) * taps + Math.floor(k / channels);
    return { outputs, step: channels * taps, places };
  }
  if (shape.length !== 2) return null;
  const isTransposed = Number(node.attributes.get('transB')?.value ?? 0) !== 0;
  const [rows = 0, columns = 0] = shape;
  const size = isTransposed ? columns : rows;
  const places = Uint32Array.from({ length: size }, (_, k) => (isTransposed ? k : k * columns));
  return { outputs: isTransposed ? rows : columns, step: isTransposed ? columns : 1, places };
}

function countOutputs(levels: Int8Array, { outputs, step, places }: Order): number {
  let count = 0;
  for (let o = 0; o < outputs; o++) {
    for (let k = 0; k + 1 < places.length; k += 2) {
      const a = levels[o * step + places[k]!]!;
      const b = levels[o * step + places[k + 1]!]!;
      const above = Math.max(a, 0) + Math.max(b, 0);
      const below = Math.min(a, 0) + Math.min(b, 0);
      if (above <= mostPair && -below <= mostPair) continue;
      count++;
      break;
    }
  }
  return count;
}
