import { productOfDims } from '../core/dim.ts';
import type { Dim, Shape } from '../core/shape.ts';
import type { InferContext, Op, OutputInfo } from './op.ts';
import {
  axisOf,
  invalid,
  numbersOf,
  replaceDim,
  sameAsFirst,
  scalarOf,
  tensor,
  unknownDims,
  withRank,
} from './rules.ts';

/** Elements picked, put or found by index. */

function gatherRule(c: InferContext): OutputInfo[] {
  const data = withRank(c, 0, 1, Infinity);
  const indices = c.shape(1);
  const dtype = c.dtype(0);
  if (data === null) return [tensor(dtype, null)];
  const axis = axisOf(c, c.attributes.int('axis'), data.length);
  if (indices === null) return [tensor(dtype, null)];
  const dims = [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)];
  const values = data.length === 1 && indices.length <= 1 ? gatheredValues(c) : null;
  return [tensor(dtype, dims, values)];
}

function gatheredValues(c: InferContext): readonly Dim[] | null {
  const values = c.values(0);
  const indices = numbersOf(c, 1);
  if (values === null || indices === null) return null;
  return indices.map((index) => {
    const at = index < 0 ? index + values.length : index;
    if (at < 0 || at >= values.length)
      throw invalid(c, 'E_SHAPE_INDEX', `index ${index} is outside of ${values.length} elements`);
    return values[at]!;
  });
}

function gatherNDRule(c: InferContext): OutputInfo[] {
  const data = withRank(c, 0, 1, Infinity);
  const indices = withRank(c, 1, 1, Infinity);
  const depth = indices?.at(-1);
  if (data === null || indices === null || typeof depth !== 'number')
    return [tensor(c.dtype(0), null)];
  const kept = c.attributes.int('batch_dims') + depth;
  if (kept > data.length)
    throw invalid(c, 'E_SHAPE_RANK', `indices go ${kept} axes deep into rank ${data.length}`);
  return [tensor(c.dtype(0), [...indices.slice(0, -1), ...data.slice(kept)])];
}

function gatherElementsRule(c: InferContext): OutputInfo[] {
  const data = c.shape(0);
  const indices = c.shape(1);
  if (data !== null) {
    axisOf(c, c.attributes.int('axis'), data.length);
    if (indices !== null && indices.length !== data.length)
      throw invalid(c, 'E_SHAPE_RANK', `ranks ${data.length} and ${indices.length} differ`);
  }
  return [tensor(c.dtype(0), indices ?? unknownDims(data?.length ?? null))];
}

function axisCheckedSame(c: InferContext): OutputInfo[] {
  const data = c.shape(0);
  if (data !== null) axisOf(c, c.attributes.int('axis'), data.length);
  return sameAsFirst(c);
}

function topKRule(c: InferContext): OutputInfo[] {
  const shape = c.shape(0);
  if (shape === null) return [tensor(c.dtype(0), null), tensor('int64', null)];
  const axis = axisOf(c, c.attributes.int('axis'), shape.length);
  const k = scalarOf(c, 1);
  const size = shape[axis]!;
  const isTooMany = typeof k === 'number' && typeof size === 'number' && k > size;
  if (isTooMany || (typeof k === 'number' && k < 0))
    throw invalid(c, 'E_SHAPE_TOPK', `k = ${k} of ${size} elements`);
  const dims = replaceDim(shape, axis, k);
  return [tensor(c.dtype(0), dims), tensor('int64', dims)];
}

function oneHotRule(c: InferContext): OutputInfo[] {
  const indices = c.shape(0);
  if (indices === null) return [tensor(c.dtype(2), null)];
  const axis = axisOf(c, c.attributes.int('axis'), indices.length + 1);
  const depth = scalarOf(c, 1);
  return [tensor(c.dtype(2), [...indices.slice(0, axis), depth, ...indices.slice(axis)])];
}

function uniqueRule(c: InferContext): OutputInfo[] {
  const shape = c.shape(0);
  const dtype = c.dtype(0);
  const hasAxis = c.attributes.has('axis');
  const counts = tensor('int64', [null]);
  let first: Shape = [null];
  let inverse: Dim = shape === null ? null : productOfDims(shape);
  if (hasAxis) {
    first = null;
    if (shape !== null) {
      const axis = axisOf(c, c.attributes.int('axis'), shape.length);
      first = replaceDim(shape, axis, null);
      inverse = shape[axis]!;
    }
  }
  return [tensor(dtype, first), counts, tensor('int64', [inverse]), counts];
}

