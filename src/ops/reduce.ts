import type { Dim } from '../core/shape.ts';
import type { AttributeSchema, InferContext, Op, OutputInfo } from './op.ts';
import { axesOf, axisOf, has, numbersOf, tensor, unknownDims } from './rules.ts';
import { addValues, maxValuesOf, minValues, multiplyValues, type ValueFunction } from './values.ts';

const flag = (value: number): AttributeSchema => ({ kind: 'int', default: value, min: 0, max: 1 });

function reduction(name: string, change: ValueFunction | null = null): Op {
  return {
    name,
    inputs: [1, 2],
    outputs: [1, 1],
    attributes: { keepdims: flag(1), noop_with_empty_axes: flag(0) },
    infer: (c) => [{ ...reduceRule(c), values: reducedValues(c, change) }],
  };
}

function reduceRule(c: InferContext): OutputInfo {
  const shape = c.shape(0);
  const dtype = c.dtype(0);
  const keep = c.attributes.int('keepdims') !== 0;
  if (shape === null) return tensor(dtype, null);
  const axes = has(c, 1) ? numbersOf(c, 1) : [];
  if (axes === null) {
    const isFull = !keep && c.shape(1)?.[0] === shape.length;
    return tensor(dtype, keep ? unknownDims(shape.length) : isFull ? [] : null);
  }
  if (axes.length === 0 && c.attributes.int('noop_with_empty_axes') !== 0)
    return tensor(dtype, shape);
  const all = shape.map((_, axis) => axis);
  const reduced = new Set(axes.length === 0 ? all : axesOf(c, axes, shape.length));
  return tensor(dtype, dropAxes(shape, reduced, keep));
}

function dropAxes(shape: readonly Dim[], reduced: ReadonlySet<number>, keep: boolean): Dim[] {
  if (keep) return shape.map((dim, axis) => (reduced.has(axis) ? 1 : dim));
  return shape.filter((_, axis) => !reduced.has(axis));
}

/** Of a whole vector: the product of a shape. */
function reducedValues(c: InferContext, change: ValueFunction | null): readonly Dim[] | null {
  const values = c.values(0);
  if (change === null || values === null || values.length === 0 || c.shape(0)?.length !== 1)
    return null;
  if (!has(c, 1) && c.attributes.int('noop_with_empty_axes') !== 0) return null;
  return [values.reduce((a, b) => change(a, b, c.dtype(0)))];
}

function argument(name: string): Op {
  return {
    name,
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: {
      axis: { kind: 'int', default: 0 },
      keepdims: flag(1),
      select_last_index: flag(0),
    },
    infer: (c) => {
      const shape = c.shape(0);
      if (shape === null) return [tensor('int64', null)];
      const axis = axisOf(c, c.attributes.int('axis'), shape.length);
      return [
        tensor('int64', dropAxes(shape, new Set([axis]), c.attributes.int('keepdims') !== 0)),
      ];
    },
  };
}

export const reduceOps: readonly Op[] = [
  argument('ArgMax'),
  argument('ArgMin'),
  reduction('ReduceL1'),
  reduction('ReduceL2'),
  reduction('ReduceLogSum'),
  reduction('ReduceLogSumExp'),
  reduction('ReduceMax', maxValuesOf),
  reduction('ReduceMean'),
  reduction('ReduceMin', minValues),
  reduction('ReduceProd', multiplyValues),
  reduction('ReduceSum', addValues),
  reduction('ReduceSumSquare'),
];
