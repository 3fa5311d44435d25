import { poolArguments } from '../../../kernels/pool.ts';
import type { LowerContext, Lowered, Lowering } from '../lowering.ts';
import { product } from '../operands.ts';
import { windowNumbers } from '../window.ts';
import { levelTable } from './level-table.ts';
import { meaningOf } from './levels.ts';

/** A window over [N, …, C] of 8-bit levels, or the whole image. */
interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

function lowerPool(c: LowerContext, isMax: boolean, isGlobal: boolean): Lowered | null {
  const [x] = c.inputs;
  const [y] = c.outputs;
  const [from, to] = [meaningOf(x), meaningOf(y)];
  if (x == null || y == null || from === null || to === null) return null;
  if (from.unsigned !== to.unsigned || x.size === 0 || y.size === 0) return null;
  const spatial = x.dims.slice(1, -1);
  const channels = x.dims.at(-1)!;
  if (spatial.length < 1 || spatial.length > 3) return null;
  if (isMax && !isGlobal && c.attributes.int('storage_order', 0) !== 0) return null;
  const ones = spatial.map(() => 1);
  const whole: Window = {
    kernel: spatial,
    strides: ones,
    dilations: ones,
    pads: [...ones, ...ones].fill(0),
  };
  const window = isGlobal ? whole : windowNumbers(c.attributes, spatial, null);
  const { kernel, dilations, pads } = window;
  const ceilMode = !isGlobal && c.attributes.int('ceil_mode', 0) !== 0;
  const include = !isMax && !isGlobal && c.attributes.int('count_include_pad', 0) !== 0 ? 1 : 0;
  if (ceilMode && include === 1) return null;
  const spans = kernel.map((size, i) => (size - 1) * dilations[i]! + 1);
  if (pads.some((pad, i) => pad < 0 || pad >= spans[i % spans.length]!)) return null;
  if (spatial.some((size, i) => size + pads[i]! + pads[i + spatial.length]! < spans[i]!))
    return null;
  const shape = [x.dims[0]!, ...spatial, channels];
  const { sizes, taps, after, to: count } = poolArguments({ ...window, shape, ceilMode });
  if (count !== product(y.dims.slice(1))) return null;
  const { simd } = c.backend;
  const unsigned = from.unsigned ? 1 : 0;
  const batch = x.dims[0]!;
  if (isMax) {
    const table = levelTable(c, x, y);
    return {
      kernel: 'q8_max_pool',
      bind(at) {
        const [source, target] = [at.input(0), at.output(0)];
        const entries = table?.address;
        return () => {
          simd.q8_max_pool(source, target, batch, ...sizes, ...taps, unsigned);
          if (entries !== undefined) simd.x8_lookup(target, target, entries, y.size);
        };
      },
    };
  }
  const factor = Math.fround(from.scale / to.scale);
  const [zx, zy] = [from.zero - 128 * unsigned, to.zero - 128 * unsigned];
  return {
    kernel: 'q8_average_pool',
    bind(at) {
      const [source, target] = [at.input(0), at.output(0)];
      return () =>
        simd.q8_average_pool(
          source,
          target,
          batch,
          ...sizes,
          ...taps,
          ...after,
          include,
          zx,
          zy,
          factor,
          unsigned,
        );
    },
  };
}

const pool = (op: string, isMax: boolean, isGlobal: boolean): Lowering => ({
  op,
  domain: 'mp',
  lower: (c) => lowerPool(c, isMax, isGlobal),
});

export const int8PoolLowerings: readonly Lowering[] = [
  pool('MaxPool', true, false),
  pool('AveragePool', false, false),
  pool('GlobalMaxPool', true, true),
  pool('GlobalAveragePool', false, true),
];
