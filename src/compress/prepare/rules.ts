import type { Dim, Shape } from '../../core/shape.ts';
import { constantOf } from '../../ir/constant.ts';
import type { Value } from '../../ir/graph.ts';
import { tensorType } from '../../ir/types.ts';
import type { Rule } from '../../passes/rule.ts';
import { affineOf } from '../../passes/rules/affine.ts';
import { type Evaluate, floatConstant, foldConstants } from '../../passes/rules/constants.ts';

// Rewrites that pay where products are to run on integers.

/** Weights with axes of one index in front are a matrix: kernels on integers take no others. */
export const matrixWeights: Rule = {
  name: 'matrix-weights',
  reason: 'weights with leading axes of size 1 are a matrix',
  roots: ['MatMul'],
  find: (node, c) => {
    const [x, w] = node.inputs as [Value, Value];
    const constant = c.constant(w);
    const rank = c.rank(x);
    if (constant === null || constant.shape.length <= 2) return null;
    const { shape, dtype, data } = constant;
    if (shape.slice(0, -2).some((size) => size !== 1)) return 'its weights are several matrices';
    if (rank === null || rank < shape.length) return 'the product has more axes than its input';
    return () => {
      const matrix = constantOf(dtype, shape.slice(-2), data);
      c.edit.setInput(node, 1, c.addConstant(node.graph, w.name, matrix));
    };
  },
};

/** A bias behind the product of rows with a matrix: with all rows in one axis the product is a Gemm, whose bias is added
 *  before anything is rounded. */
export const biasedProducts: Rule = {
  name: 'biased-product',
  reason: 'a product with its bias is rounded once',
  roots: ['Add'],
  find: (node, c) => {
    const product = c.producer(node.inputs[0], 'MatMul');
    if (product === null || c.constant(node.inputs[1]) === null) return null;
    const [x, w] = product.inputs as [Value, Value];
    const made = product.outputs[0]!;
    const weights = c.constant(w);
    const shape = c.shape(x);
    if (weights?.dtype !== 'float32' || weights.shape.length !== 2) return null;
    if (shape === null || shape.length < 3 || c.dtype(x) !== 'float32') return null;
    if (!c.isOnlyFor(made, node)) return 'the product has another reader';
    const [depth, columns] = weights.shape as [number, number];
    const added = affineOf(node, c, shape.length - 1, columns);
    if (added?.input !== made || added.factors !== null) return 'it is not one number a column';
    if (!c.sameShape(made, node.outputs[0])) return 'it changes the shape';
    const back = targetOf([...shape.slice(0, -1), columns]);
    if (back === null) return 'more than one size is not known';
    return () => {
      const { graph } = node;
      const flat = c.addInts(graph, `${x.name}_shape`, [-1, depth]);
      const type = tensorType('float32', [null, depth]);
      const rows = c.insert(node, { op: 'Reshape', inputs: [x, flat] }, `${x.name}_rows`, type);
      const bias = floatConstant(added.shifts, [columns]);
      const inputs = [rows, w, c.addConstant(graph, node.inputs[1]!.name, bias)];
      const sums = tensorType('float32', [null, columns]);
      const sum = c.insert(node, { op: 'Gemm', inputs }, `${made.name}_rows`, sums);
      const target = c.addInts(graph, `${made.name}_shape`, back);
      c.take(node, { op: 'Reshape', inputs: [sum, target] });
    };
  },
};

/** What a Reshape takes for a shape with one size unknown at most; null for others. */
function targetOf(shape: NonNullable<Shape>): number[] | null {
  const isKnown = (dim: Dim): dim is number => typeof dim === 'number';
  if (shape.filter((dim) => !isKnown(dim)).length > 1 || shape.includes(0)) return null;
  return shape.map((dim) => (isKnown(dim) ? dim : -1));
}

/** Weights that a file has in half floats: as float32 they can become integers. */
export function widenedConstants(evaluate: Evaluate): Rule {
  const { find } = foldConstants(evaluate, { each: 2 ** 30, total: 2 ** 30 });
  return {
    name: 'widened-constant',
    reason: 'half floats are float32 numbers',
    roots: ['Cast'],
    find: (node, c) => {
      const constant = c.constant(node.inputs[0]);
      const isHalf = constant?.dtype === 'float16' || constant?.dtype === 'bfloat16';
      return isHalf && c.dtype(node.outputs[0]) === 'float32' ? find(node, c) : null;
    },
  };
}
