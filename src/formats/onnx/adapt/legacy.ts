import { dtypes } from '../../../core/dtype.ts';
import { int64Constant, smallValues } from '../../../ir/constant.ts';
import type { Attribute } from '../../../ir/types.ts';
import {
  type AdaptContext,
  type Adapter,
  cannotAdapt,
  changed,
  type Form,
  floatOf,
  intOf,
  makeForm,
  stringOf,
  withAttribute,
  without,
} from '../../../ops/form.ts';
import { floatConstant } from '../../../ops/form-constants.ts';

const olderExporter = 're-export the model with opset 7 or later';

/** Edges before opset 9, in files of 2017 and 2018. */
export const legacyRows: readonly Adapter[] = [
  ...[
    'Abs',
    'Add',
    'BatchNormalization',
    'Ceil',
    'Clip',
    'Div',
    'Dropout',
    'Elu',
    'Exp',
    'Floor',
    'HardSigmoid',
    'InstanceNormalization',
    'LeakyRelu',
    'Log',
    'Max',
    'Mean',
    'Min',
    'Mul',
    'Neg',
    'PRelu',
    'Reciprocal',
    'Relu',
    'Sigmoid',
    'Sqrt',
    'Sub',
    'Sum',
    'Tanh',
  ].map((op) => dropRow(op, 6, ['consumed_inputs'])),
  {
    op: 'Selu',
    since: 6,
    up: (form) => {
      const attributes = new Map(without(form.attributes, ['consumed_inputs']));
      if (!attributes.has('alpha')) attributes.set('alpha', { type: 'float', value: 1.6732 });
      if (!attributes.has('gamma')) attributes.set('gamma', { type: 'float', value: 1.0507 });
      return [changed(form, { attributes })];
    },
  },
  {
    op: 'Concat',
    since: 4,
    up: (form) => {
      if (form.attributes.has('axis')) return [form];
      const axis = { type: 'int', value: 1 } as const;
      return [changed(form, { attributes: withAttribute(form.attributes, 'axis', axis) })];
    },
  },
  {
    op: 'Pad',
    since: 2,
    up: (form) => {
      const pads = form.attributes.get('paddings');
      if (pads === undefined) return [form];
      const attributes = without(form.attributes, ['paddings']);
      return [changed(form, { attributes: withAttribute(attributes, 'pads', pads) })];
    },
  },
  { op: 'Split', since: 2, up: splitAttribute },
  integerNorm('LpPool'),
  integerNorm('GlobalLpPool'),
  {
    op: 'GRU',
    since: 3,
    up: (form) => {
      if (stringOf(form, 'direction') !== 'foward') return [form];
      const attributes = without(form.attributes, ['direction']);
      return [changed(form, { attributes })];
    },
  },
  // It only said whether Y is there; now an output that nobody names says it.
  dropRow('RNN', 7, ['output_sequence']),
  dropRow('GRU', 7, ['output_sequence']),
  dropRow('LSTM', 7, ['output_sequence']),
  { op: 'Cast', since: 6, up: castTo },
  { op: 'Tile', since: 6, up: tileRepeats },
  // Which mode a node is in shows in its outputs from opset 7 on.
  dropRow('Dropout', 7, ['is_test']),
  dropRow('BatchNormalization', 7, ['is_test']),
  { op: 'BatchNormalization', since: 9, up: spatialOnly },
  {
    op: 'Scan',
    since: 9,
    up: (form) => {
      throw cannotAdapt(
        form,
        9,
        'Scan of opset 8 runs over a batch axis that later versions lack',
        're-export the model with opset 9 or later',
      );
    },
  },
];

function dropRow(op: string, since: number, names: readonly string[]): Adapter {
  return {
    op,
    since,
    up: (form) => {
      const attributes = without(form.attributes, names);
      return attributes === form.attributes ? [form] : [changed(form, { attributes })];
    },
  };
}

/** `p` was a float. */
function integerNorm(op: string): Adapter {
  return {
    op,
    since: 2,
    up: (form) => {
      const p = form.attributes.get('p');
      if (p?.type !== 'float') return [form];
      if (!Number.isInteger(p.value))
        throw cannotAdapt(form, 2, `p = ${p.value} is not an integer`, olderExporter);
      const value = { type: 'int', value: p.value } as const;
      return [changed(form, { attributes: withAttribute(form.attributes, 'p', value) })];
    },
  };
}

