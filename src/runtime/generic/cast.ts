import { type DType, dtypes, type TypedArray } from '../../core/dtype.ts';
import { bytesOf, Tensor, typedArrayOf } from '../../core/tensor.ts';
import {
  bigintsOf,
  isFloatType,
  isIntegerType,
  isWide,
  numbersOf,
  tensorOf,
  tensorOfBigints,
} from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { dtypeIn, invalid, tensorAt, unsupported } from './operands.ts';
import type { PowerRounding } from './small-floats.ts';

/** Shortest decimal text that reads back as the same number of the type, laid out as Python does. */
function textOf(value: number, type: DType): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  const [mantissa, power] = shortest(value, type).split('e') as [string, string];
  const exponent = Number(power);
  const sign = mantissa.startsWith('-') ? '-' : '';
  const digits = mantissa.replace(/[-.]/g, '');
  if (exponent < -4 || exponent >= 16) {
    const tail = digits.length > 1 ? `.${digits.slice(1)}` : '';
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${digits[0]}${tail}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

function shortest(value: number, type: DType): string {
  if (type === 'float64') return value.toExponential();
  for (let digits = 0; digits < 9; digits++) {
    const text = value.toExponential(digits);
    if (numbersOf(tensorOf(type, [Number(text)], []))[0] === value) return text;
  }
  return value.toExponential(9);
}

function textsOf(x: Tensor): string[] {
  if (x.type === 'string') return x.data as string[];
  if (isIntegerType(x.type)) return bigintsOf(x).map(String);
  if (x.type === 'bool') return Array.from(numbersOf(x), (v) => (v === 0 ? 'False' : 'True'));
  return Array.from(numbersOf(x), (v) => textOf(v, x.type));
}

/** Elements as another type. Integers wrap around; what a float has beyond the range of an integer becomes the
 *  nearest one there is, but for types of 4 and 2 bits, which wrap around as in ONNX's reference; NaN becomes 0. */
export function castTo(
  x: Tensor,
  type: DType,
  options: { saturate?: boolean; power?: PowerRounding } = {},
): Tensor {
  if (x.type === type) return x;
  if (type === 'string') return new Tensor('string', textsOf(x), x.dims);
  if (isIntegerType(type)) {
    if (x.type === 'string') return integersOfTexts(x, type);
    if (isWide(x.type)) return tensorOfBigints(type, bigintsOf(x), x.dims);
    if (isFloatType(x.type)) return tensorOfBigints(type, truncated(x, type), x.dims);
  }
  if (isWide(x.type) && isFloatType(type) && type !== 'float64') {
    return tensorOf(type, Float64Array.from(bigintsOf(x), roundedToOdd), x.dims, options);
  }
  return tensorOf(type, numbersOf(x), x.dims, options);
}

/** 53 bits of an integer with the last one set if bits were lost, so that rounding it again to a narrower type gives
 *  what rounding once would have given. */
function roundedToOdd(value: bigint): number {
  const size = value < 0n ? -value : value;
  const shift = BigInt(Math.max(0, size.toString(2).length - 53));
  const kept = size >> shift;
  const odd = kept << shift === size ? kept : kept | 1n;
  const result = Number(odd << shift);
  return value < 0n ? -result : result;
}

function truncated(x: Tensor, type: DType): bigint[] {
  const { bits, kind } = dtypes[type];
  const [low, high] =
    kind === 'uint'
      ? [0n, (1n << BigInt(bits)) - 1n]
      : [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n];
  return Array.from(numbersOf(x), (v) => {
    if (Number.isNaN(v)) return 0n;
    if (!Number.isFinite(v)) return v < 0 ? low : high;
    const whole = BigInt(Math.trunc(v));
    return bits < 8 ? whole : whole < low ? low : whole > high ? high : whole;
  });
}

function integersOfTexts(x: Tensor, type: DType): Tensor {
  const values = (x.data as string[]).map((text) =>
    /^\s*[+-]?\d+\s*$/.test(text)
      ? BigInt(text.trim().replace(/^\+/, ''))
      : BigInt(Math.trunc(Number(text) || 0)),
  );
  return tensorOfBigints(type, values, x.dims);
}

function castAs(c: EvaluateContext, type: DType): Tensor[] {
  const x = tensorAt(c, 0);
  if (dtypes[type].kind === 'complex' || dtypes[x.type].kind === 'complex')
    throw unsupported(c, 'complex numbers are not cast');
  const power = c.attributes.string('round_mode') as PowerRounding;
  return [castTo(x, type, { saturate: c.attributes.int('saturate') !== 0, power })];
}

/** The same bits as a type of the same width. */
function bitCast(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const type = dtypeIn(c, 'to') ?? x.type;
  if (dtypes[type].bits !== dtypes[x.type].bits || x.type === 'string')
    throw invalid(c, 'E_OP_ATTRIBUTE', `${type} is not as wide as ${x.type}`);
  const bytes = bytesOf(x.data as TypedArray);
  return [new Tensor(type, typedArrayOf(type, bytes), x.dims)];
}

export const castEvaluators: readonly Evaluator[] = [
  { op: 'Cast', evaluate: (c) => castAs(c, dtypeIn(c, 'to') ?? 'float32') },
  { op: 'CastLike', evaluate: (c) => castAs(c, tensorAt(c, 1).type) },
  { op: 'BitCast', evaluate: bitCast },
];
