import type { Dim, Shape } from '../core/shape.ts';
import { tensorType, type ValueType } from '../ir/types.ts';
import type { InferContext, Op, OutputInfo } from './op.ts';
import { axisOf, invalid, joinTypes, sameType, scalarOf, unknown } from './rules.ts';

/** Operators that run a graph. */

const body = { kind: 'graph', required: true } as const;

function ifRule(c: InferContext): OutputInfo[] {
  const thenTypes = c.inferBody('then_branch', []);
  const elseTypes = c.inferBody('else_branch', []);
  const condition = scalarOf(c, 0);
  return c.node.outputs.map((_, index) => {
    const [a, b] = [thenTypes[index] ?? null, elseTypes[index] ?? null];
    if (typeof condition === 'number') return { type: condition !== 0 ? a : b };
    return { type: joinTypes(a, b) };
  });
}

/** Types that a body keeps when it is run again and again: those of the start, weakened until the body gives
 *  back what it took.
 *  @param before  types of the inputs before the carried ones
 *  @param skip    outputs before the carried ones */
function carriedTypes(
  c: InferContext,
  before: readonly (ValueType | null)[],
  initial: readonly (ValueType | null)[],
  after: readonly (ValueType | null)[],
  skip: number,
): { carried: readonly (ValueType | null)[]; outputs: readonly (ValueType | null)[] } {
  let carried = c.frugal ? initial.map(weakest) : initial;
  for (let round = 0; ; round++) {
    const outputs = c.inferBody('body', [...before, ...carried, ...after]);
    const joined = carried.map((type, index) => joinTypes(type, outputs[skip + index] ?? null));
    const isStable = joined.every((type, index) => sameType(type, carried[index]!));
    if (isStable || round >= 3) return { carried: joined, outputs };
    // One size is forgotten per round at best, so the last round forgets everything.
    const isLast = round === 2 || c.frugal;
    carried = joined.map((type, index) =>
      isLast && !sameType(type, carried[index]!) ? weakest(type) : type,
    );
    if (isLast) round = 2;
  }
}

function weakest(type: ValueType | null): ValueType | null {
  return type?.kind === 'tensor' ? tensorType(type.dtype, null) : type;
}

function loopRule(c: InferContext): OutputInfo[] {
  const initial = c.node.inputs.slice(2).map((_, index) => c.type(index + 2));
  const counter = tensorType('int64', []);
  const { carried, outputs } = carriedTypes(c, [counter, tensorType('bool', [])], initial, [], 1);
  return c.node.outputs.map((_, index) => {
    if (index < carried.length) return { type: carried[index]! };
    return { type: insertAxis(outputs[index + 1] ?? null, 0, null) };
  });
}

/** The type with an axis more. */
function insertAxis(type: ValueType | null, axis: number, dim: Dim): ValueType | null {
  if (type?.kind !== 'tensor') return null;
  if (type.shape === null) return type;
  return tensorType(type.dtype, [...type.shape.slice(0, axis), dim, ...type.shape.slice(axis)]);
}

function scanRule(c: InferContext): OutputInfo[] {
  const scanned = c.attributes.int('num_scan_inputs');
  const states = c.node.inputs.length - scanned;
  if (states < 0)
    throw invalid(c, 'E_OP_ARITY', `${scanned} inputs to scan of ${c.node.inputs.length}`);
  const inputAxes = c.attributes.ints('scan_input_axes') ?? [];
  const outputAxes = c.attributes.ints('scan_output_axes') ?? [];
  let length: Dim = null;
  const slices = c.node.inputs.slice(states).map((_, index): ValueType | null => {
    const type = c.type(states + index);
    if (type?.kind !== 'tensor' || type.shape === null) return weakest(type);
    const axis = axisOf(c, inputAxes[index] ?? 0, type.shape.length);
    const size = type.shape[axis]!;
    if (length === null || typeof size === 'number') length = size;
    return tensorType(
      type.dtype,
      type.shape.filter((_, at) => at !== axis),
    );
  });
  const initial = c.node.inputs.slice(0, states).map((_, index) => c.type(index));
  const { carried, outputs } = carriedTypes(c, [], initial, slices, 0);
  return c.node.outputs.map((_, index) => {
    if (index < states) return { type: carried[index]! };
    const type = outputs[index] ?? null;
    const shape: Shape = type?.kind === 'tensor' ? type.shape : null;
    if (shape === null) return { type };
    const axis = axisOf(c, outputAxes[index - states] ?? 0, shape.length + 1);
    return { type: insertAxis(type, axis, length) };
  });
}

/** The body runs on one element of each sequence; tensors among the inputs are the same every time. */
function sequenceMapRule(c: InferContext): OutputInfo[] {
  const items = c.node.inputs.map((_, index) => {
    const type = c.type(index);
    return type?.kind === 'sequence' ? type.element : type;
  });
  const outputs = c.inferBody('body', items);
  return c.node.outputs.map((_, index) => ({
    type: { kind: 'sequence', element: weakest(outputs[index] ?? null) },
  }));
}

export const controlOps: readonly Op[] = [
  {
    name: 'If',
    inputs: [1, 1],
    outputs: [1, Infinity],
    attributes: { then_branch: body, else_branch: body },
    infer: ifRule,
  },
  {
    name: 'Loop',
    inputs: [2, Infinity],
    outputs: [1, Infinity],
    attributes: { body },
    infer: loopRule,
  },
  {
    name: 'Scan',
    inputs: [1, Infinity],
    outputs: [1, Infinity],
    attributes: {
      body,
      num_scan_inputs: { kind: 'int', required: true, min: 1 },
      scan_input_axes: { kind: 'ints' },
      scan_input_directions: { kind: 'ints', min: 0, max: 1 },
      scan_output_axes: { kind: 'ints' },
      scan_output_directions: { kind: 'ints', min: 0, max: 1 },
    },
    infer: scanRule,
  },
  {
    // Of operator set 8, which had a batch axis: lengths, states, sequences.
    name: 'Scan',
    domain: 'ai.onnx.legacy',
    inputs: [2, Infinity],
    outputs: [1, Infinity],
    attributes: {
      body,
      directions: { kind: 'ints', min: 0, max: 1 },
      num_scan_inputs: { kind: 'int', required: true, min: 1 },
    },
    infer: (c) => c.node.outputs.map(() => unknown),
  },
  {
    name: 'SequenceMap',
    inputs: [1, Infinity],
    outputs: [1, Infinity],
    attributes: { body },
    infer: sequenceMapRule,
  },
];
