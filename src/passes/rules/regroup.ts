import type { Dim } from '../../core/shape.ts';
import type { Node, Value } from '../../ir/graph.ts';
import type { Attribute } from '../../ir/types.ts';
import type { Found, Rule } from '../rule.ts';
import { type RuleContext, withShape } from '../rule-context.ts';
import { type Factor, type Regrouping, regrouping } from './axis-factors.ts';
import { permOf, sameOrder } from './reshape.ts';

/** Reshape, Transpose and Reshape that spell out one operator. As one, it has a form for each layout of images: three
 *  would hold the layout where they stand. */

/** What they are made into: a list of nodes, the first of which reads the source. */
type Step =
  | { op: 'Gather'; axis: number; indices: number[] }
  | { op: 'DepthToSpace'; blocksize: number; mode: 'DCR' | 'CRD' }
  | { op: 'SpaceToDepth'; blocksize: number };

/** Longest axis whose elements are listed. */
const maxIndices = 1 << 16;

const numberOf = (dim: Dim): number => (typeof dim === 'number' ? dim : 0);

/** Where each element of an axis comes from when its parts change places; null where that is no short list.
 *  @param parts  as they are, @param order  as they shall be */
function shuffled(parts: readonly Factor[], order: readonly Factor[]): number[] | null {
  const steps = new Map<Factor, number>();
  let length = 1;
  for (const factor of parts.toReversed()) {
    steps.set(factor, length);
    length *= numberOf(factor.size);
  }
  if (length === 0 || length > maxIndices) return null;
  let indices = [0];
  for (const factor of order) {
    const step = steps.get(factor)!;
    const size = numberOf(factor.size);
    indices = indices.flatMap((base) => Array.from({ length: size }, (_, i) => base + i * step));
  }
  return indices;
}

const isInOrder = (parts: readonly Factor[], order: readonly Factor[]): boolean =>
  parts.every((factor, index) => factor === order[index]);

/** Parts of one axis change places among themselves. */
function alongOneAxis({ before, after }: Regrouping, rank: number): Step[] | null {
  const steps: Step[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const parts = before.filter(({ from }) => from === axis);
    const order = after.filter(({ to }) => to === axis);
    if (parts.length !== order.length || parts.some(({ to }) => to !== axis)) return null;
    if (isInOrder(parts, order)) continue;
    const indices = shuffled(parts, order);
    if (indices === null) return null;
    steps.push({ op: 'Gather', axis, indices });
  }
  return steps.length === 1 ? steps : null;
}

/** Blocks of rows and columns that change between the channels and space of [N, C, H, W]. */
interface Blocks {
  size: number;
  rows: Factor;
  columns: Factor;
}

/** @param many  the side on which a spatial axis has a part for the block besides its own */
function blocksOf(many: readonly Factor[], side: 'from' | 'to'): Blocks | null {
  const other = side === 'from' ? 'to' : 'from';
  const found = [2, 3].map((axis) => {
    const parts = many.filter((factor) => factor[side] === axis);
    const block = parts.at(-1);
    if (parts.length > 2 || block?.[other] !== 1) return null;
    return parts.length === 1 || parts[0]![other] === axis ? block : null;
  });
  const [rows, columns] = found;
  if (rows == null || columns == null || rows.size !== columns.size) return null;
  return typeof rows.size === 'number' ? { size: rows.size, rows, columns } : null;
}

const staysWhole = (list: readonly Factor[], axis: number): boolean =>
  list.every(({ from, to }) => (from === axis) === (to === axis));

function depthToSpace({ before, after }: Regrouping): Step[] | null {
  const blocks = blocksOf(after, 'to');
  const depth = before.filter(({ from }) => from === 1);
  const rest = after.filter(({ to }) => to === 1);
  if (blocks === null || depth.length !== rest.length + 2 || !staysWhole(before, 0)) return null;
  const { size, rows, columns } = blocks;
  if (isInOrder(depth, [rows, columns, ...rest]))
    return [{ op: 'DepthToSpace', blocksize: size, mode: 'DCR' }];
  if (isInOrder(depth, [...rest, rows, columns]))
    return [{ op: 'DepthToSpace', blocksize: size, mode: 'CRD' }];
  const indices = shuffled(depth, [rows, columns, ...rest]);
  if (indices === null) return null;
  return [
    { op: 'Gather', axis: 1, indices },
    { op: 'DepthToSpace', blocksize: size, mode: 'DCR' },
  ];
}