/** In opset 1 sizes could also come as an input. */
function splitAttribute<T>(form: Form<T>, context: AdaptContext<T>): Form<T>[] {
  const split = form.inputs[1];
  if (split == null) return [form];
  const constant = context.constantOf(split);
  const values = constant === null ? null : smallValues(constant);
  if (values === null)
    throw cannotAdapt(form, 2, 'its sizes are computed by the model', olderExporter);
  const sizes: Attribute = { type: 'ints', value: values };
  return [
    changed(form, {
      attributes: withAttribute(form.attributes, 'split', sizes),
      inputs: form.inputs.slice(0, 1),
    }),
  ];
}

/** TensorProto.DataType numbers by the names that `to` had. */
const dataTypes: readonly string[] = [
  'UNDEFINED',
  'FLOAT',
  'UINT8',
  'INT8',
  'UINT16',
  'INT16',
  'INT32',
  'INT64',
  'STRING',
  'BOOL',
  'FLOAT16',
  'DOUBLE',
  'UINT32',
  'UINT64',
  'COMPLEX64',
  'COMPLEX128',
];

function castTo<T>(form: Form<T>): Form<T>[] {
  const to = stringOf(form, 'to');
  if (to === null) return [form];
  const number = dataTypes.indexOf(to.toUpperCase());
  if (number <= 0) throw cannotAdapt(form, 6, `it casts to "${to}"`, olderExporter);
  const attribute = { type: 'int', value: number } as const;
  return [changed(form, { attributes: withAttribute(form.attributes, 'to', attribute) })];
}

/** `tiles` copies along one `axis` became one count per axis. */
function tileRepeats<T>(form: Form<T>, context: AdaptContext<T>): Form<T>[] {
  const [x, tiles, axis] = form.inputs;
  if (x == null || tiles == null || axis == null) return [form];
  const rank = context.rank(x);
  const scalar = (value: T): number | null => {
    const constant = context.constantOf(value);
    const values = constant === null ? null : smallValues(constant);
    return values?.length === 1 ? Number(values[0]) : null;
  };
  const count = scalar(tiles);
  const at = scalar(axis);
  if (rank === null || count === null || at === null || at < -rank || at >= rank) {
    throw cannotAdapt(
      form,
      6,
      'it needs constant tiles and axis and an input of known rank',
      olderExporter,
    );
  }
  const repeats = new Array<number>(rank).fill(1);
  repeats[at < 0 ? at + rank : at] = count;
  return [changed(form, { inputs: [x, context.constant(int64Constant(repeats), 'repeats')] })];
}

/** Statistics per element (spatial = 0) are plain arithmetic: their axes lie on the last ones of x. */
function spatialOnly<T>(form: Form<T>, context: AdaptContext<T>): Form<T>[] {
  const spatial = intOf(form, 'spatial') ?? 1;
  const attributes = without(form.attributes, ['spatial']);
  const [x, scale, bias, mean, variance] = form.inputs;
  if (spatial !== 0 || (x != null && context.rank(x) === 2)) return [changed(form, { attributes })];
  const y = form.outputs[0];
  const known = variance == null ? null : context.constantOf(variance)?.dtype;
  const dtype = known ?? (x == null ? null : context.dtype?.(x)) ?? null;
  const isFloat = dtype !== null && dtypes[dtype].kind === 'float';
  if (x == null || variance == null || y === undefined || form.outputs.length > 1 || !isFloat) {
    throw cannotAdapt(
      form,
      9,
      'spatial = 0 needs inference mode and a known element type',
      're-export the model with spatial = 1',
    );
  }
  const epsilon = floatConstant(context, variance, [floatOf(form, 'epsilon') ?? 1e-5], []);
  const value = (hint: string): T => context.fresh(hint);
  const [centered, safe, deviation, normal, scaled] = [
    value('centered'),
    value('variance'),
    value('deviation'),
    value('normal'),
    value('scaled'),
  ];
  return [
    makeForm('Sub', [x, mean ?? null], [centered]),
    makeForm('Add', [variance, context.constant(epsilon, 'epsilon')], [safe]),
    makeForm('Sqrt', [safe], [deviation]),
    makeForm('Div', [centered, deviation], [normal]),
    makeForm('Mul', [normal, scale ?? null], [scaled]),
    makeForm('Add', [scaled, bias ?? null], [y]),
  ];
}
