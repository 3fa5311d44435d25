import type { LibraryKernels } from '../../wasm/kernels.ts';
import type { LowerContext, Lowered, Lowering } from './lowering.ts';

type Kernel = (simd: LibraryKernels, x: number, y: number, count: number) => void;

/** One float32 function of every element, with parameters from the attributes. */
function unary(op: string, kernel: string, pick: (c: LowerContext) => Kernel): Lowering {
  return {
    op,
    lower(c): Lowered | null {
      const [x] = c.inputs;
      if (x == null || x.storage !== 'float32' || x.quantization !== null) return null;
      const run = pick(c);
      const { simd } = c.backend;
      const { size } = x;
      return {
        kernel,
        inPlace: [0],
        bind(at) {
          const [from, to] = [at.input(0), at.output(0)];
          return () => run(simd, from, to, size);
        },
      };
    },
  };
}

export const unaryLowerings: readonly Lowering[] = [
  unary('Relu', 'f32_clip', () => (simd, x, y, n) => simd.f32_clip(x, y, n, 0, Infinity)),
  unary('Exp', 'f32_exp', () => (simd, x, y, n) => simd.f32_exp(x, y, n)),
  unary('Tanh', 'f32_tanh', () => (simd, x, y, n) => simd.f32_tanh(x, y, n)),
  unary('Sigmoid', 'f32_sigmoid', () => (simd, x, y, n) => simd.f32_sigmoid(x, y, n)),
];
