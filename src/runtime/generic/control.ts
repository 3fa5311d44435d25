import { Tensor } from '../../core/tensor.ts';
import type { Data } from '../data.ts';
import { pick, tensorOfIntegers, tensorOfTruths, withDims } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { aroundAxis, countOf } from './indexing.ts';
import { axisIn, invalid, optionalIntegersAt, scalarAt, tensorAt } from './operands.ts';
import { padded, part } from './slicing.ts';

/** Operators that run a graph. */

function runIf(c: EvaluateContext): readonly Data[] {
  return c.runBody(scalarAt(c, 0) === 0 ? 'else_branch' : 'then_branch', []);
}

/** What a body gave, item by item, along a new axis. */
export function stack(c: EvaluateContext, items: readonly Data[], axis: number): Tensor {
  const first = items[0];
  if (!(first instanceof Tensor)) throw invalid(c, 'E_LOOP_SCAN', 'nothing to join');
  const at = axisIn(c, axis, first.dims.length + 1);
  const joined = joinAlong(
    c,
    items.map((item) => {
      if (!(item instanceof Tensor)) throw invalid(c, 'E_LOOP_SCAN', 'items are no tensors');
      return withDims(item, [...item.dims.slice(0, at), 1, ...item.dims.slice(at)]);
    }),
    at,
  );
  return joined;
}

/** Tensors one after the other along an axis. */
export function joinAlong(c: EvaluateContext, tensors: readonly Tensor[], axis: number): Tensor {
  const [first] = tensors;
  if (first === undefined) throw invalid(c, 'E_OPERAND_KIND', 'nothing to join');
  const size = tensors.reduce((sum, { dims }) => sum + dims[axis]!, 0);
  const dims = first.dims.map((own, i) => (i === axis ? size : own));
  const fits = tensors.every(
    (tensor) =>
      tensor.type === first.type &&
      tensor.dims.length === dims.length &&
      tensor.dims.every((own, i) => i === axis || own === dims[i]),
  );
  if (!fits) throw invalid(c, 'E_SHAPE_MISMATCH', 'tensors to join differ in type or sizes');
  // All items in one row, then the places of each.
  const { outer, inner } = aroundAxis(dims, axis);
  const starts: number[] = [];
  let total = 0;
  for (const tensor of tensors) {
    starts.push(total);
    total += tensor.size;
  }
  const offsets = new Float64Array(countOf(dims));
  let to = 0;
  for (let o = 0; o < outer; o++) {
    tensors.forEach((tensor, index) => {
      const run = tensor.dims[axis]! * inner;
      for (let i = 0; i < run; i++) offsets[to++] = starts[index]! + o * run + i;
    });
  }
  return pick(flat(tensors), offsets, dims);
}

/** All elements in one row. */
function flat(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors as readonly [Tensor, ...Tensor[]];
  if (tensors.length === 1) return withDims(first, [first.size]);
  const size = tensors.reduce((sum, tensor) => sum + tensor.size, 0);
  if (Array.isArray(first.data))
    return new Tensor(
      'string',
      tensors.flatMap((tensor) => tensor.data as string[]),
      [size],
    );
  return concatenated(tensors, size);
}

function concatenated(tensors: readonly Tensor[], size: number): Tensor {
  const [first] = tensors as readonly [Tensor, ...Tensor[]];
  type Data1 = Float32Array<ArrayBuffer>;
  const length = tensors.reduce((sum, { data }) => sum + data.length, 0);
  const data = new (first.data.constructor as new (length: number) => Data1)(length);
  let at = 0;
  for (const tensor of tensors) {
    data.set(tensor.data as Data1, at);
    at += tensor.data.length;
  }
  return new Tensor(first.type, data, [size]);
}

/** Index `i` along an axis, without the axis. */
function sliceAt(tensor: Tensor, axis: number, i: number): Tensor {
  const { outer, inner } = aroundAxis(tensor.dims, axis);
  const size = tensor.dims[axis]!;
  const offsets = new Float64Array(outer * inner);
  for (let o = 0; o < outer; o++) {
    for (let j = 0; j < inner; j++) offsets[o * inner + j] = (o * size + i) * inner + j;
  }
  return pick(
    tensor,
    offsets,
    tensor.dims.filter((_, at) => at !== axis),
  );
}

function runLoop(c: EvaluateContext): readonly Data[] {
  const most = c.inputs[0] == null ? Number.POSITIVE_INFINITY : scalarAt(c, 0);
  let goesOn = c.inputs[1] == null || scalarAt(c, 1) !== 0;
  let carried = c.inputs.slice(2).map((data) => data ?? null);
  const scanned: Data[][] = c.node.outputs.slice(carried.length).map(() => []);
  for (let i = 0; i < most && goesOn; i++) {
    const feeds = [tensorOfIntegers([i], []), tensorOfTruths([goesOn], []), ...carried];
    const results = c.runBody('body', feeds);
    const [condition] = results;
    goesOn = condition instanceof Tensor && Number(condition.data[0]) !== 0;
    carried = results.slice(1, 1 + carried.length);
    results.slice(1 + carried.length).forEach((data, index) => {
      scanned[index]?.push(data);
    });
  }
  return [...carried, ...scanned.map((items, index) => stackOrEmpty(c, items, index))];
}

