import { type DType, integerRange } from '../../core/dtype.ts';
import { normalizeAxis } from '../../core/shape.ts';
import type { Value } from '../../ir/graph.ts';
import type { Expansion } from './index.ts';
import type { Parts } from './parts.ts';

/** A parameter for each element that it is for: for all, for those of one place on the axis, or for blocks of them. */
function spread(p: Parts, parameter: Value, dims: readonly number[]): Value {
  const own = p.dims(parameter);
  if (own.length === 0 || (own.length === 1 && own[0] === 1)) return p.reshape(parameter, []);
  const axis = normalizeAxis(p.attributes.int('axis', 1), dims.length);
  if (own.length === 1)
    return p.reshape(
      parameter,
      dims.map((_, i) => (i === axis ? own[0]! : 1)),
    );
  const block = p.attributes.int('block_size', 0);
  if (block <= 0) return parameter;
  const places = Array.from({ length: dims[axis]! }, (_, i) => Math.floor(i / block));
  return p.gather(parameter, p.ints(places), axis);
}

const isSmall = (dtype: DType): boolean => dtype === 'int8' || dtype === 'uint8';

/** (x − zero) · scale, with a scale that is computed. */
const dequantize: Expansion = (p) => {
  const [x, scale, zero] = [p.in(0), p.in(1), p.maybe(2)];
  const dims = p.dims(x);
  if (p.dtype(scale) !== 'float32') p.stop('its scale is not float32');
  if (!isSmall(p.dtype(x)) && p.dtype(x) !== 'int32') p.stop(`integers of ${p.dtype(x)}`);
  const real = p.cast(x, 'float32');
  const moved = zero === null ? real : p.sub(real, spread(p, p.cast(zero, 'float32'), dims));
  p.end(0, p.mul(moved, spread(p, scale, dims)));
};

/** round(x / scale) + zero, as far as the type goes. */
function quantized(p: Parts, x: Value, scale: Value, zero: Value | null, dtype: DType): Value {
  const { min, max } = integerRange(dtype);
  const rounded = p.unary('Round', p.div(x, scale));
  const moved = zero === null ? rounded : p.add(rounded, zero);
  return p.cast(p.binary('Min', p.binary('Max', moved, min), max), dtype);
}

const quantize: Expansion = (p) => {
  const [x, scale, zero] = [p.in(0), p.in(1), p.maybe(2)];
  const dtype = p.dtype(p.node.outputs[0]!);
  if (p.dtype(x) !== 'float32' || p.dtype(scale) !== 'float32') p.stop('other than float32');
  if (!isSmall(dtype)) p.stop(`integers of ${dtype}`);
  const dims = p.dims(x);
  const offset = zero === null ? null : spread(p, p.cast(zero, 'float32'), dims);
  p.end(0, quantized(p, x, spread(p, scale, dims), offset, dtype));
};

/** To unsigned bytes over the range that the elements have, with 0 in it. */
const dynamic: Expansion = (p) => {
  const x = p.in(0);
  const axes = p.dims(x).map((_, axis) => axis);
  const low = p.binary('Min', p.reduce('ReduceMin', x, axes, false), 0);
  const high = p.binary('Max', p.reduce('ReduceMax', x, axes, false), 0);
  const scale = p.div(p.sub(high, low), 255);
  const zero = p.unary('Round', p.unary('Neg', p.div(low, scale)));
  const offset = p.binary('Min', p.binary('Max', zero, 0), 255);
  p.end(0, quantized(p, x, scale, offset, 'uint8'));
  p.end(1, scale);
  p.end(2, p.cast(offset, 'uint8'));
};

/** Products of integers by way of the real numbers that they stand for. */
const quantizedProduct: Expansion = (p) => {
  const real = (first: number, axis: number): Value => {
    const inputs = [p.in(first), p.in(first + 1), p.in(first + 2)];
    return p.op('DequantizeLinear', inputs, p.dims(inputs[0]!), 'float32', { axis });
  };
  const rank = p.dims(p.in(0)).length;
  const product = p.matmul(real(0, rank - 2), real(3, p.dims(p.in(3)).length - 1));
  const y = p.node.outputs[0]!;
  p.end(0, p.op('QuantizeLinear', [product, p.in(6), p.in(7)], p.dims(y), p.dtype(y)));
};

export const quantizeExpansions: Readonly<Record<string, Expansion>> = {
  DequantizeLinear: dequantize,
  QuantizeLinear: quantize,
  DynamicQuantizeLinear: dynamic,
  QLinearMatMul: quantizedProduct,
};