function spaceToDepth({ before, after }: Regrouping): Step[] | null {
  const blocks = blocksOf(before, 'from');
  const rest = before.filter(({ from }) => from === 1);
  const depth = after.filter(({ to }) => to === 1);
  if (blocks === null || depth.length !== rest.length + 2 || !staysWhole(before, 0)) return null;
  const { size, rows, columns } = blocks;
  const made = [rows, columns, ...rest];
  const step: Step = { op: 'SpaceToDepth', blocksize: size };
  if (isInOrder(made, depth)) return [step];
  const indices = shuffled(made, depth);
  return indices === null ? null : [step, { op: 'Gather', axis: 1, indices }];
}

function stepsOf(found: Regrouping, rank: number): Step[] | null {
  const steps = alongOneAxis(found, rank);
  if (steps !== null || rank !== 4) return steps;
  return depthToSpace(found) ?? spaceToDepth(found);
}

function attributesOf(step: Step): [string, Attribute][] {
  if (step.op === 'Gather') return [['axis', { type: 'int', value: step.axis }]];
  const blocksize: [string, Attribute] = ['blocksize', { type: 'int', value: step.blocksize }];
  if (step.op === 'SpaceToDepth' || step.mode === 'DCR') return [blocksize];
  return [blocksize, ['mode', { type: 'string', value: step.mode }]];
}

function write(node: Node, c: RuleContext, source: Value, steps: readonly Step[]): void {
  const [output] = node.outputs as [Value];
  let value = source;
  steps.forEach((step, index) => {
    const inputs = [value];
    if (step.op === 'Gather')
      inputs.push(c.addInts(node.graph, `${output.name}_order`, step.indices));
    const spec = { op: step.op, inputs, attributes: attributesOf(step) };
    if (index === steps.length - 1) c.take(node, spec);
    else {
      // Between a shuffle and a move between channels and space there is the form with all channels.
      const shape = step.op === 'Gather' ? c.shape(source) : c.shape(output);
      value = c.insert(node, spec, `${output.name}_${step.op}`, withShape(source, shape));
    }
  });
}

/** Channels that are shuffled (Gather), pixels that are (DepthToSpace, SpaceToDepth), in whatever order of channels. */
export const regroupedAxes: Rule = {
  name: 'regrouped-axes',
  reason: 'it is what Reshape, Transpose and Reshape spell out',
  roots: ['Reshape', 'Flatten'],
  find: (node, c): Found => {
    const turn = c.producer(node.inputs[0], 'Transpose');
    const split = c.producer(turn?.inputs[0], ...sameOrder);
    const source = split?.inputs[0];
    if (turn === null || split === null || source == null) return null;
    const perm = permOf(turn, c);
    const [before, after] = [c.shape(source), c.shape(node.outputs[0])];
    if (perm === null || before === null || before.length !== after?.length) return null;
    const found = regrouping(before, c.shape(split.outputs[0]), perm, after);
    const steps = found === null ? null : stepsOf(found, before.length);
    if (steps === null) return null;
    if (!c.isOnlyFor(split.outputs[0]!, turn) || !c.isOnlyFor(turn.outputs[0]!, node))
      return 'what is between has another reader';
    if (source.quantization !== null || node.outputs[0]!.quantization !== null)
      return 'an end of the chain is quantized';
    const isCrd = steps.some((step) => step.op === 'DepthToSpace' && step.mode === 'CRD');
    if (isCrd && c.opset < 11) return 'DepthToSpace has the order CRD from operator set 11 on';
    return () => write(node, c, source, steps);
  },
};