/** A loop that never ran gives no items: their sizes are those that the body declares, unknown ones being 0. */
function stackOrEmpty(c: EvaluateContext, items: readonly Data[], index: number): Tensor {
  if (items.length > 0) return stack(c, items, 0);
  const body = c.node.attributes.get('body');
  const carried = Math.max(0, c.inputs.length - 2);
  const type = body?.type === 'graph' ? body.value.outputs[1 + carried + index]?.type : null;
  const dims = type?.kind === 'tensor' ? (type.shape ?? []) : [];
  const sizes = dims.map((dim) => (typeof dim === 'number' ? dim : 0));
  const dtype = type?.kind === 'tensor' ? (type.dtype ?? 'float32') : 'float32';
  return new Tensor(dtype, [], [0, ...sizes]);
}

/** A tensor that a body gets slice by slice. */
interface Scanned {
  readonly data: Tensor;
  readonly axis: number;
  readonly isBackward: boolean;
}

/** The body once for each slice: what it carries at last, and what it gave for each, in order. */
function scan(
  c: EvaluateContext,
  states: readonly Data[],
  scanned: readonly Scanned[],
  length: number,
): { carried: readonly Data[]; results: readonly Data[][] } {
  let carried = states;
  const results: Data[][] = c.node.outputs.slice(states.length).map(() => []);
  for (let step = 0; step < length; step++) {
    const items = scanned.map(({ data, axis, isBackward }) =>
      sliceAt(data, axis, isBackward ? length - 1 - step : step),
    );
    const outputs = c.runBody('body', [...carried, ...items]);
    carried = outputs.slice(0, states.length);
    outputs.slice(states.length).forEach((data, index) => {
      results[index]?.push(data);
    });
  }
  return { carried, results };
}

function runScan(c: EvaluateContext): readonly Data[] {
  const count = c.attributes.int('num_scan_inputs');
  const states = c.inputs.length - count;
  const list = (name: string, i: number): number => c.attributes.ints(name)?.[i] ?? 0;
  const scanned = c.inputs.slice(states).map((data, i): Scanned => {
    if (!(data instanceof Tensor)) throw invalid(c, 'E_OPERAND_KIND', 'scans tensors only');
    const axis = axisIn(c, list('scan_input_axes', i), data.dims.length);
    return { data, axis, isBackward: list('scan_input_directions', i) === 1 };
  });
  const length = scanned[0]?.data.dims[scanned[0].axis] ?? 0;
  if (scanned.some(({ data, axis }) => data.dims[axis] !== length))
    throw invalid(c, 'E_SHAPE_MISMATCH', 'scanned axes have different lengths');
  const initial = c.inputs.slice(0, states).map((data) => data ?? null);
  const { carried, results } = scan(c, initial, scanned, length);
  return [
    ...carried,
    ...results.map((items, i) => {
      const inOrder = list('scan_output_directions', i) === 1 ? items.toReversed() : items;
      return stack(c, inOrder, list('scan_output_axes', i));
    }),
  ];
}

/** Scan as it was in operator set 8: each sequence of a batch for itself, as long as its own length; what lies behind
 *  it is 0. */
function runBatchedScan(c: EvaluateContext): readonly Data[] {
  const count = c.attributes.int('num_scan_inputs');
  const tensors = c.inputs.slice(1).map((_, index) => tensorAt(c, index + 1));
  const states = tensors.slice(0, tensors.length - count);
  const scanned = tensors.slice(tensors.length - count);
  const [batch, most] = (scanned[0]?.dims ?? []) as [number | undefined, number | undefined];
  const fits =
    tensors.every(({ dims }) => dims[0] === batch) && scanned.every(({ dims }) => dims[1] === most);
  if (batch === undefined || most === undefined || !fits)
    throw invalid(c, 'E_SHAPE_MISMATCH', 'sequences have different lengths');
  const lengths = optionalIntegersAt(c, 0);
  const outputs: Data[][] = c.node.outputs.map(() => []);
  for (let b = 0; b < batch; b++) {
    const length = lengths === undefined ? most : (lengths[b] ?? 0);
    if (length < 0 || length > most) throw invalid(c, 'E_SHAPE_RANGE', `a length of ${length}`);
    const { carried, results } = scan(
      c,
      states.map((state) => sliceAt(state, 0, b)),
      scanned.map((data, i) => ({
        data: part(sliceAt(data, 0, b), 0, 0, length),
        axis: 0,
        isBackward: c.attributes.ints('directions')?.[i] === 1,
      })),
      length,
    );
    const all = [
      ...carried,
      ...results.map((items) => {
        const own = stack(c, items, 0);
        const behind = own.dims.map((_, axis) => (axis === 0 ? most - length : 0));
        return padded(
          own,
          own.dims.map(() => 0),
          behind,
          'constant',
        );
      }),
    ];
    all.forEach((data, index) => {
      outputs[index]?.push(data);
    });
  }
  return outputs.map((items) => stack(c, items, 0));
}

/** The body on each element of the sequences; tensors are the same every time. */
function runSequenceMap(c: EvaluateContext): readonly Data[] {
  const [first] = c.inputs;
  if (!Array.isArray(first)) throw invalid(c, 'E_OPERAND_KIND', 'input 0 is no sequence');
  const results: Data[][] = c.node.outputs.map(() => []);
  first.forEach((_, index) => {
    const feeds = c.inputs.map((data) => (Array.isArray(data) ? data[index] : data) ?? null);
    c.runBody('body', feeds as Data[]).forEach((data, i) => {
      results[i]?.push(data);
    });
  });
  return results;
}

export const controlEvaluators: readonly Evaluator[] = [
  { op: 'If', evaluate: runIf },
  { op: 'Loop', evaluate: runLoop },
  { op: 'Scan', evaluate: runScan },
  { op: 'Scan', domain: 'ai.onnx.legacy', evaluate: runBatchedScan },
  { op: 'SequenceMap', evaluate: runSequenceMap },
];
