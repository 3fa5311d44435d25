import { Tensor } from '../../core/tensor.ts';
import type { Data } from '../data.ts';
import { pick, tensorOfIntegers, tensorOfTruths, withDims } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { aroundAxis, countOf } from './indexing.ts';
import { axisIn, invalid, scalarAt } from './operands.ts';

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

function runScan(c: EvaluateContext): readonly Data[] {
  const count = c.attributes.int('num_scan_inputs');
  const states = c.inputs.length - count;
  const list = (name: string, i: number): number => c.attributes.ints(name)?.[i] ?? 0;
  const scanned = c.inputs.slice(states).map((data, i) => {
    if (!(data instanceof Tensor)) throw invalid(c, 'E_OPERAND_KIND', 'scans tensors only');
    return { data, axis: axisIn(c, list('scan_input_axes', i), data.dims.length) };
  });
  const length = scanned[0]?.data.dims[scanned[0].axis] ?? 0;
  if (scanned.some(({ data, axis }) => data.dims[axis] !== length))
    throw invalid(c, 'E_SHAPE_MISMATCH', 'scanned axes have different lengths');
  let carried = c.inputs.slice(0, states).map((data) => data ?? null);
  const results: Data[][] = c.node.outputs.slice(states).map(() => []);
  for (let step = 0; step < length; step++) {
    const items = scanned.map(({ data, axis }, i) => {
      const isBackward = list('scan_input_directions', i) === 1;
      return sliceAt(data, axis, isBackward ? length - 1 - step : step);
    });
    const outputs = c.runBody('body', [...carried, ...items]);
    carried = outputs.slice(0, states);
    outputs.slice(states).forEach((data, index) => {
      results[index]?.push(data);
    });
  }
  return [
    ...carried,
    ...results.map((items, i) => {
      const inOrder = list('scan_output_directions', i) === 1 ? items.toReversed() : items;
      return stack(c, inOrder, list('scan_output_axes', i));
    }),
  ];
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
  { op: 'SequenceMap', evaluate: runSequenceMap },
];
