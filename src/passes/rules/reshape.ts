import { equalDims } from '../../core/dim.ts';
import type { Dim, Shape } from '../../core/shape.ts';
import type { Node, Value } from '../../ir/graph.ts';
import type { Attribute } from '../../ir/types.ts';
import type { Rule } from '../rule.ts';
import type { RuleContext } from '../rule-context.ts';

/** Operators that give the same elements in the same order. */
export const sameOrder: readonly string[] = ['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'];

/** A Reshape's constant target that gives `shape` from `source`, or null: one size may be left to -1, others that are
 *  not numbers must be those of the source at the same place (0). */
export function reshapeTarget(source: Shape, shape: Shape): number[] | null {
  if (shape === null || shape.includes(0)) return null;
  const isKept = (dim: Dim, axis: number): boolean =>
    typeof dim !== 'number' && equalDims(dim, source?.[axis] ?? null);
  const open = shape.filter((dim) => typeof dim !== 'number').length;
  let hasRest = false;
  const target: number[] = [];
  for (const [axis, dim] of shape.entries()) {
    if (typeof dim === 'number') target.push(dim);
    else if (open > 1 && isKept(dim, axis)) target.push(0);
    else if (hasRest) return null;
    else {
      hasRest = true;
      target.push(-1);
    }
  }
  return target;
}

function takeReshape(node: Node, c: RuleContext, source: Value, target: readonly number[]): void {
  const shape = c.addInts(node.graph, `${node.outputs[0]!.name}_shape`, target);
  c.take(node, { op: 'Reshape', inputs: [source, shape] });
}

/** Whether a Squeeze can't meet an axis of another size, which is an error that is to stay one. */
function isSureSqueeze(node: Node, c: RuleContext): boolean {
  if (node.op !== 'Squeeze' || node.inputs[1] == null) return true;
  const shape = c.shape(node.inputs[0]);
  return c.known(node.inputs[1])?.every((axis) => shape?.at(axis) === 1) === true;
}

/** A Reshape of a Reshape, Squeeze, … reads what that reads. */
export const reshapeChains: Rule = {
  name: 'reshape-chain',
  reason: 'elements stay in order: only the last shape counts',
  roots: sameOrder,
  find: (node, c) => {
    const [input] = node.inputs;
    const [output] = node.outputs as [Value];
    const source = c.producer(input, ...sameOrder)?.inputs[0];
    if (input == null || source == null || input.quantization !== null) return null;
    if (output.quantization !== null || source.quantization !== null)
      return 'an end of the chain is quantized';
    if (!isSureSqueeze(node, c) || !isSureSqueeze(input.producer!, c))
      return 'it fails where a squeezed axis has another size than 1';
    if (c.sameShape(source, output) && c.whyNot(output, source) === null) {
      return () => {
        c.replace(output, source);
        c.edit.removeNode(node);
      };
    }
    const target = reshapeTarget(c.shape(source), c.shape(output));
    if (target === null) return 'more than one size of the result is not known';
    return () => takeReshape(node, c, source, target);
  },
};

/** A Reshape to a shape that is computed, all of which but one size is known, needs no computation. */
export const knownTargets: Rule = {
  name: 'known-target',
  reason: 'at most one size is not known, and follows from the others',
  roots: ['Reshape'],
  find: (node, c) => {
    const [input, shape] = node.inputs;
    if (input == null || shape == null || c.constant(shape) !== null) return null;
    const target = reshapeTarget(c.shape(input), c.shape(node.outputs[0]));
    if (target === null) return 'more than one size of the result is not known';
    return () => takeReshape(node, c, input, target);
  },
};

/** The permutation of a Transpose; null where it is the default of a rank that is not known. */
export function permOf(node: Node, c: RuleContext): readonly number[] | null {
  const perm = c.attributes(node).ints('perm');
  const rank = c.rank(node.inputs[0]) ?? c.rank(node.outputs[0]);
  if (perm !== null) return perm;
  return rank === null ? null : Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
}

/** A Transpose of a Transpose is one. */
export const transposeChains: Rule = {
  name: 'transpose-chain',
  reason: 'two permutations of axes are one',
  roots: ['Transpose'],
  find: (node, c) => {
    const first = c.producer(node.inputs[0], 'Transpose');
    const source = first?.inputs[0];
    if (first == null || source == null || node.inputs[0]!.quantization !== null) return null;
    const [before, after] = [permOf(first, c), permOf(node, c)];
    if (before === null || after === null || before.length !== after.length)
      return 'its rank is not known';
    const perm: Attribute = { type: 'ints', value: after.map((axis) => before[axis]!) };
    return () => c.take(node, { op: 'Transpose', inputs: [source], attributes: [['perm', perm]] });
  },
};

/** A Transpose that moves only axes of size 1 is a Reshape, which costs nothing. */
export const idleTransposes: Rule = {
  name: 'idle-transpose',
  reason: 'it moves only axes of size 1: elements stay in order',
  roots: ['Transpose'],
  find: (node, c) => {
    const [input] = node.inputs as [Value];
    const shape = c.shape(input);
    const perm = permOf(node, c);
    if (shape === null || perm === null) return null;
    const moving = perm.filter((axis) => shape[axis] !== 1);
    if (moving.some((axis, at) => at > 0 && moving[at - 1]! > axis)) return null;
    const target = reshapeTarget(shape, c.shape(node.outputs[0]));
    if (target === null || input.quantization !== null) return null;
    return () => takeReshape(node, c, input, target);
  },
};

/** Elementwise operators spread their operands by themselves. */
export const idleExpands: Rule = {
  name: 'idle-expand',
  reason: 'the operator that reads it spreads it by itself',
  roots: ['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Equal', 'Less', 'Greater', 'And', 'Or', 'Where'],
  find: (node, c) => {
    const [output] = node.outputs as [Value];
    for (const [index, input] of node.inputs.entries()) {
      const source = c.producer(input, 'Expand')?.inputs[0];
      if (source == null || input!.quantization !== null) continue;
      const others = node.inputs.filter((_, at) => at !== index);
      if (
        !spreads(
          c.shape(source),
          others.map((value) => c.shape(value)),
          c.shape(output),
        )
      )
        return 'the other operands may be smaller than what it gives';
      return () => c.edit.setInput(node, index, source);
    }
    return null;
  },
};

/** Whether broadcasting gives the output's shape without the Expand. */
function spreads(source: Shape, others: readonly Shape[], output: Shape): boolean {
  if (output === null || source === null) return false;
  return output.every((dim, axis) =>
    [source, ...others].some((shape) => {
      const at = axis - output.length + (shape?.length ?? 0);
      return shape !== null && at >= 0 && (equalDims(shape[at]!, dim) || dim === 1);
    }),
  );
}
