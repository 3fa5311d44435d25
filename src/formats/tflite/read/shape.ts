import type { Value } from '../../../ir/graph.ts';
import { dtypeOf } from '../tensor-types.ts';
import { giveActivated } from './activation.ts';
import type { OperatorReader, Row } from './operator.ts';
import { typeNumber, typeOf } from './values.ts';

/** Old files have the shape in the options, and [0] for a scalar (kernels/reshape.cc). */
function reshape(o: OperatorReader): void {
  const x = o.input(0);
  const { newShape } = o.options('ReshapeOptions');
  if (!o.has(1)) {
    const sizes = newShape?.length === 1 && newShape[0] === 0 ? [] : [...(newShape ?? [])];
    giveReshaped(o, x, o.ints('shape', sizes), sizes.includes(0));
    return;
  }
  const sizes = o.numbers(1);
  if (sizes === null) {
    const shape = o.add('Reshape', [o.indices(1), o.ints('list', [-1])]);
    giveReshaped(o, x, shape, false);
  } else {
    giveReshaped(o, x, o.ints('shape', sizes), sizes.includes(0));
  }
}

function giveReshaped(o: OperatorReader, x: Value, shape: Value, hasZero: boolean): void {
  o.give('Reshape', [x, shape], hasZero ? { allowzero: 1 } : {});
}

function squeeze(o: OperatorReader): void {
  const { squeezeDims } = o.options('SqueezeOptions');
  const axes = [...(squeezeDims ?? [])];
  o.give('Squeeze', [o.input(0), axes.length === 0 ? null : o.ints('axes', axes)]);
}

function expandDims(o: OperatorReader): void {
  const axis = o.numbers(1);
  const axes =
    axis === null
      ? o.add('Reshape', [o.indices(1), o.ints('list', [-1])])
      : o.ints('axes', [axis[0] ?? 0]);
  o.give('Unsqueeze', [o.input(0), axes]);
}

function transpose(o: OperatorReader): void {
  o.give('Transpose', [o.input(0)], { perm: o.known(1) });
}

function concatenate(o: OperatorReader): void {
  const { axis = 0, fusedActivationFunction } = o.options('ConcatenationOptions');
  giveActivated(o, 'Concat', o.inputs(), { axis }, fusedActivationFunction);
}

function pack(o: OperatorReader): void {
  const { axis = 0 } = o.options('PackOptions');
  const axes = o.ints('axes', [axis]);
  const parts = o.inputs().map((value) => {
    const part = o.like(value, 'part');
    o.node('Unsqueeze', [value, axes], {}, [part]);
    return part;
  });
  o.give('Concat', parts, { axis });
}

function unpack(o: OperatorReader): void {
  const { axis = 0 } = o.options('UnpackOptions');
  const x = o.input(0);
  const axes = o.ints('axes', [axis]);
  const count = o.outputCount;
  const parts = count === 1 ? [x] : Array.from({ length: count }, () => o.like(x, 'part'));
  if (count > 1) o.node('Split', [x], { axis, num_outputs: count }, parts);
  parts.forEach((part, index) => {
    o.give('Squeeze', [part, axes], {}, index);
  });
}

function split(o: OperatorReader): void {
  const axis = o.known(0)[0] ?? 0;
  if (o.outputCount === 1) o.give('Identity', [o.input(1)]);
  else o.giveAll('Split', [o.input(1)], { axis, num_outputs: o.outputCount });
}

/** One size may be −1: what is left. */
function splitSizes(o: OperatorReader): void {
  const axis = o.known(2)[0] ?? 0;
  const sizes = o.known(1);
  const open = sizes.indexOf(-1);
  if (open >= 0) {
    const others = sizes.reduce((sum, size) => sum + size, 1);
    sizes[open] = o.size(0, axis) - others;
  }
  if (o.outputCount === 1) o.give('Identity', [o.input(0)]);
  else o.giveAll('Split', [o.input(0), o.ints('sizes', sizes)], { axis });
}

function tile(o: OperatorReader): void {
  o.give('Tile', [o.input(0), o.indices(1)]);
}

function broadcastTo(o: OperatorReader): void {
  o.give('Expand', [o.input(0), o.indices(1)]);
}

/** The shape that two shapes broadcast to: that of tensors of these shapes. */
function broadcastArgs(o: OperatorReader): void {
  const first = o.add('ConstantOfShape', [o.indices(0)]);
  const both = o.add('Expand', [first, o.indices(1)]);
  giveIntegers(o, o.add('Shape', [both]));
}

function shapeOf(o: OperatorReader): void {
  const { outType } = o.options('ShapeOptions');
  const shape = [o.input(0)];
  if (dtypeOf(outType) === 'int64') o.give('Shape', shape);
  else o.give('Cast', [o.add('Shape', shape)], { to: typeNumber('int32') });
}

function rank(o: OperatorReader): void {
  const size = o.add('Size', [o.add('Shape', [o.input(0)])]);
  o.give('Cast', [size], { to: typeNumber('int32') });
}

function fill(o: OperatorReader): void {
  o.give('Expand', [o.input(1), o.indices(0)]);
}

/** Makes an output of int64 numbers in the type that the file has. */
export function giveIntegers(o: OperatorReader, value: Value, index = 0): void {
  const output = o.output(index);
  const dtype = output === null ? null : typeOf(output).dtype;
  if (dtype === null || dtype === 'int64') o.give('Identity', [value], {}, index);
  else o.give('Cast', [value], { to: typeNumber(dtype) }, index);
}

export const shapeRows: Readonly<Record<string, Row>> = {
  RESHAPE: reshape,
  SQUEEZE: squeeze,
  EXPAND_DIMS: expandDims,
  TRANSPOSE: transpose,
  CONCATENATION: concatenate,
  PACK: pack,
  UNPACK: unpack,
  SPLIT: split,
  SPLIT_V: splitSizes,
  TILE: tile,
  BROADCAST_TO: broadcastTo,
  BROADCAST_ARGS: broadcastArgs,
  SHAPE: shapeOf,
  RANK: rank,
  FILL: fill,
};
