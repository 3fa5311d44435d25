import type { UnaryKernel } from './activation.ts';
import type { LowerContext, Lowered, Lowering } from './lowering.ts';
import { isFloat } from './operands.ts';

/** One float32 function of every element; null from `pick` where its parameters are not known. */
function unary(
  op: string,
  kernel: string,
  pick: (c: LowerContext) => UnaryKernel | null,
): Lowering {
  return {
    op,
    lower(c): Lowered | null {
      const [x] = c.inputs;
      const run = isFloat(x) && isFloat(c.outputs[0]) ? pick(c) : null;
      if (run === null) return null;
      const { simd } = c.backend;
      const { size } = x!;
      return {
        kernel,
        reads: [0],
        inPlace: [0],
        bind(at) {
          const [from, to] = [at.input(0), at.output(0)];
          return () => run(simd, from, to, size);
        },
      };
    },
  };
}

/** Kernels that take nothing besides. */
const plain: Readonly<Record<string, readonly [string, UnaryKernel]>> = {
  Exp: ['f32_exp', (simd, x, y, n) => simd.f32_exp(x, y, n)],
  Log: ['f32_log', (simd, x, y, n) => simd.f32_log(x, y, n)],
  Tanh: ['f32_tanh', (simd, x, y, n) => simd.f32_tanh(x, y, n)],
  Erf: ['f32_erf', (simd, x, y, n) => simd.f32_erf(x, y, n)],
  Sin: ['f32_sin', (simd, x, y, n) => simd.f32_sin(x, y, n)],
  Cos: ['f32_cos', (simd, x, y, n) => simd.f32_cos(x, y, n)],
  Sigmoid: ['f32_sigmoid', (simd, x, y, n) => simd.f32_sigmoid(x, y, n)],
  Relu: ['f32_clip', (simd, x, y, n) => simd.f32_clip(x, y, n, 0, Infinity)],
  HardSwish: ['f32_hard_swish', (simd, x, y, n) => simd.f32_hard_swish(x, y, n)],
  Mish: ['f32_mish', (simd, x, y, n) => simd.f32_mish(x, y, n)],
  Softplus: ['f32_softplus', (simd, x, y, n) => simd.f32_softplus(x, y, n)],
  Softsign: ['f32_softsign', (simd, x, y, n) => simd.f32_softsign(x, y, n)],
  Abs: ['f32_abs', (simd, x, y, n) => simd.f32_abs(x, y, n)],
  Neg: ['f32_neg', (simd, x, y, n) => simd.f32_neg(x, y, n)],
  Sqrt: ['f32_sqrt', (simd, x, y, n) => simd.f32_sqrt(x, y, n)],
  Reciprocal: ['f32_reciprocal', (simd, x, y, n) => simd.f32_reciprocal(x, y, n)],
  Floor: ['f32_floor', (simd, x, y, n) => simd.f32_floor(x, y, n)],
  Ceil: ['f32_ceil', (simd, x, y, n) => simd.f32_ceil(x, y, n)],
  Round: ['f32_round', (simd, x, y, n) => simd.f32_round(x, y, n)],
  Sign: ['f32_sign', (simd, x, y, n) => simd.f32_sign(x, y, n)],
};

/** A limit of Clip: its default where it is absent, null where it is not known. */
function limit(c: LowerContext, input: number, otherwise: number): number | null {
  if (c.inputs[input] == null) return otherwise;
  const tensor = c.known(input);
  return tensor === null ? null : Number(tensor.data[0]);
}

export const unaryLowerings: readonly Lowering[] = [
  ...Object.entries(plain).map(([op, [kernel, run]]) => unary(op, kernel, () => run)),
  unary('Clip', 'f32_clip', (c) => {
    const [low, high] = [limit(c, 1, -Infinity), limit(c, 2, Infinity)];
    if (low === null || high === null || !(low <= high)) return null;
    return (simd, x, y, n) => simd.f32_clip(x, y, n, low, high);
  }),
  unary('LeakyRelu', 'f32_leaky_relu', ({ attributes }) => {
    const slope = attributes.float('alpha');
    return (simd, x, y, n) => simd.f32_leaky_relu(x, y, n, slope);
  }),
  unary('Elu', 'f32_elu', ({ attributes }) => {
    const alpha = attributes.float('alpha');
    return (simd, x, y, n) => simd.f32_elu(x, y, n, alpha);
  }),
  unary('Selu', 'f32_selu', ({ attributes }) => {
    const [alpha, gamma] = [attributes.float('alpha'), attributes.float('gamma')];
    const product = Math.fround(alpha) * Math.fround(gamma);
    return (simd, x, y, n) => simd.f32_selu(x, y, n, product, gamma);
  }),
  unary('HardSigmoid', 'f32_hard_sigmoid', ({ attributes }) => {
    const [alpha, beta] = [attributes.float('alpha'), attributes.float('beta')];
    return (simd, x, y, n) => simd.f32_hard_sigmoid(x, y, n, alpha, beta);
  }),
  unary('Gelu', 'f32_gelu', ({ attributes }) =>
    attributes.string('approximate') === 'tanh'
      ? (simd, x, y, n) => simd.f32_gelu_tanh(x, y, n)
      : (simd, x, y, n) => simd.f32_gelu(x, y, n),
  ),
  unary('Swish', 'f32_silu', ({ attributes }) =>
    attributes.float('alpha') === 1 ? (simd, x, y, n) => simd.f32_silu(x, y, n) : null,
  ),
];
