import { bytesOf } from '../../../core/tensor.ts';
import { type Constant, constantOf, int64Constant } from '../../../ir/constant.ts';
import {
  type AdaptContext,
  type Adapter,
  changed,
  type Form,
  floatOf,
  intOf,
  intsOf,
  stringOf,
  withAttribute,
  withInput,
  without,
} from '../../../ops/form.ts';
import { floatConstant } from '../../../ops/form-constants.ts';

/** Attributes that became inputs. */
export const attributeInputRows: readonly Adapter[] = [
  axesRow('ReduceSum', 13),
  axesRow('Squeeze', 13),
  axesRow('Unsqueeze', 13),
  ...[
    'ReduceL1',
    'ReduceL2',
    'ReduceLogSum',
    'ReduceLogSumExp',
    'ReduceMax',
    'ReduceMean',
    'ReduceMin',
    'ReduceProd',
    'ReduceSumSquare',
  ].map((op) => axesRow(op, 18)),
  {
    op: 'Reshape',
    since: 5,
    up: (form, context) => {
      const attributes = without(form.attributes, ['shape', 'consumed_inputs']);
      const shape = intsOf(form, 'shape') ?? [];
      if (form.inputs.length > 1) return [form];
      const value = context.constant(int64Constant(shape), 'shape');
      return [changed(form, { attributes, inputs: withInput(form.inputs, 1, value) })];
    },
  },
  {
    op: 'Slice',
    since: 10,
    up: (form, context) => {
      const starts = intsOf(form, 'starts');
      const ends = intsOf(form, 'ends');
      if (starts === null || ends === null) return [form];
      const axes = intsOf(form, 'axes');
      const inputs: (typeof form.inputs)[number][] = [
        form.inputs[0] ?? null,
        context.constant(int64Constant(starts), 'starts'),
        context.constant(int64Constant(ends), 'ends'),
      ];
      if (axes !== null && axes.length > 0)
        inputs.push(context.constant(int64Constant(axes), 'axes'));
      const attributes = without(form.attributes, ['starts', 'ends', 'axes']);
      return [changed(form, { attributes, inputs })];
    },
  },
  {
    op: 'TopK',
    since: 10,
    up: (form, context) => {
      const k = form.attributes.get('k');
      if (k?.type !== 'int') return [form];
      const value = context.constant(int64Constant([k.value]), 'k');
      const attributes = without(form.attributes, ['k']);
      return [changed(form, { attributes, inputs: withInput(form.inputs, 1, value) })];
    },
  },
  { op: 'Clip', since: 11, up: clipBounds },
  { op: 'Pad', since: 11, up: padInputs },
  { op: 'Dropout', since: 12, up: dropoutRatio },
  {
    op: 'Split',
    since: 13,
    up: (form, context) => {
      const split = intsOf(form, 'split');
      const attributes = without(form.attributes, ['split']);
      if (attributes === form.attributes) return [form];
      if (split === null || split.length === 0) return [changed(form, { attributes })];
      const value = context.constant(int64Constant(split), 'split');
      return [changed(form, { attributes, inputs: withInput(form.inputs, 1, value) })];
    },
  },
  {
    op: 'Split',
    since: 18,
    up: (form) => {
      if (form.inputs[1] != null || form.attributes.has('num_outputs')) return [form];
      const count = { type: 'int', value: form.outputs.length } as const;
      return [changed(form, { attributes: withAttribute(form.attributes, 'num_outputs', count) })];
    },
  },
  {
    op: 'DFT',
    since: 20,
    up: (form, context) => {
      // The default moved from 1 to -2: it has to be said in either case.
      const axis = int64Constant([intOf(form, 'axis') ?? 1], []);
      return [
        changed(form, {
          attributes: without(form.attributes, ['axis']),
          inputs: withInput(form.inputs, 2, context.constant(axis, 'axis')),
        }),
      ];
    },
  },
];

/** An empty list meant all axes, as does an absent input. */
function axesRow(op: string, since: number): Adapter {
  return {
    op,
    since,
    up: (form, context) => {
      const axes = intsOf(form, 'axes');
      const attributes = without(form.attributes, ['axes']);
      if (attributes === form.attributes) return [form];
      const keep = axes !== null && (axes.length > 0 || op === 'Unsqueeze');
      if (!keep) return [changed(form, { attributes })];
      const value = context.constant(int64Constant(axes), 'axes');
      return [changed(form, { attributes, inputs: withInput(form.inputs, 1, value) })];
    },
  };
}

function clipBounds<T>(form: Form<T>, context: AdaptContext<T>): Form<T>[] {
  const attributes = without(form.attributes, ['min', 'max']);
  if (attributes === form.attributes) return [form];
  const x = form.inputs[0] ?? null;
  const bound = (name: string): T | null => {
    const value = floatOf(form, name);
    if (value === null) return null;
    return context.constant(floatConstant(context, x, [value], []), name);
  };
  const inputs = withInput(withInput([x], 1, bound('min')), 2, bound('max'));
  return [changed(form, { attributes, inputs })];
}

function padInputs<T>(form: Form<T>, context: AdaptContext<T>): Form<T>[] {
  const pads = intsOf(form, 'pads');
  if (pads === null) return [form];
  const x = form.inputs[0] ?? null;
  const value = floatOf(form, 'value') ?? 0;
  let inputs: (T | null)[] = [x, context.constant(int64Constant(pads), 'pads')];
  if (value !== 0 && (stringOf(form, 'mode') ?? 'constant') === 'constant') {
    const fill = context.constant(floatConstant(context, x, [value], []), 'value');
    inputs = withInput(inputs, 2, fill);
  }
  return [changed(form, { attributes: without(form.attributes, ['pads', 'value']), inputs })];
}

function dropoutRatio<T>(form: Form<T>, context: AdaptContext<T>): Form<T>[] {
  const ratio = floatOf(form, 'ratio');
  const attributes = without(form.attributes, ['ratio']);
  if (ratio === null) return [form];
  const value = context.constant(float32Scalar(ratio), 'ratio');
  return [changed(form, { attributes, inputs: withInput(form.inputs, 1, value) })];
}

function float32Scalar(value: number): Constant {
  return constantOf('float32', [], bytesOf(Float32Array.of(value)));
}
