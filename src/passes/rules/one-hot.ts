import { bytesOf, typedArrayOf } from '../../core/tensor.ts';
import { type Constant, constantOf, readConstant } from '../../ir/constant.ts';
import type { Rule } from '../rule.ts';
import type { RuleContext } from '../rule-context.ts';
import { withShape } from '../rule-context.ts';

/** A row of zeros before a matrix, and one behind it. */
function framed(constant: Constant): Constant | null {
  const [rows, columns] = constant.shape as [number, number];
  const bytes = readConstant(constant);
  if (!(bytes instanceof Uint8Array)) return null;
  const data = new Float32Array((rows + 2) * columns);
  data.set(typedArrayOf('float32', bytes) as Float32Array, columns);
  return constantOf('float32', [rows + 2, columns], bytesOf(data));
}

const int32 = (values: readonly number[]): Constant =>
  constantOf('int32', [], bytesOf(Int32Array.from(values)));

/** Cast(x[…, 1] == 0..n−1) · W is a row of W: gathered, where a product would multiply by zeros. An x outside of
 *  0..n−1 gives zeros: it is clipped to rows of zeros before and behind. For running only, as W is copied. */
export const oneHotProducts: Rule = {
  name: 'one-hot-product',
  reason: 'a product with one-hot rows takes rows',
  roots: ['MatMul'],
  find: (node, c) => {
    const cast = c.producer(node.inputs[0], 'Cast');
    const equal = c.producer(cast?.inputs[0], 'Equal');
    const weight = c.constant(node.inputs[1]);
    if (cast === null || equal === null || weight === null) return null;
    if (weight.shape.length !== 2 || weight.dtype !== 'float32') return null;
    if (c.dtype(cast.outputs[0]) !== 'float32') return null;
    const side = [0, 1].find((input) => isCount(c, equal.inputs[1 - input]!, weight.shape[0]!));
    if (side === undefined) return null;
    const x = equal.inputs[side]!;
    const shape = c.shape(x);
    if (shape === null || shape.at(-1) !== 1 || c.dtype(x) !== 'int32')
      return 'the indices are not int32 with a last axis of 1';
    const other = c.rank(equal.inputs[1 - side]);
    if (other === null || other > shape.length) return 'the one-hot axis is not the last';
    const table = framed(weight);
    if (table === null) return 'the weights are not in memory';
    return () => {
      const { graph } = node;
      const rows = weight.shape[0]!;
      const limits = [-1, rows].map((limit) => c.addConstant(graph, 'limit', int32([limit])));
      const flat = withShape(x, shape.slice(0, -1));
      const axes = c.addInts(graph, 'axes', [-1]);
      const squeezed = c.insert(node, { op: 'Squeeze', inputs: [x, axes] }, x.name, flat);
      const clip = { op: 'Clip', inputs: [squeezed, ...limits] };
      const clipped = c.insert(node, clip, x.name, flat);
      const one = c.addConstant(graph, 'one', int32([1]));
      const sum = { op: 'Add', inputs: [clipped, one] };
      const index = c.insert(node, sum, x.name, flat);
      const weights = c.addConstant(graph, node.inputs[1]!.name, table);
      const axis = ['axis', { type: 'int', value: 0 }] as const;
      c.take(node, { op: 'Gather', inputs: [weights, index], attributes: [axis] });
    };
  },
};

/** Whether a constant is 0, 1, … n−1 along its last axis. */
function isCount(
  c: RuleContext,
  value: NonNullable<Parameters<RuleContext['numbers']>[0]>,
  n: number,
): boolean {
  const numbers = c.numbers(value);
  return numbers?.length === n && c.shape(value)?.at(-1) === n && numbers.every((x, i) => x === i);
}
