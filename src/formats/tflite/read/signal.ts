import type { Value } from '../../../ir/graph.ts';
import { opcodeOf } from './opcode.ts';
import type { OperatorReader, Row } from './operator.ts';

/** ONNX has complex numbers as pairs along a last axis. A complex tensor is such a value as long as only operators that
 *  take it apart read it; else what makes it stays opaque, and they do. */

const pairs = new WeakSet<Value>();

const takesApart = new Set(['REAL', 'IMAG', 'COMPLEX_ABS']);

/** Whether nothing but operators that take complex numbers apart reads an output. */
function isInner(o: OperatorReader, tensor: number): boolean {
  const { outputs, operators = [] } = o.reader.record;
  if (outputs?.includes(tensor) === true) return false;
  return operators.every(
    (operator) =>
      operator.inputs?.includes(tensor) !== true ||
      takesApart.has(opcodeOf(operator, o.reader.reading.record, o.where).name),
  );
}

/** Over the last two axes, of reals: of the last one only what is not mirrored. */
function transform(o: OperatorReader): void {
  const tensor = o.record.outputs?.[0] ?? -1;
  if (!isInner(o, tensor)) throw o.unsupported('complex numbers that others read');
  const [height, width] = o.known(1);
  const pair = o.add('Unsqueeze', [o.input(0), o.ints('last', [-1])]);
  const length = (hint: string, size: number | undefined): Value => o.ints(hint, [size ?? 0], []);
  const rows = o.add('DFT', [pair, length('width', width), o.ints('columns_axis', [-2], [])], {
    onesided: 1,
  });
  const both = o.add('DFT', [rows, length('height', height), o.ints('rows_axis', [-3], [])]);
  pairs.add(both);
  o.alias(0, both);
}

function pairOf(o: OperatorReader): Value {
  const value = o.input(0);
  if (!pairs.has(value)) throw o.unsupported('complex numbers');
  return value;
}

const part =
  (index: number): Row =>
  (o) => {
    o.give('Gather', [pairOf(o), o.ints('part', [index], [])], { axis: -1 });
  };

function magnitude(o: OperatorReader): void {
  o.give('ReduceL2', [pairOf(o), o.ints('last', [-1])], { keepdims: 0 });
}

export const signalRows: Readonly<Record<string, Row>> = {
  RFFT2D: transform,
  REAL: part(0),
  IMAG: part(1),
  COMPLEX_ABS: magnitude,
};
