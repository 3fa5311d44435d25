import { dtypes } from '../../../core/dtype.ts';
import { bytesOf } from '../../../core/tensor.ts';
import { constantOf } from '../../../ir/constant.ts';
import type { Value } from '../../../ir/graph.ts';
import { dtypeOf } from '../tensor-types.ts';
import type { OperatorReader, Row } from './operator.ts';
import { hasScale, parametersOf } from './quantization.ts';
import { typeNumber, typeOf } from './values.ts';

/** The quantization is that of the values: what stays is the same real numbers. */
function quantize(o: OperatorReader): void {
  const x = realInput(o);
  const output = o.output(0);
  if (output?.quantization != null) o.give('Identity', [o.cast(x, 'float32')]);
  else giveLevels(o, x);
}

function realInput(o: OperatorReader): Value {
  const x = o.input(0);
  const { dtype } = typeOf(x);
  if (dtype?.includes('float') === true) return x;
  if (dtype !== 'int32' || !hasScale(o.reader.tensor(o.tensor(0))))
    throw o.unsupported('integers without a scale');
  const { scale, zero } = parametersOf(o.reader.quantization(o.tensor(0)), o.where);
  return o.add('DequantizeLinear', [x, o.constant('scale', scale), o.constant('zero', zero)]);
}

/** Levels of 32 bits, which ONNX can't quantize to. */
function giveLevels(o: OperatorReader, x: Value): void {
  const tensor = o.record.outputs?.[0] ?? -1;
  if (tensor < 0 || !hasScale(o.reader.tensor(tensor)) || typeOf(o.output(0)!).dtype !== 'int32')
    throw o.unsupported('levels without a scale');
  const { scale, zeroPoint } = o.reader.quantization(tensor);
  const wide = (values: readonly number[]): Value =>
    o.constant('level', constantOf('float64', [], bytesOf(Float64Array.from(values))));
  const level = o.add('Round', [o.add('Div', [o.cast(x, 'float64'), wide([scale[0]!])])]);
  const shifted = zeroPoint === null ? level : o.add('Add', [level, wide([zeroPoint[0]!])]);
  o.give('Cast', [shifted], { to: typeNumber('int32') });
}

function dequantize(o: OperatorReader): void {
  const x = o.input(0);
  const { dtype } = typeOf(x);
  if (dtype === 'float16') o.give('Cast', [x], { to: typeNumber('float32') });
  else if (x.quantization !== null || o.isQuantized(0)) o.give('Identity', [x]);
  else throw o.unsupported('integers without a scale');
}

/** Levels of a quantized tensor are cast as integers. */
function cast(o: OperatorReader): void {
  const { outDataType } = o.options('CastOptions');
  const output = o.output(0);
  const target = dtypeOf(
    output === null ? outDataType : o.reader.tensor(o.record.outputs![0]!).type,
  );
  if (target === null) throw o.unsupported('a cast to a type without numbers');
  if (output?.quantization != null) throw o.unsupported('a cast to levels');
  o.give('Cast', [o.integers(0)], { to: typeNumber(target) });
}

/** The same bits as another type of the same width. */
function bitcast(o: OperatorReader): void {
  const x = o.integers(0);
  const output = o.output(0);
  const [from, to] = [typeOf(x).dtype, output === null ? null : typeOf(output).dtype];
  if (from === null || to === null || output?.quantization != null)
    throw o.unsupported('levels as other numbers');
  if (dtypes[from].bits !== dtypes[to].bits) throw o.unsupported('types of other widths');
  o.give('BitCast', [x], { to: typeNumber(to) });
}

export const quantizeRows: Readonly<Record<string, Row>> = {
  QUANTIZE: quantize,
  DEQUANTIZE: dequantize,
  CAST: cast,
  BITCAST: bitcast,
  DENSIFY: (o) => {
    o.give('Identity', [o.input(0)]);
  },
};
