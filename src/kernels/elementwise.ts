import { rangeError, typeError } from '../core/errors.ts';
import type { LibraryKernels } from '../wasm/kernels.ts';
import { libraryBackend } from '../wasm/library.ts';
import { eachPart, tensorLayout } from './layout.ts';
import { checkFloats, partElements, resultArray } from './types.ts';

type Run = (
  simd: LibraryKernels,
  x: number,
  y: number,
  count: number,
  alpha: number,
  beta: number,
) => void;

interface Operation {
  readonly run: Run;
  /** Defaults of alpha and beta, where the operation has them. */
  readonly alpha?: number;
  readonly beta?: number;
}

/** Names of `unary`: activations and rounding as in the ONNX operators. */
export type UnaryOperation =
  | 'exp'
  | 'log'
  | 'tanh'
  | 'erf'
  | 'sin'
  | 'cos'
  | 'relu'
  | 'clip'
  | 'leakyRelu'
  | 'elu'
  | 'selu'
  | 'sigmoid'
  | 'hardSigmoid'
  | 'hardSwish'
  | 'gelu'
  | 'geluTanh'
  | 'silu'
  | 'mish'
  | 'softplus'
  | 'softsign'
  | 'abs'
  | 'neg'
  | 'sqrt'
  | 'reciprocal'
  | 'floor'
  | 'ceil'
  | 'round'
  | 'sign';

const operations: Readonly<Record<UnaryOperation, Operation>> = {
  exp: { run: (simd, x, y, n) => simd.f32_exp(x, y, n) },
  log: { run: (simd, x, y, n) => simd.f32_log(x, y, n) },
  tanh: { run: (simd, x, y, n) => simd.f32_tanh(x, y, n) },
  erf: { run: (simd, x, y, n) => simd.f32_erf(x, y, n) },
  sin: { run: (simd, x, y, n) => simd.f32_sin(x, y, n) },
  cos: { run: (simd, x, y, n) => simd.f32_cos(x, y, n) },
  relu: { run: (simd, x, y, n) => simd.f32_clip(x, y, n, 0, Infinity) },
  clip: {
    run: (simd, x, y, n, a, b) => simd.f32_clip(x, y, n, a, b),
    alpha: -Infinity,
    beta: Infinity,
  },
  leakyRelu: { run: (simd, x, y, n, a) => simd.f32_leaky_relu(x, y, n, a), alpha: 0.01 },
  elu: { run: (simd, x, y, n, a) => simd.f32_elu(x, y, n, a), alpha: 1 },
  selu: {
    run: (simd, x, y, n, a, b) => simd.f32_selu(x, y, n, Math.fround(a) * Math.fround(b), b),
    alpha: 1.6732632423543772,
    beta: 1.0507009873554805,
  },
  sigmoid: { run: (simd, x, y, n) => simd.f32_sigmoid(x, y, n) },
  hardSigmoid: {
    run: (simd, x, y, n, a, b) => simd.f32_hard_sigmoid(x, y, n, a, b),
    alpha: 0.2,
    beta: 0.5,
  },
  hardSwish: { run: (simd, x, y, n) => simd.f32_hard_swish(x, y, n) },
  gelu: { run: (simd, x, y, n) => simd.f32_gelu(x, y, n) },
  geluTanh: { run: (simd, x, y, n) => simd.f32_gelu_tanh(x, y, n) },
  silu: { run: (simd, x, y, n) => simd.f32_silu(x, y, n) },
  mish: { run: (simd, x, y, n) => simd.f32_mish(x, y, n) },
  softplus: { run: (simd, x, y, n) => simd.f32_softplus(x, y, n) },
  softsign: { run: (simd, x, y, n) => simd.f32_softsign(x, y, n) },
  abs: { run: (simd, x, y, n) => simd.f32_abs(x, y, n) },
  neg: { run: (simd, x, y, n) => simd.f32_neg(x, y, n) },
  sqrt: { run: (simd, x, y, n) => simd.f32_sqrt(x, y, n) },
  reciprocal: { run: (simd, x, y, n) => simd.f32_reciprocal(x, y, n) },
  floor: { run: (simd, x, y, n) => simd.f32_floor(x, y, n) },
  ceil: { run: (simd, x, y, n) => simd.f32_ceil(x, y, n) },
  round: { run: (simd, x, y, n) => simd.f32_round(x, y, n) },
  sign: { run: (simd, x, y, n) => simd.f32_sign(x, y, n) },
};

