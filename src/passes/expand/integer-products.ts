import { bytesOf } from '../../core/tensor.ts';
import { constantOf, constantOfValue } from '../../ir/constant.ts';
import type { Value } from '../../ir/graph.ts';
import { shapeOf } from '../../ir/types.ts';
import { numberOfDtype } from '../../ops/data-types.ts';
import type { Expansion } from './index.ts';
import type { Parts } from './parts.ts';

/** Products of integers as products of real numbers, which are exact as long as sums are below 2²⁴. Weights stay
 *  integers, with a scale of 1. */

function cast(p: Parts, x: Value, dtype: 'float32' | 'int32'): Value {
  return p.op('Cast', [x], shapeOf(x.type), dtype, { to: numberOfDtype(dtype) });
}

/** x − zero point, as real numbers.
 *  @param axis  of the zero points, if there are several */
function centered(p: Parts, x: Value, zero: Value | null, axis: number): Value {
  const shape = shapeOf(x.type);
  const zeros = zero === null ? [] : shapeOf(zero.type);
  const isKnown = constantOfValue(x) !== null && (zero === null || constantOfValue(zero) !== null);
  const isVector = zeros?.length === 1 && zeros[0] !== 1;
  if (isKnown && zeros !== null && zeros.length < 2) {
    const count = isVector ? (zeros[0] as number) : 1;
    const dims = isVector ? [count] : [];
    const ones = new Float32Array(count).fill(1);
    const scale = p.constant(constantOf('float32', dims, bytesOf(ones)), 'one');
    const point = zero === null || isVector || zeros.length === 0 ? zero : p.reshape(zero, []);
    return p.op('DequantizeLinear', [x, scale, point], shape, 'float32', { axis });
  }
  const real = cast(p, x, 'float32');
  if (zero === null) return real;
  let point = cast(p, zero, 'float32');
  const rank = shape?.length;
  if (isVector && rank === undefined) p.stop('the rank of an operand is not known');
  if (isVector && axis !== rank! - 1) {
    const upright = new Array<number>(rank!).fill(1);
    upright[axis] = zeros![0] as number;
    point = p.reshape(point, upright);
  }
  return p.op('Sub', [real, point], shape, 'float32');
}

const convolution: Expansion = (p) => {
  const x = centered(p, p.in(0), p.maybe(2), 1);
  const w = centered(p, p.in(1), p.maybe(3), 0);
  const shape = shapeOf(p.node.outputs[0]!.type);
  const settings: Record<string, number | string | readonly number[]> = {};
  for (const [name, attribute] of p.node.attributes) {
    if (attribute.type === 'int') settings[name] = Number(attribute.value);
    if (attribute.type === 'ints') settings[name] = attribute.value.map(Number);
    if (attribute.type === 'string') settings[name] = attribute.value;
  }
  p.end(0, cast(p, p.op('Conv', [x, w], shape, 'float32', settings), 'int32'));
};

/** (a − zero) · (b − zero), real.
 *  @param at  inputs of the operands and their zero points */
function product(p: Parts, at: readonly [Value, Value, Value | null, Value | null]): Value {
  const [a, b, aZero, bZero] = at;
  const rank = shapeOf(a.type)?.length ?? p.stop('the rank of an operand is not known');
  const columns = (shapeOf(b.type)?.length ?? p.stop('the rank of an operand is not known')) - 1;
  const left = centered(p, a, aZero, Math.max(0, rank - 2));
  const right = centered(p, b, bZero, columns);
  return p.op('MatMul', [left, right], shapeOf(p.node.outputs[0]!.type), 'float32');
}

const matmul: Expansion = (p) => {
  p.end(0, cast(p, product(p, [p.in(0), p.in(1), p.maybe(2), p.maybe(3)]), 'int32'));
};

function scaled(p: Parts, sums: Value, scales: readonly Value[], bias: Value | null): Value {
  const shape = shapeOf(sums.type);
  let result = sums;
  for (const scale of scales) result = p.op('Mul', [result, scale], shape, 'float32');
  return bias === null ? result : p.op('Add', [result, bias], shape, 'float32');
}

const toFloat: Expansion = (p) => {
  const sums = product(p, [p.in(0), p.in(1), p.maybe(4), p.maybe(5)]);
  p.end(0, scaled(p, sums, [p.in(2), p.in(3)], p.maybe(6)));
};

export const integerProductExpansions: Readonly<Record<string, Expansion>> = {
  ConvInteger: convolution,
  MatMulInteger: matmul,
  'com.microsoft:MatMulIntegerToFloat': toFloat,
};
