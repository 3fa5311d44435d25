import { dtypeOf } from '../tensor-types.ts';
import type { OperatorReader, Row } from './operator.ts';
import { typeNumber, typeOf } from './values.ts';

/** The quantization is that of the values: what stays is the same real numbers. */
function quantize(o: OperatorReader): void {
  const x = o.input(0);
  const { dtype } = typeOf(x);
  if (dtype === null || !dtype.includes('float') || o.output(0)?.quantization == null)
    throw o.unsupported('integers without a scale');
  o.give('Identity', [o.cast(x, 'float32')]);
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

export const quantizeRows: Readonly<Record<string, Row>> = {
  QUANTIZE: quantize,
  DEQUANTIZE: dequantize,
  CAST: cast,
  DENSIFY: (o) => o.give('Identity', [o.input(0)]),
};
