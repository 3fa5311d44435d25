import type { DType } from '../../../core/dtype.ts';
import { int64Constant } from '../../../ir/constant.ts';
import type { Attribute } from '../../../ir/types.ts';
import {
  type AdaptContext,
  type Adapter,
  cannotAdapt,
  changed,
  type Form,
  intOf,
  makeForm,
  stringOf,
  withAttribute,
} from '../../../ops/form.ts';

/** Edges where the same node would mean something else. */
export const meaningRows: readonly Adapter[] = [
  { op: 'Dropout', since: 10, up: booleanMask },
  { op: 'Scatter', since: 11, up: (form) => [changed(form, { op: 'ScatterElements' })] },
  coercedRow('Softmax'),
  coercedRow('LogSoftmax'),
  coercedRow('Hardmax'),
  { op: 'BatchNormalization', since: 14, up: trainingMode },
  {
    op: 'RoiAlign',
    since: 16,
    // The default moved to half_pixel.
    up: (form) => {
      const mode = { type: 'string', value: 'output_half_pixel' } as const;
      const name = 'coordinate_transformation_mode';
      return [changed(form, { attributes: withAttribute(form.attributes, name, mode) })];
    },
  },
  {
    op: 'GridSample',
    since: 20,
    up: (form) => {
      const renamed = { bilinear: 'linear', bicubic: 'cubic' } as const;
      const mode = stringOf(form, 'mode');
      if (mode !== 'bilinear' && mode !== 'bicubic') return [form];
      const value = { type: 'string', value: renamed[mode] } as const;
      return [changed(form, { attributes: withAttribute(form.attributes, 'mode', value) })];
    },
  },
  { op: 'GroupNormalization', since: 21, up: channelScales },
];

/** The mask had the type of the data. */
function booleanMask<T>(form: Form<T>, context: AdaptContext<T>): Form<T>[] {
  const [y, mask] = form.outputs;
  const x = form.inputs[0];
  if (y === undefined || mask === undefined || context.isUsed?.(mask) === false) return [form];
  const to = floatTypes[(x == null ? null : context.dtype?.(x)) ?? 'float32'] ?? 1;
  const flags = context.fresh('mask');
  return [
    changed(form, { outputs: [y, flags] }),
    makeForm('Cast', [flags], [mask], { to: { type: 'int', value: to } }),
  ];
}

/** TensorProto.DataType of the types that Dropout took. */
const floatTypes: Partial<Record<DType, number>> = { float32: 1, float16: 10, float64: 11 };

/** Before opset 13 the axes from `axis` on were taken as one, so the sum ran over all of them. */
function coercedRow(op: string): Adapter {
  return {
    op,
    since: 13,
    up: (form, context) => {
      const [x] = form.inputs;
      const [y] = form.outputs;
      if (x == null || y === undefined) return [form];
      const axis = intOf(form, 'axis') ?? 1;
      const rank = context.rank(x);
      const last: Attribute = { type: 'int', value: -1 };
      const attributes = withAttribute(form.attributes, 'axis', last);
      if (axis === -1) return [form];
      if (rank !== null && axis === rank - 1) return [changed(form, { attributes })];
      const flat = context.fresh('flat');
      const result = context.fresh('result');
      const shape = context.fresh('shape');
      return [
        makeForm('Shape', [x], [shape]),
        makeForm('Flatten', [x], [flat], { axis: { type: 'int', value: axis } }),
        changed(form, { attributes, inputs: [flat], outputs: [result] }),
        makeForm('Reshape', [result, shape], [y]),
      ];
    },
  };
}

/** More than one output meant training; now an attribute says it, and batch statistics are not given out. */
function trainingMode<T>(form: Form<T>, context: AdaptContext<T>): Form<T>[] {
  const used = form.outputs.filter(
    (value, index) => index === 0 || context.isUsed?.(value) !== false,
  );
  if (used.length <= 1) {
    return form.outputs.length <= 1 ? [form] : [changed(form, { outputs: used })];
  }
  if (form.outputs.slice(3).some((value) => context.isUsed?.(value) !== false)) {
    throw cannotAdapt(
      form,
      14,
      'it gives out the statistics of the batch',
      're-export the model in inference mode',
    );
  }
  const training: Attribute = { type: 'int', value: 1 };
  return [
    changed(form, {
      attributes: withAttribute(form.attributes, 'training_mode', training),
      outputs: form.outputs.slice(0, 3),
    }),
  ];
}

/** Scale and bias were one per group, now one per channel: each is repeated channels / groups times. */
function channelScales<T>(form: Form<T>, context: AdaptContext<T>): Form<T>[] {
  const [x, scale, bias] = form.inputs;
  const groups = intOf(form, 'num_groups');
  if (x == null || scale == null || bias == null || groups === null) return [form];
  const channels = context.fresh('channels');
  const perGroup = context.fresh('per_group');
  const shape = context.fresh('shape');
  const groupCount = context.constant(int64Constant([groups]), 'groups');
  const last = context.constant(int64Constant([1]), 'axis');
  const flat = context.constant(int64Constant([-1]), 'flat');
  const forms: Form<T>[] = [
    makeForm('Shape', [x], [channels], {
      start: { type: 'int', value: 1 },
      end: { type: 'int', value: 2 },
    }),
    makeForm('Div', [channels, groupCount], [perGroup]),
    makeForm('Concat', [groupCount, perGroup], [shape], { axis: { type: 'int', value: 0 } }),
  ];
  const repeated = [scale, bias].map((value, index) => {
    const hint = index === 0 ? 'scale' : 'bias';
    const column = context.fresh(hint);
    const wide = context.fresh(hint);
    const result = context.fresh(hint);
    forms.push(
      makeForm('Unsqueeze', [value, last], [column]),
      makeForm('Expand', [column, shape], [wide]),
      makeForm('Reshape', [wide, flat], [result]),
    );
    return result;
  });
  forms.push(changed(form, { inputs: [x, ...repeated] }));
  return forms;
}
