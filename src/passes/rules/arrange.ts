import { addDims, isNonNegativeDim, subtractDims } from '../../core/dim.ts';
import type { Dim } from '../../core/shape.ts';
import { Tensor } from '../../core/tensor.ts';
import { constantOfTensor } from '../../ir/constant.ts';
import type { Node, Value } from '../../ir/graph.ts';
import type { Found, Rule } from '../rule.ts';
import type { RuleContext } from '../rule-context.ts';

/** Rules on operators that cut tensors up and put them together. */

/** What a Slice with constant operands does along an axis. */
interface Cut {
  axis: number;
  start: number;
  /** Perhaps far beyond the end. */
  end: number;
  step: number;
}

/** The cuts of a Slice whose operands are constants, or null. */
function cutsOf(node: Node, c: RuleContext): Cut[] | null {
  const rank = c.rank(node.inputs[0]);
  const [starts, ends] = [c.known(node.inputs[1]), c.known(node.inputs[2])];
  const steps = node.inputs[4] == null ? [] : c.known(node.inputs[4]);
  if (rank === null || starts === null || ends === null || steps === null) return null;
  const axes = node.inputs[3] == null ? starts.map((_, axis) => axis) : c.known(node.inputs[3]);
  if (axes === null) return null;
  return axes.map((axis, i) => ({
    axis: axis < 0 ? axis + rank : axis,
    start: starts[i]!,
    end: ends[i]!,
    step: steps[i] ?? 1,
  }));
}

function takeSlice(node: Node, c: RuleContext, source: Value, cuts: readonly Cut[]): void {
  const { graph } = node;
  const { name } = node.outputs[0]!;
  const inputs = [
    source,
    c.addInts(
      graph,
      `${name}_starts`,
      cuts.map(({ start }) => start),
    ),
    c.addInts(
      graph,
      `${name}_ends`,
      cuts.map(({ end }) => end),
    ),
    c.addInts(
      graph,
      `${name}_axes`,
      cuts.map(({ axis }) => axis),
    ),
  ];
  const steps = cuts.map(({ step }) => step);
  if (steps.some((step) => step !== 1)) inputs.push(c.addInts(graph, `${name}_steps`, steps));
  c.take(node, { op: 'Slice', inputs });
}

/** A Slice of a Slice along other axes is one. */
export const sliceChains: Rule = {
  name: 'slice-chain',
  reason: 'cuts along different axes are one cut',
  roots: ['Slice'],
  find: (node, c) => {
    const [input] = node.inputs as [Value];
    const first = c.producer(input, 'Slice');
    const source = first?.inputs[0];
    if (first == null || source == null) return null;
    if (!c.isOnlyFor(input, node)) return 'the first cut has another reader';
    const [before, after] = [cutsOf(first, c), cutsOf(node, c)];
    if (before === null || after === null) return 'cuts are computed';
    const axes = new Set(before.map(({ axis }) => axis));
    if (after.some(({ axis }) => axes.has(axis))) return 'both cut along the same axis';
    return () => takeSlice(node, c, source, [...before, ...after]);
  },
};

/** A Slice that takes exactly one part of a Concat is that part; of two parts or more, a smaller Concat. */
export const sliceOfConcat: Rule = {
  name: 'slice-of-concat',
  reason: 'it takes out again what was put in',
  roots: ['Slice'],
  find: (node, c) => {
    const concat = c.producer(node.inputs[0], 'Concat');
    if (concat === null || node.inputs[0]!.quantization !== null) return null;
    const rank = c.rank(node.inputs[0]);
    const cuts = cutsOf(node, c);
    if (cuts?.length !== 1 || rank === null) return 'it cuts along more than one axis';
    if (cuts[0]!.step !== 1) return 'it has steps';
    const [cut] = cuts as [Cut];
    const { axis } = cut;
    const along = c.attributes(concat).int('axis');
    if (axis !== (along < 0 ? along + rank : along)) return null;
    return partOf(node, c, concat, cut);
  },
};

function partOf(node: Node, c: RuleContext, concat: Node, { axis, start, end }: Cut): Found {
  const sizes = concat.inputs.map((value) => c.shape(value)?.[axis] ?? null);
  const offsets: Dim[] = [0];
  for (const size of sizes) offsets.push(addDims(offsets.at(-1)!, size));
  const total = offsets.at(-1)!;
  const place = (index: number): Dim => {
    if (index < 0) return addDims(total, index);
    const isBeyond = total !== null && isNonNegativeDim(subtractDims(index, total));
    return isBeyond ? total : index;
  };
  const [from, to] = [place(start), place(end)];
  const first = from === null ? -1 : offsets.indexOf(from);
  const last = to === null ? -1 : offsets.indexOf(to);
  if (first < 0 || last <= first) return 'it does not begin and end where parts do';
  if (last - first > 1) return 'it takes more than one part';
  const part = concat.inputs[first]!;
  const why = c.whyNot(node.outputs[0]!, part);
  if (why !== null) return why;
  return () => {
    c.replace(node.outputs[0]!, part);
    c.edit.removeNode(node);
  };
}

