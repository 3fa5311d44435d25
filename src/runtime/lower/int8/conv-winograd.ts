import { padded } from '../../../kernels/int8/panels.ts';
import {
  type LevelWinograd,
  levelWinograd,
  packLevelWinograd,
  runLevelWinograd,
  sumsAreExact,
} from '../../../kernels/int8/winograd.ts';
import { type Int8Job, type Int8Kind, packNumbers } from './job.ts';
import { lastLevels } from './weights.ts';

/** Time by definition in that of 16-bit products: measured. A dot product of relaxed SIMD takes less than half. */
const productCost = { i16: 1.4, usdot: 0.39, sdot: 0.39 } as const;
/** Transforming one channel of a tile, in such products: of the input, of the result. */
const inputCost = 300;
const outputCost = 600;

function wins({ tiles, channels, outChannels, outHeight, outWidth }: LevelWinograd, cost: number) {
  const tile = 36 * channels * outChannels + inputCost * channels + outputCost * outChannels;
  return tiles * tile < cost * 9 * outHeight * outWidth * channels * outChannels;
}

/** 3 × 3 by Winograd's F(4 × 4, 3 × 3), where it is faster and exact; else null. */
export function winogradOf(job: Int8Job): LevelWinograd | null {
  const { c, geometry, from, rule, bias, zeros, engine } = job;
  if (rule.scales === null) return null;
  const plan = levelWinograd(geometry);
  if (plan === null || !wins(plan, productCost[engine.mode])) return null;
  const most = Math.max(from.max - from.zero, from.zero - from.min);
  const weights = () => lastLevels(c, geometry.outChannels, geometry.channels, 9);
  return sumsAreExact(plan, weights, zeros, bias, most) ? plan : null;
}

/** Sums are those of `dense`, bit for bit. */
export function winograd(job: Int8Job, plan: LevelWinograd): Int8Kind {
  const { c, from, rule, bias, zeros } = job;
  const { backend } = c;
  const { channels, outChannels } = plan;
  const wide = padded(outChannels);
  const weights = c.pack('int8 winograd', [1], plan.weightBytes, (address) => {
    const levels = lastLevels(c, outChannels, channels, 9);
    packLevelWinograd(backend, plan, levels, zeros, address);
  });
  const first = Int32Array.from({ length: wide }, (_, j) => bias?.[j] ?? 0);
  const factors = Float32Array.from({ length: wide }, (_, j) => rule.scales![j] ?? 0);
  const init = packNumbers(c, 'winograd init', rule, first);
  const scales = packNumbers(c, 'winograd scales', rule, factors);
  const means = {
    xZero: from.zero,
    isUnsigned: from.unsigned,
    zero: rule.zero,
    lo: rule.lo,
    hi: rule.hi,
  };
  return {
    kernel: 'q8_winograd',
    scratchBytes: plan.scratchBytes,
    bind(x, y, scratch) {
      const places = {
        x,
        weights: weights.address,
        bias: init.address,
        scales: scales.address,
        y,
        scratch,
      };
      return () => runLevelWinograd(backend, plan, places, means);
    },
  };
}