/** Parameters of `unary`, rounded to float32. */
export interface UnaryOptions {
  /** clip: lower end, default −∞. leakyRelu: slope, 0.01. elu: 1. selu: 1.6732632. hardSigmoid: slope, 0.2. */
  alpha?: number;
  /** clip: upper end, default ∞. selu: gamma, 1.0507010. hardSigmoid: offset, 0.5. */
  beta?: number;
  /** Where to put the result: as long as x; x itself is fine. */
  output?: Float32Array;
}

/** A function of one number on every element.
 *
 *  relu, clip, leakyRelu, hardSigmoid, hardSwish, softsign, abs … sign: the float32 operations of their formulas,
 *  exactly. round: ties to even. The others: within 1 ulp of the exact value, exp 1.1, tanh 1.5, gelu within
 *  1 ulp and 2^-25·|x|.
 *  A NaN gives a NaN.
 *  @param operation  its name
 *  @param x          elements, any shape
 *  @throws {RangeError} no such operation, alpha or beta not a number, an output of another length
 *  @throws {TypeError} x or output is not a Float32Array
 *  Cost O(n). Deterministic. */
export function unary(
  operation: UnaryOperation,
  x: Float32Array,
  options: UnaryOptions = {},
): Float32Array {
  checkFloats('x', x);
  const found: Operation | undefined = Object.hasOwn(operations, operation)
    ? operations[operation]
    : undefined;
  if (found === undefined)
    throw rangeError('operation', Object.keys(operations).join(' | '), operation);
  const { alpha = found.alpha ?? 0, beta = found.beta ?? 0 } = options;
  if (typeof alpha !== 'number' || Number.isNaN(alpha))
    throw rangeError('alpha', 'a number', alpha);
  if (typeof beta !== 'number' || Number.isNaN(beta)) throw rangeError('beta', 'a number', beta);
  return eachFloat(x, options.output, (simd, input, output, count) =>
    found.run(simd, input, output, count, alpha, beta),
  );
}

/** Runs a kernel of x, y and count over an array in parts. */
export function eachFloat(
  x: Float32Array,
  output: Float32Array | undefined,
  run: (simd: LibraryKernels, x: number, y: number, count: number) => void,
): Float32Array {
  const result = resultArray<Float32Array>(output, Float32Array, x.length);
  const { arena, simd } = libraryBackend();
  eachPart(tensorLayout(x.length), partElements, ({ length }, at) => {
    arena.withScratch([4 * length], (data) => {
      const { f32 } = arena.views();
      const first = data >>> 2;
      f32.set(x.subarray(at, at + length), first);
      run(simd, data, data, length);
      result.set(f32.subarray(first, first + length), at);
    });
  });
  return result;
}

type Kernel64 = (x: number, y: number, count: number) => void;

/** The same for numbers and Float64Arrays. */
export function eachDouble<X extends number | Float64Array>(
  x: X,
  pick: (simd: LibraryKernels) => Kernel64,
): X {
  const { arena, simd } = libraryBackend();
  const run = pick(simd);
  const one = (part: Float64Array): Float64Array =>
    arena.withScratch([8 * part.length], (data) => {
      const { f64 } = arena.views();
      const first = data >>> 3;
      f64.set(part, first);
      run(data, data, part.length);
      return f64.slice(first, first + part.length);
    });
  if (typeof x === 'number') return one(Float64Array.of(x))[0] as X;
  if (!(x instanceof Float64Array))
    throw typeError('x', 'a number, Float32Array or Float64Array', x);
  const result = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += partElements) {
    result.set(one(x.subarray(at, at + partElements)), at);
  }
  return result as Float64Array as X;
}
