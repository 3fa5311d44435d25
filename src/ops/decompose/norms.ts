import { int64Constant } from '../../ir/constant.ts';
import { floatOf, intOf, intsOf } from '../form.ts';
import { floatConstant } from '../form-constants.ts';
import { type Decompose, Emit, float } from './emit.ts';

export const norms: Readonly<Record<string, Decompose>> = {
  LayerNormalization: (form, context) => {
    const [x, scale, bias] = form.inputs;
    const [y, mean, inverse] = form.outputs;
    if (x == null || y === undefined) return null;
    const rank = context.rank(x);
    // Statistics are in float32, whatever the data.
    if (rank === null || context.dtype?.(x) !== 'float32') return null;
    const axis = intOf(form, 'axis') ?? -1;
    const e = new Emit(context, x);
    const axes = context.constant(int64Constant(lastAxes(axis, rank)), 'axes');
    const average = e.other('ReduceMean', [x, axes]);
    const centered = e.node('Sub', [x, average]);
    const variance = e.other('ReduceMean', [e.node('Mul', [centered, centered]), axes]);
    const epsilon = e.scalar(floatOf(form, 'epsilon') ?? 1e-5);
    const deviation = e.other('Sqrt', [e.other('Add', [variance, epsilon])]);
    let result = e.node('Div', [centered, deviation]);
    if (scale != null) result = e.node('Mul', [result, scale]);
    if (bias != null) result = e.node('Add', [result, bias]);
    if (mean !== undefined && context.isUsed?.(mean) !== false)
      e.node('Identity', [average], {}, mean);
    if (inverse !== undefined && context.isUsed?.(inverse) !== false)
      e.node('Reciprocal', [deviation], {}, inverse);
    return e.end(y, 'Identity', [result]);
  },
  RMSNormalization: (form, context) => {
    const [x, scale] = form.inputs;
    if (x == null || scale == null) return null;
    const rank = context.rank(x);
    if (rank === null || context.dtype?.(x) !== 'float32') return null;
    const e = new Emit(context, x);
    const axes = context.constant(int64Constant(lastAxes(intOf(form, 'axis') ?? -1, rank)), 'axes');
    const power = e.other('ReduceMean', [e.node('Mul', [x, x]), axes]);
    const epsilon = e.scalar(floatOf(form, 'epsilon') ?? 1e-5);
    const root = e.other('Sqrt', [e.other('Add', [power, epsilon])]);
    return e.end(form.outputs[0]!, 'Mul', [e.node('Div', [x, root]), scale]);
  },
  MeanVarianceNormalization: (form, context) => {
    const x = form.inputs[0]!;
    const e = new Emit(context, x);
    const list = (intsOf(form, 'axes') ?? [0, 2, 3]).map(Number);
    const axes = context.constant(int64Constant(list), 'axes');
    const centered = e.node('Sub', [x, e.other('ReduceMean', [x, axes])]);
    const variance = e.other('ReduceMean', [e.node('Mul', [centered, centered]), axes]);
    const deviation = e.other('Add', [e.other('Sqrt', [variance]), e.scalar(1e-9)]);
    return e.end(form.outputs[0]!, 'Div', [centered, deviation]);
  },
  /** Instances of the groups as channels, then one scale for each real channel. */
  GroupNormalization: (form, context) => {
    const [x, scale, bias] = form.inputs;
    const groups = intOf(form, 'num_groups');
    if (x == null || scale == null || bias == null || groups === null) return null;
    const rank = context.rank(x);
    if (rank === null || rank < 2 || context.dtype?.(x) !== 'float32') return null;
    const e = new Emit(context, x);
    const fill = (value: number): ReturnType<typeof context.constant> =>
      context.constant(
        floatConstant(context, x, new Array<number>(groups).fill(value), [groups]),
        'fill',
      );
    const shape = e.other('Shape', [x], {}, 'int64');
    const flat = e.other('Reshape', [x, context.constant(int64Constant([0, groups, -1]), 'shape')]);
    const epsilon = { epsilon: float(floatOf(form, 'epsilon') ?? 1e-5) };
    const normal = e.other('InstanceNormalization', [flat, fill(1), fill(0)], epsilon);
    const back = e.node('Reshape', [normal, shape]);
    const list = [-1, ...new Array<number>(rank - 2).fill(1)];
    const column = context.constant(int64Constant(list), 'column');
    const wide = e.other('Reshape', [scale, column]);
    const offset = e.other('Reshape', [bias, column]);
    return e.end(form.outputs[0]!, 'Add', [e.node('Mul', [back, wide]), offset]);
  },
};

function lastAxes(axis: number, rank: number): number[] {
  const first = axis < 0 ? axis + rank : axis;
  return Array.from({ length: rank - first }, (_, index) => first + index);
}
