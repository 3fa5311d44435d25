import { exp } from '../../../kernels/math.ts';
import type { Lowered, Lowering } from '../lowering.ts';
import { frontAxis } from '../operands.ts';
import { meaningOf } from './levels.ts';

/** Along the last axis: shares of a table of powers, summed as integers. */
export const int8SoftmaxLowerings: readonly Lowering[] = [
  {
    op: 'Softmax',
    lower(c): Lowered | null {
      const [x] = c.inputs;
      const [y] = c.outputs;
      const [from, to] = [meaningOf(x), meaningOf(y)];
      if (x == null || y == null || from === null || to === null || x.size === 0) return null;
      if (from.unsigned !== to.unsigned) return null;
      const rank = x.dims.length;
      if (rank === 0 || frontAxis(c.attributes.int('axis', -1), rank) !== rank - 1) return null;
      const length = x.dims.at(-1)!;
      const { simd, arena } = c.backend;
      const table = c.pack('softmax powers', [x.quantization!], 1024, (address) => {
        const distances = Float64Array.from({ length: 256 }, (_, d) => -d * from.scale);
        const powers = Uint32Array.from(exp(distances), (value) =>
          Math.floor(value * 2 ** 24 + 0.5),
        );
        arena.views().u32.set(powers, address >>> 2);
      });
      const unsigned = from.unsigned ? 1 : 0;
      const zero = to.zero - 128 * unsigned;
      const factor = Math.fround(1 / to.scale);
      const outer = x.size / length;
      return {
        kernel: 'q8_softmax',
        bind(at) {
          const [source, target, powers] = [at.input(0), at.output(0), table.address];
          return () =>
            simd.q8_softmax(source, target, powers, outer, length, factor, zero, unsigned);
        },
      };
    },
  },
];
