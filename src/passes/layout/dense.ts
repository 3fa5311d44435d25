import { type Constant, constantOfValue } from '../../ir/constant.ts';
import { Node, type Value } from '../../ir/graph.ts';
import { reshapedConstant } from '../../ir/permute.ts';
import { findOp, ops, readAttributes } from '../../ops/index.ts';
import { canPermute, isPermutable, type Permutation, permutedConstant } from './permutation.ts';
import type { RewriteContext } from './rule.ts';

/** A product of flattened images with a constant weight: the rows of the weight can change places. */
export interface Dense {
  readonly node: Node;
  readonly weight: Value;
  /** null where all elements are the same. */
  readonly constant: Constant | null;
  /** The axis of the weight that is summed over. */
  readonly axis: 0 | 1;
}

/** The dense layer that is the only reader of a matrix, operators on each element between them aside. */
export function denseBehind(matrix: Value): Dense | null {
  let value = matrix;
  for (;;) {
    if (value.uses.size !== 1) return null;
    const [use] = value.uses;
    if (use === undefined || !(use.user instanceof Node) || use.index !== 0) return null;
    const node = use.user;
    if (node.graph !== matrix.graph) return null;
    const op = findOp(ops, node.domain, node.op);
    if (op === null) return null;
    const isDense =
      (node.op === 'Gemm' && node.domain === '') ||
      (node.op === 'MatMul' && (node.domain === '' || node.domain === 'mp'));
    if (isDense) return denseOf(node, readAttributes(op, node));
    const isPlain = op.traits?.elementwise === true && node.inputs.length === 1;
    const isDropout =
      node.op === 'Dropout' && node.outputs.slice(1).every((v) => v.uses.size === 0);
    if (!isPlain && !isDropout) return null;
    value = node.outputs[0]!;
    if (value.quantization !== null && value.quantization.axis !== null) return null;
  }
}

function denseOf(node: Node, attributes: ReturnType<typeof readAttributes>): Dense | null {
  const weight = node.inputs[1];
  const constant = weight == null ? null : constantOfValue(weight);
  if (weight == null) return null;
  const isFilled = weight.producer?.op === 'ConstantOfShape' && weight.producer.domain === '';
  if (!isFilled) {
    if (constant === null || constant.shape.length !== 2 || !isPermutable(constant)) return null;
    if (weight.graph.inputs.includes(weight)) return null;
  }
  if (!canPermute(weight.quantization)) return null;
  const isTurned = (name: string): boolean => attributes.int(name, 0) !== 0;
  if (isTurned('transA')) return null;
  const axis = isTurned('transB') ? 1 : 0;
  if (weight.quantization !== null && weight.quantization.axis === axis) return null;
  return { node, weight, constant, axis };
}

/** Gives the dense layer a weight for images whose axes are permuted.
 *  @param perm  of the image with its batch, @param sizes  of the image without it, as they were */
export function permuteDense(
  c: RewriteContext,
  { node, weight, constant, axis }: Dense,
  perm: Permutation,
  sizes: readonly number[],
): void {
  if (constant === null) return;
  const image = perm.slice(1).map((old) => old - 1 + axis);
  const whole = axis === 0 ? [...sizes, constant.shape[1]!] : [constant.shape[0]!, ...sizes];
  const order = axis === 0 ? [...image, sizes.length] : [0, ...image];
  const moved = permutedConstant(constant, order, whole);
  const value = c.addConstant(reshapedConstant(moved, constant.shape));
  value.type = weight.type;
  value.quantization = weight.quantization;
  c.setInput(node, 1, value);
}
