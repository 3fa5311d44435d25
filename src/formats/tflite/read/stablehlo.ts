import { byteLengthOf } from '../../../core/dtype.ts';
import { constantOf, int64Constant } from '../../../ir/constant.ts';
import type { Value } from '../../../ir/graph.ts';
import { StablehloComparisonDirection as direction } from '../schema-table.ts';
import type { OperatorReader, Row } from './operator.ts';
import { countOf, rankOf, typeNumber, typeOf } from './values.ts';

/** Operators of StableHLO that ONNX has, without broadcasting: shapes are given. */

const plain =
  (op: string, onBool = op): Row =>
  (o) => {
    o.give(typeOf(o.input(0)).dtype === 'bool' ? onBool : op, o.inputs());
  };

const numbers = (list: BigInt64Array | undefined): number[] => Array.from(list ?? [], Number);

/** The sizes that the file says of an output. */
function sizesOf(o: OperatorReader): number[] {
  const output = o.output(0);
  const shape = output === null ? null : typeOf(output).shape;
  const sizes = shape?.filter((size) => typeof size === 'number');
  if (shape === null || sizes === undefined || sizes.length !== shape?.length)
    throw o.unsupported('an output of unknown sizes');
  return sizes;
}

function reshape(o: OperatorReader): void {
  o.give('Reshape', [o.input(0), o.ints('shape', sizesOf(o))], { allowzero: 1 });
}

function broadcastInDim(o: OperatorReader): void {
  const axes = numbers(o.options('StablehloBroadcastInDimOptions').broadcastDimensions);
  const sizes = sizesOf(o);
  const own = sizes.map((_, axis) => {
    const from = axes.indexOf(axis);
    return from < 0 ? 1 : o.size(0, from);
  });
  const spread = o.add('Reshape', [o.input(0), o.ints('axes', own)]);
  o.give('Expand', [spread, o.ints('shape', sizes)]);
}

function concatenate(o: OperatorReader): void {
  const { dimension } = o.options('StablehloConcatenateOptions');
  o.give('Concat', o.inputs(), { axis: Number(dimension) });
}

function slice(o: OperatorReader): void {
  const options = o.options('StablehloSliceOptions');
  const starts = numbers(options.startIndices);
  o.give('Slice', [
    o.input(0),
    o.ints('starts', starts),
    o.ints('ends', numbers(options.limitIndices)),
    o.ints('axes', [...starts.keys()]),
    o.ints('steps', numbers(options.strides)),
  ]);
}

/** Starts, one a scalar, moved so that the slice fits. */
function starts(o: OperatorReader, from: number, sizes: readonly number[]): Value {
  const list = o.ints('list', [1]);
  const parts = sizes.map((_, i) => o.add('Reshape', [o.cast(o.input(from + i), 'int64'), list]));
  const all = parts.length === 1 ? parts[0]! : o.add('Concat', parts, { axis: 0 });
  const room = o.ints(
    'room',
    sizes.map((size, axis) => o.size(0, axis) - size),
  );
  return o.add('Max', [o.add('Min', [all, room]), o.ints('zero', [0])]);
}

function dynamicSlice(o: OperatorReader): void {
  const sizes = numbers(o.options('StablehloDynamicSliceOptions').sliceSizes);
  const from = starts(o, 1, sizes);
  o.give('Slice', [o.input(0), from, o.add('Add', [from, o.ints('sizes', sizes)])]);
}

function clamp(o: OperatorReader): void {
  o.give('Min', [o.add('Max', [o.input(1), o.input(0)]), o.input(2)]);
}

function remainder(o: OperatorReader): void {
  o.give('Mod', [o.input(0), o.input(1)], { fmod: 1 });
}

function reciprocalRoot(o: OperatorReader): void {
  o.give('Reciprocal', [o.add('Sqrt', [o.input(0)])]);
}

const comparisons: readonly string[] = [
  'Equal',
  '',
  'GreaterOrEqual',
  'Greater',
  'LessOrEqual',
  'Less',
];

function compare(o: OperatorReader): void {
  const pair = [o.input(0), o.input(1)];
  const { comparisonDirection } = o.options('StablehloCompareOptions');
  const op = comparisons[comparisonDirection];
  if (comparisonDirection === direction.STABLEHLO_COMPARISON_DIRECTION_NE)
    o.give('Not', [o.add('Equal', pair)]);
  else if (op === undefined) throw o.unsupported(`the comparison ${comparisonDirection}`);
  else o.give(op, pair);
}

function convert(o: OperatorReader): void {
  const output = o.output(0);
  const dtype = output === null ? null : typeOf(output).dtype;
  if (dtype === null) throw o.unsupported('a type without numbers');
  o.give('Cast', [o.input(0)], { to: typeNumber(dtype) });
}

function pad(o: OperatorReader): void {
  const options = o.options('StablehloPadOptions');
  const [low, high] = [numbers(options.edgePaddingLow), numbers(options.edgePaddingHigh)];
  if (numbers(options.interiorPadding).some((size) => size !== 0))
    throw o.unsupported('padding between elements');
  o.give('Pad', [o.input(0), o.ints('pads', [...low, ...high]), o.input(1)]);
}

