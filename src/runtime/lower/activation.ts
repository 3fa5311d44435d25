import type { AttributeReader } from '../../ops/op.ts';
import type { LibraryKernels } from '../../wasm/kernels.ts';

/** A function of one float32 on `count` elements; y may be x. */
export type UnaryKernel = (simd: LibraryKernels, x: number, y: number, count: number) => void;

/** What follows a product: limits that its kernel applies itself, or a kernel over its results. */
export interface Activation {
  readonly min: number;
  readonly max: number;
  readonly kernel: UnaryKernel | null;
}

const none: Activation = { min: -Infinity, max: Infinity, kernel: null };

const after = (kernel: UnaryKernel): Activation => ({ ...none, kernel });

/** The activation in the attributes of an `mp` operator. */
export function activationOf(attributes: AttributeReader): Activation {
  const number = (name: string, otherwise: number): number =>
    Math.fround(attributes.float(`activation_${name}`, otherwise));
  switch (attributes.string('activation', 'none')) {
    case 'Relu':
      return { ...none, min: 0 };
    case 'Clip':
      return { ...none, min: number('min', -Infinity), max: number('max', Infinity) };
    case 'LeakyRelu': {
      const slope = number('alpha', 0.01);
      return after((simd, x, y, n) => simd.f32_leaky_relu(x, y, n, slope));
    }
    case 'HardSigmoid': {
      const [a, b] = [number('alpha', 0.2), number('beta', 0.5)];
      return after((simd, x, y, n) => simd.f32_hard_sigmoid(x, y, n, a, b));
    }
    case 'Elu': {
      const alpha = number('alpha', 1);
      return after((simd, x, y, n) => simd.f32_elu(x, y, n, alpha));
    }
    case 'HardSwish':
      return after((simd, x, y, n) => simd.f32_hard_swish(x, y, n));
    case 'Sigmoid':
      return after((simd, x, y, n) => simd.f32_sigmoid(x, y, n));
    case 'Tanh':
      return after((simd, x, y, n) => simd.f32_tanh(x, y, n));
    case 'Silu':
      return after((simd, x, y, n) => simd.f32_silu(x, y, n));
    case 'Gelu':
      return after((simd, x, y, n) => simd.f32_gelu(x, y, n));
    case 'GeluTanh':
      return after((simd, x, y, n) => simd.f32_gelu_tanh(x, y, n));
    case 'Softplus':
      return after((simd, x, y, n) => simd.f32_softplus(x, y, n));
    case 'Mish':
      return after((simd, x, y, n) => simd.f32_mish(x, y, n));
    default:
      return none;
  }
}
