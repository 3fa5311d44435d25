import { dtypes } from '../../core/dtype.ts';
import type { Node, Value } from '../../ir/graph.ts';
import { operatorOf, type Rule } from '../rule.ts';
import type { RuleContext } from '../rule-context.ts';

/** Whether a node gives the elements of its first input in the same shape and type; false where that isn't known. */
type Test = (node: Node, c: RuleContext) => boolean;

const keepsShape: Test = (node, c) => c.sameShape(node.inputs[0], node.outputs[0]);
const keepsType: Test = (node, c) => c.sameType(node.inputs[0], node.outputs[0]);

/** All of a list that may be absent are `expected`. */
function allAre(c: RuleContext, value: Value | null | undefined, expected: number): boolean {
  if (value == null) return true;
  return c.known(value)?.every((x) => x === expected) === true;
}

/** The second operand does nothing: the first passes. */
const neutral =
  (number: number): Test =>
  (node, c) =>
    c.scalar(node.inputs[1]) === number && keepsType(node, c);

const idempotent: Test = (node, c) => {
  const before = c.producer(node.inputs[0], node.op);
  return before !== null && before.inputs.length === 1;
};

const window: Test = (node, c) => {
  const attributes = c.attributes(node);
  const isPlain = (name: string, plain: number): boolean =>
    attributes.ints(name)?.every((x) => x === plain) !== false;
  return (
    node.outputs.length === 1 &&
    isPlain('kernel_shape', 1) &&
    isPlain('strides', 1) &&
    isPlain('pads', 0) &&
    keepsShape(node, c)
  );
};

/** Sums and the like over axes of size 1. */
const reduceOne: Test = (node, c) => {
  if (!keepsType(node, c)) return false;
  const attributes = c.attributes(node);
  const axes = c.known(node.inputs[1]);
  const isNone = node.inputs[1] == null ? true : axes !== null && axes.length === 0;
  if (isNone) return attributes.int('noop_with_empty_axes', 0) !== 0;
  const shape = c.shape(node.inputs[0])!;
  return axes?.every((axis) => shape.at(axis) === 1) === true;
};

const transpose: Test = (node, c) => {
  const shape = c.shape(node.inputs[0]);
  if (shape === null) return false;
  const perm = c.attributes(node).ints('perm') ?? [...shape.keys()].reverse();
  // Axes of size 1 may go anywhere as long as sizes stay in their places.
  const moving = perm.filter((axis) => shape[axis] !== 1);
  const inOrder = moving.every((axis, at) => at === 0 || moving[at - 1]! < axis);
  return inOrder && keepsShape(node, c);
};

const dropout: Test = (node, c) => {
  const [, , training] = node.inputs;
  const mask = node.outputs[1];
  if (mask !== undefined && mask.uses.size > 0) return false;
  return training == null || c.known(training)?.[0] === 0;
};

const resize: Test = (node, c) => {
  if (c.attributes(node).string('coordinate_transformation_mode') === 'tf_crop_and_resize')
    return false;
  const scales = c.known(node.inputs[2]);
  if (scales !== null && scales.length > 0) return scales.every((x) => x === 1);
  return node.inputs[3] != null && keepsShape(node, c);
};

const slice: Test = (node, c) => allAre(c, node.inputs[4], 1) && keepsShape(node, c);

const one: Test = (node) => node.inputs.length === 1;

const clip: Test = (node) => node.inputs[1] == null && node.inputs[2] == null;

const block: Test = (node, c) => c.attributes(node).int('blocksize') === 1;