/** A Concat inside a Concat along the same axis. */
export const concatChains: Rule = {
  name: 'concat-chain',
  reason: 'parts of a part are parts',
  roots: ['Concat'],
  find: (node, c) => {
    const axis = c.attributes(node).int('axis');
    const index = node.inputs.findIndex((value) => {
      const inner = c.producer(value, 'Concat');
      return (
        inner !== null && c.attributes(inner).int('axis') === axis && c.isOnlyFor(value!, node)
      );
    });
    const inner = node.inputs[index]?.producer;
    if (inner == null) return null;
    const inputs = node.inputs.toSpliced(index, 1, ...inner.inputs);
    return () => c.take(node, { op: 'Concat', inputs, attributes: node.attributes });
  },
};

/** Zeros put before or after a tensor are padding: nothing to make, to hold or to copy. */
export const concatOfZeros: Rule = {
  name: 'concat-zeros',
  reason: 'zeros around a tensor are padding',
  roots: ['Concat'],
  find: (node, c) => {
    const rank = c.rank(node.outputs[0]);
    const zeros = node.inputs.map((value) => isZero(value!, c));
    const others = node.inputs.filter((_, index) => !zeros[index]);
    if (rank === null || others.length !== 1 || node.inputs.length < 2) return null;
    if (others[0]!.quantization !== null || c.dtype(others[0]) !== 'float32') return null;
    const along = c.attributes(node).int('axis');
    const axis = along < 0 ? along + rank : along;
    const at = zeros.indexOf(false);
    const sizes = node.inputs.map((value) => c.shape(value)?.[axis] ?? null);
    if (sizes.some((size, index) => zeros[index] && typeof size !== 'number'))
      return 'the number of zeros is not known';
    const sum = (list: readonly Dim[]): number => list.reduce<number>((a, b) => a + Number(b), 0);
    const pads = new Array<number>(2 * rank).fill(0);
    pads[axis] = sum(sizes.slice(0, at));
    pads[axis + rank] = sum(sizes.slice(at + 1));
    return () => {
      const amounts = c.addInts(node.graph, `${node.outputs[0]!.name}_pads`, pads);
      c.take(node, { op: 'Pad', inputs: [others[0]!, amounts] });
    };
  },
};

/** Operators that only spread, move or pick elements; longer chains of them are left alone. */
const spreading = [
  'Expand',
  'Tile',
  'Reshape',
  'Unsqueeze',
  'Squeeze',
  'Identity',
  'Transpose',
  'Slice',
  'Gather',
];
const longestChain = 8;

/** Whether all elements are 0, made in any of the usual ways. */
export function isZero(value: Value, c: RuleContext): boolean {
  let at = value;
  for (let i = 0; i < longestChain; i++) {
    if (c.constant(at) !== null) return c.scalar(at) === 0;
    const filled = c.producer(at, 'ConstantOfShape');
    if (filled !== null) return isZeroFill(filled);
    const source = c.producer(at, ...spreading)?.inputs[0];
    if (source == null || at.quantization !== null) return false;
    at = source;
  }
  return false;
}

function isZeroFill(node: Node): boolean {
  const fill = node.attributes.get('value');
  if (fill?.type !== 'tensor') return true;
  const bytes = fill.value.data.read(0, fill.value.data.size);
  return bytes instanceof Uint8Array && bytes.every((byte) => byte === 0);
}

/** Initial states of zeros are what a recurrent operator has without any. */
export const zeroStates: Rule = {
  name: 'zero-state',
  reason: 'states begin at zero without being given',
  roots: ['LSTM', 'GRU', 'RNN'],
  find: (node, c) => {
    const index = [5, 6].find((at) => node.inputs[at] != null && isZero(node.inputs[at]!, c));
    if (index === undefined) return null;
    return () => c.edit.setInput(node, index, null);
  },
};

/** One place along an axis, without the axis: a Gather instead of a Slice and a Squeeze. */
export const squeezeOfSlice: Rule = {
  name: 'squeeze-of-slice',
  reason: 'one index along an axis is a Gather',
  roots: ['Squeeze'],
  find: (node, c) => {
    const [input] = node.inputs as [Value];
    const slice = c.producer(input, 'Slice');
    const axes = c.known(node.inputs[1]);
    const rank = c.rank(input);
    if (slice === null || axes?.length !== 1 || rank === null) return null;
    const axis = axes[0]! < 0 ? axes[0]! + rank : axes[0]!;
    const cuts = cutsOf(slice, c);
    if (cuts?.length !== 1 || cuts[0]!.axis !== axis || cuts[0]!.step !== 1) return null;
    const { start } = cuts[0]!;
    const size = c.shape(slice.inputs[0])?.[axis];
    const isInside = typeof size === 'number' ? start >= -size && start < size : start >= 0;
    if (c.shape(input)![axis] !== 1 || !isInside) return 'the cut may be empty';
    if (!c.isOnlyFor(input, node)) return 'the cut has another reader';
    return () => {
      const scalar = constantOfTensor(new Tensor('int64', [BigInt(start)], []));
      const index = c.addConstant(node.graph, `${node.outputs[0]!.name}_index`, scalar);
      const attributes = [['axis', { type: 'int', value: axis }]] as const;
      c.take(node, { op: 'Gather', inputs: [slice.inputs[0]!, index], attributes });
    };
  },
};