function compressRule(c: InferContext): OutputInfo[] {
  const shape = c.shape(0);
  if (!c.attributes.has('axis')) return [tensor(c.dtype(0), [null])];
  if (shape === null) return [tensor(c.dtype(0), null)];
  const axis = axisOf(c, c.attributes.int('axis'), shape.length);
  return [tensor(c.dtype(0), replaceDim(shape, axis, null))];
}

function triluRule(c: InferContext): OutputInfo[] {
  withRank(c, 0, 2, Infinity);
  return sameAsFirst(c);
}

function scatterNDRule(c: InferContext): OutputInfo[] {
  const data = c.shape(0);
  const depth = withRank(c, 1, 1, Infinity)?.at(-1);
  if (data !== null && typeof depth === 'number' && depth > data.length)
    throw invalid(c, 'E_SHAPE_RANK', `indices go ${depth} axes deep into rank ${data.length}`);
  return sameAsFirst(c);
}

function tensorScatterRule(c: InferContext): OutputInfo[] {
  const cache = c.shape(0);
  const update = c.shape(1);
  if (cache !== null && update !== null && cache.length !== update.length)
    throw invalid(c, 'E_SHAPE_RANK', `ranks ${cache.length} and ${update.length} differ`);

  return [tensor(c.dtype(0), cache ?? unknownDims(update?.length ?? null))];
}

const axis = (value: number) => ({ axis: { kind: 'int', default: value } }) as const;
const reductions = {
  reduction: {
    kind: 'string',
    default: 'none',
    oneOf: ['none', 'add', 'mul', 'max', 'min'],
  },
} as const;

export const gatherOps: readonly Op[] = [
  { name: 'Gather', inputs: [2, 2], outputs: [1, 1], attributes: axis(0), infer: gatherRule },
  {
    name: 'GatherElements',
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: axis(0),
    infer: gatherElementsRule,
  },
  {
    name: 'GatherND',
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: { batch_dims: { kind: 'int', default: 0, min: 0 } },
    infer: gatherNDRule,
  },
  {
    name: 'ScatterElements',
    inputs: [3, 3],
    outputs: [1, 1],
    attributes: { ...axis(0), ...reductions },
    infer: axisCheckedSame,
  },
  {
    name: 'ScatterND',
    inputs: [3, 3],
    outputs: [1, 1],
    attributes: reductions,
    infer: scatterNDRule,
  },
  {
    name: 'TensorScatter',
    inputs: [2, 3],
    outputs: [1, 1],
    attributes: {
      ...axis(-2),
      mode: { kind: 'string', default: 'linear', oneOf: ['linear', 'circular'] },
    },
    infer: tensorScatterRule,
  },
  {
    name: 'TopK',
    inputs: [2, 2],
    outputs: [2, 2],
    attributes: {
      ...axis(-1),
      largest: { kind: 'int', default: 1 },
      sorted: { kind: 'int', default: 1 },
    },
    infer: topKRule,
  },
  { name: 'OneHot', inputs: [3, 3], outputs: [1, 1], attributes: axis(-1), infer: oneHotRule },
  {
    name: 'Unique',
    inputs: [1, 1],
    outputs: [1, 4],
    attributes: { axis: { kind: 'int' }, sorted: { kind: 'int', default: 1 } },
    infer: uniqueRule,
  },
  {
    name: 'Compress',
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: { axis: { kind: 'int' } },
    infer: compressRule,
  },
  {
    name: 'NonZero',
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: {},
    infer: (c) => [tensor('int64', [c.shape(0)?.length ?? null, null])],
  },
  {
    name: 'Trilu',
    inputs: [1, 2],
    outputs: [1, 1],
    attributes: { upper: { kind: 'int', default: 1 } },
    infer: triluRule,
  },
  ...['CumSum', 'CumProd'].map(
    (name): Op => ({
      name,
      inputs: [2, 2],
      outputs: [1, 1],
      attributes: {
        exclusive: { kind: 'int', default: 0 },
        reverse: { kind: 'int', default: 0 },
      },
      infer: sameAsFirst,
    }),
  ),
  {
    name: 'ReverseSequence',
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: {
      batch_axis: { kind: 'int', default: 1 },
      time_axis: { kind: 'int', default: 0 },
    },
    infer: sameAsFirst,
  },
];
