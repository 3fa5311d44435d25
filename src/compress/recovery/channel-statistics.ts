import { volume } from '../../core/shape.ts';
import { Tensor } from '../../core/tensor.ts';
import type { Value } from '../../ir/graph.ts';
import type { Feeds } from '../../runtime/runner.ts';
import { floatsOf, type WatchOptions, watch } from '../calibration/watch.ts';
import type { ChannelMap, Channels } from './channels.ts';
import { channelAt, type Digits } from './digits.ts';

/** What a value's channels are over samples. */
export interface ChannelStatistics {
  min: Float64Array;
  max: Float64Array;
  /** E[x²] */
  power: Float64Array;
}

/** Looks at the channels of values, in one pass over samples; those of other sizes than the map is for are left out. */
export async function channelStatistics(
  map: ChannelMap,
  samples: AsyncIterable<Feeds> | Iterable<Feeds>,
  values: readonly (readonly [Value, Channels])[],
  signal?: AbortSignal,
): Promise<Map<Value, ChannelStatistics>> {
  const sums = new Map<string, Sum>();
  for (const [value, { digits, factors }] of values) {
    const size = periodOf(digits, map.shape(value));
    if (size === 0) continue;
    const count = factors.length;
    const channels = Int32Array.from({ length: size }, (_, place) => channelAt(digits, place));
    sums.set(value.name, {
      value,
      channels,
      rows: 0,
      min: new Float64Array(count),
      max: new Float64Array(count),
      power: new Float64Array(count),
    });
  }
  const see: WatchOptions['see'] = (name, tensor) => {
    const data = tensor instanceof Tensor ? floatsOf(tensor) : null;
    const sum = sums.get(name);
    if (data === null || sum === undefined || data.length % sum.channels.length !== 0) return;
    add(sum, data);
  };
  if (sums.size > 0) await watch(map.model, samples, [...sums.keys()], { signal, see });
  const found = new Map<Value, ChannelStatistics>();
  for (const { value, channels, rows, min, max, power } of sums.values()) {
    if (rows === 0) continue;
    const elements = (rows * channels.length) / power.length;
    found.set(value, { min, max, power: power.map((sum) => sum / elements) });
  }
  return found;
}

interface Sum extends ChannelStatistics {
  value: Value;
  /** The channel of each element of one sample. */
  channels: Int32Array;
  rows: number;
}

function add(sum: Sum, data: Float32Array): void {
  const { channels, min, max, power } = sum;
  const size = channels.length;
  for (let from = 0; from < data.length; from += size) {
    for (let i = 0; i < size; i++) {
      const x = data[from + i]!;
      const channel = channels[i]!;
      if (x < min[channel]!) min[channel] = x;
      if (x > max[channel]!) max[channel] = x;
      power[channel]! += x * x;
    }
    sum.rows++;
  }
}

/** Elements after which channels come again: of one sample, where samples are along the first axis. */
function periodOf(digits: Digits, shape: readonly number[] | null): number {
  if (shape === null) return 0;
  const part = volume(shape.slice(1));
  return digits.every(({ inner, size }) => inner * size <= part) ? part : volume(shape);
}