function iota(o: OperatorReader): void {
  const axis = Number(o.options('StablehloIotaOptions').iotaDimension);
  const sizes = sizesOf(o);
  const { dtype } = typeOf(o.output(0)!);
  if (dtype === null) throw o.unsupported('a type without numbers');
  const along = sizes.map((size, i) => (i === axis ? size : 1));
  const count = Array.from({ length: countOf(o, sizes[axis] ?? 0) }, (_, i) => i);
  const line = o.cast(o.constant('line', int64Constant(count, along)), dtype);
  o.give('Expand', [line, o.ints('shape', sizes)]);
}

function transpose(o: OperatorReader): void {
  const perm = numbers(o.options('StablehloTransposeOptions').permutation);
  o.give('Transpose', [o.input(0)], { perm });
}

/** Batch axes, what is left of the first operand, what is left of the second. */
function dotGeneral(o: OperatorReader): void {
  const options = o.options('StablehloDotGeneralOptions');
  const [a, b] = [o.input(0), o.input(1)];
  const [rankA, rankB] = [rankOf(o, a), rankOf(o, b)];
  let next = 97;
  const letter = (): string => String.fromCharCode(next++);
  const first = Array.from({ length: rankA }, letter);
  const second = new Array<string>(rankB).fill('');
  const pairUp = (left: readonly number[], right: readonly number[]): void => {
    right.forEach((axis, i) => {
      second[axis] = first[left[i]!]!;
    });
  };
  const batchA = numbers(options.lhsBatchingDimensions);
  const batchB = numbers(options.rhsBatchingDimensions);
  const innerA = numbers(options.lhsContractingDimensions);
  const innerB = numbers(options.rhsContractingDimensions);
  pairUp(batchA, batchB);
  pairUp(innerA, innerB);
  const spelled = second.map((name) => (name === '' ? letter() : name));
  const rest = (names: readonly string[], used: readonly number[]): string =>
    names.filter((_, axis) => !used.includes(axis)).join('');
  const batch = batchA.map((axis) => first[axis]!).join('');
  const left = rest(first, [...batchA, ...innerA]);
  const right = rest(spelled, [...batchB, ...innerB]);
  o.give('Einsum', [a, b], {
    equation: `${first.join('')},${spelled.join('')}->${batch}${left}${right}`,
  });
}

/** Sign and magnitude: a power of a negative number is none. */
function cubeRoot(o: OperatorReader): void {
  const x = o.input(0);
  const size = o.add('Pow', [o.add('Abs', [x]), o.scalar('third', Math.fround(1 / 3))]);
  o.give('Mul', [o.add('Sign', [x]), size]);
}

function negate(o: OperatorReader): void {
  const { dtype } = typeOf(o.input(0));
  if (dtype?.startsWith('uint') !== true) {
    o.give('Neg', [o.input(0)]);
    return;
  }
  const zero = constantOf(dtype, [], new Uint8Array(byteLengthOf(dtype, 1)));
  o.give('Sub', [o.constant('zero', zero), o.input(0)]);
}

export const stablehloRows: Readonly<Record<string, Row>> = {
  STABLEHLO_LOGISTIC: plain('Sigmoid'),
  STABLEHLO_ADD: plain('Add', 'Or'),
  STABLEHLO_SUBTRACT: plain('Sub'),
  STABLEHLO_MULTIPLY: plain('Mul', 'And'),
  STABLEHLO_DIVIDE: plain('Div'),
  STABLEHLO_MAXIMUM: plain('Max', 'Or'),
  STABLEHLO_MINIMUM: plain('Min', 'And'),
  STABLEHLO_POWER: plain('Pow'),
  STABLEHLO_REMAINDER: remainder,
  STABLEHLO_ABS: plain('Abs'),
  STABLEHLO_NEGATE: negate,
  STABLEHLO_AND: plain('BitwiseAnd', 'And'),
  STABLEHLO_OR: plain('BitwiseOr', 'Or'),
  STABLEHLO_COSINE: plain('Cos'),
  STABLEHLO_EXPONENTIAL: plain('Exp'),
  STABLEHLO_FLOOR: plain('Floor'),
  STABLEHLO_LOG: plain('Log'),
  STABLEHLO_TANH: plain('Tanh'),
  STABLEHLO_RSQRT: reciprocalRoot,
  STABLEHLO_CBRT: cubeRoot,
  STABLEHLO_SELECT: (o) => {
    o.give('Where', o.inputs());
  },
  STABLEHLO_CLAMP: clamp,
  STABLEHLO_COMPARE: compare,
  STABLEHLO_CONVERT: convert,
  STABLEHLO_RESHAPE: reshape,
  STABLEHLO_BROADCAST_IN_DIM: broadcastInDim,
  STABLEHLO_CONCATENATE: concatenate,
  STABLEHLO_SLICE: slice,
  STABLEHLO_DYNAMIC_SLICE: dynamicSlice,
  STABLEHLO_PAD: pad,
  STABLEHLO_IOTA: iota,
  STABLEHLO_TRANSPOSE: transpose,
  STABLEHLO_DOT_GENERAL: dotGeneral,
};