const tests: Readonly<Record<string, Test>> = {
  Identity: () => true,
  Dropout: dropout,
  Reshape: keepsShape,
  Flatten: keepsShape,
  Squeeze: keepsShape,
  Unsqueeze: keepsShape,
  Expand: keepsShape,
  Transpose: transpose,
  Cast: (node, c) => c.dtype(node.inputs[0]) !== null && sameDtype(node, c),
  CastLike: (node, c) => c.dtype(node.inputs[0]) !== null && sameDtype(node, c),
  Slice: slice,
  'mp.DepthToSpace': block,
  'mp.SpaceToDepth': block,
  DepthToSpace: block,
  SpaceToDepth: block,
  Pad: (node, c) => node.inputs[1] != null && allAre(c, node.inputs[1], 0),
  Tile: (node, c) => allAre(c, node.inputs[1], 1),
  Concat: one,
  Sum: one,
  Mean: one,
  Max: one,
  Min: one,
  Split: (node, c) => node.outputs.length === 1 && keepsShape(node, c),
  Add: neutral(0),
  Sub: neutral(0),
  Mul: neutral(1),
  Div: neutral(1),
  Pow: neutral(1),
  Clip: clip,
  Relu: idempotent,
  Abs: idempotent,
  Ceil: idempotent,
  Floor: idempotent,
  Round: idempotent,
  Sign: idempotent,
  Resize: resize,
  'mp.Resize': resize,
  MaxPool: window,
  AveragePool: window,
  'mp.MaxPool': window,
  'mp.AveragePool': window,
  ReduceSum: reduceOne,
  ReduceMean: reduceOne,
  ReduceMax: reduceOne,
  ReduceMin: reduceOne,
  ReduceProd: reduceOne,
};

function sameDtype(node: Node, c: RuleContext): boolean {
  return c.dtype(node.inputs[0]) === c.dtype(node.outputs[0]);
}

/** Nodes whose output is their input. */
export const noOps: Rule = {
  name: 'no-op',
  reason: 'its output is its input',
  roots: Object.keys(tests),
  find: (node, c) => {
    const input = node.inputs[0];
    const output = node.outputs[0]!;
    if (input == null || !tests[operatorOf(node)]!(node, c)) return null;
    const why = c.whyNot(output, input);
    if (why !== null) return why;
    return () => {
      c.replace(output, input);
      c.edit.removeNode(node);
    };
  },
};

/** Add and Mul with the neutral constant first: the operands change places, so that other rules need one form. */
export const constantsLast: Rule = {
  name: 'constants-last',
  reason: 'the constant operand comes second, so that other rules find it',
  roots: ['Add', 'Mul'],
  find: (node, c) => {
    const [a, b] = node.inputs;
    if (a == null || b == null || c.constant(a) === null || c.constant(b) !== null) return null;
    return () => {
      c.edit.setInput(node, 0, b);
      c.edit.setInput(node, 1, a);
    };
  },
};

/** Types that hold every number of another one. */
function holds(wide: string, narrow: string): boolean {
  const a = dtypes[wide as keyof typeof dtypes];
  const b = dtypes[narrow as keyof typeof dtypes];
  if (narrow === 'bool') return a.kind === 'int' || a.kind === 'uint' || a.kind === 'float';
  if (a.kind === b.kind && (a.kind === 'int' || a.kind === 'uint')) return a.bits >= b.bits;
  if (a.kind === 'int' && b.kind === 'uint') return a.bits > b.bits;
  if (wide === 'float64') return narrow === 'float32' || narrow === 'float16' || b.bits <= 32;
  return wide === 'float32' && (narrow === 'float16' || narrow === 'bfloat16' || b.bits <= 16);
}

/** A Cast to a wider type and on to another: the first does nothing that the second would not do. */
export const castOfCast: Rule = {
  name: 'cast-of-cast',
  reason: 'the type between holds every number of the first type',
  roots: ['Cast'],
  find: (node, c) => {
    const first = c.producer(node.inputs[0], 'Cast');
    const source = first?.inputs[0];
    if (first == null || source == null) return null;
    const [from, via] = [c.dtype(source), c.dtype(node.inputs[0])];
    if (from === null || via === null || from === 'string' || via === 'string') return null;
    if (node.inputs[0]!.quantization !== null || source.quantization !== null) return null;
    if (!holds(via, from)) return `${via} does not hold every number of ${from}`;
    return () => c.edit.setInput(node, 0, source);
  },
};
