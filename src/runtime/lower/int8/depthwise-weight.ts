import type { Levels } from '../../../kernels/int8/bytes.ts';
import type { Int8Job } from './job.ts';

/** Weight of a channel's tap, less the zero point. */
export function depthwiseWeight(
  { c, zeros, geometry }: Int8Job,
  taps: number,
): (channel: number, tap: number) => number {
  const lying = c.knownIn(1, [1, ...geometry.kernel.map((_, i) => i + 2), 0]);
  if (lying !== null) {
    const w = lying.data as Levels;
    const n = zeros.length;
    return (channel, tap) => (tap < taps ? w[tap * n + channel]! - zeros[channel]! : 0);
  }
  const w = c.known(1)!.data as Levels;
  return (channel, tap) => (tap < taps ? w[channel * taps + tap]! - zeros[channel]! : 0);
}
