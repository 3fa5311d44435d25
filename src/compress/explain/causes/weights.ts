import type { Cause } from '../../../report/explanation.ts';
import { formatDecibels, formatNumber } from '../../../report/units.ts';
import { powerOf } from '../../sensitivity/rounding.ts';
import type { LayerPair } from '../pair.ts';
import type { Place } from '../sources.ts';
import {
  amplitudeDb,
  channelsText,
  type Evidence,
  median,
  severityOf,
  shareOf,
} from './evidence.ts';

/** Largest size of the weights of each channel. */
function sizes(
  { reference: { constant, channel } }: LayerPair,
  weights: Float32Array,
): Float64Array {
  const { shape } = constant;
  const count = shape[channel]!;
  const inner = shape.slice(channel + 1).reduce((product, size) => product * size, 1);
  const most = new Float64Array(count);
  weights.forEach((weight, i) => {
    const at = Math.floor(i / inner) % count;
    if (Math.abs(weight) > most[at]!) most[at] = Math.abs(weight);
  });
  return most;
}

/** What is wrong with how the weights of a product are stored. */
export function weightCauses(evidence: Evidence, place: Place): Cause[] {
  const { pair, name } = place;
  if (pair === null || place.weights === null) return [];
  const share = shareOf(evidence, name, ['weights']);
  const wrong = wrongNumbers(pair);
  if (wrong !== null) {
    const severity = wrong.noise > 0.01 ? 'fault' : (severityOf(evidence, share) ?? 'hint');
    const { code, text, gainDb } = wrong;
    return [{ code, severity, layer: pair.key, share, gainDb, text }];
  }
  const severity = severityOf(evidence, share);
  if (severity === null) return [];
  const shared = sharedScale(pair, place.weights);
  return shared === null ? [] : [{ ...shared, severity, layer: pair.key, share }];
}

interface Wrong {
  code: 'wrong-levels' | 'sign-mix-up';
  text: string;
  gainDb: number;
  /** Of what the weights themselves are. */
  noise: number;
}

/** The other's weights are not the reference's rounded, but a function of them that can be told. */
function wrongNumbers(pair: LayerPair): Wrong | null {
  const { before, after, key, other } = pair;
  const error = after.map((x, i) => x - before[i]!);
  const [signal, noise] = [powerOf(before), powerOf(error)];
  if (signal === 0 || noise < 1e-4 * signal) return null;
  const scales = other.weight.quantization?.scale ?? new Float32Array(0);
  const wrapped = wrappedShare(pair, error);
  if (wrapped > 0.05) {
    return {
      code: 'sign-mix-up',
      noise: noise / signal,
      gainDb: amplitudeDb(Math.sqrt(signal), median(scales)) + 10,
      text: `weights of "${key}" are off by 256 or 128 levels for ${Math.round(100 * wrapped)} % of them: signed integers are read as unsigned ones, or the reverse`,
    };
  }
  const { slope, offset, rest } = fitted(before, after);
  if (rest > 0.1 * noise) return null;
  const step = median(scales);
  const byOffset = Math.abs(offset) > 0.5 * Math.sqrt(noise);
  const what = byOffset
    ? `weights of "${key}" are all off by ${formatNumber(offset)}${step > 0 ? `, ${Math.round(offset / step)} levels` : ''}: their zero point is wrong`
    : `weights of "${key}" are ${formatNumber(slope)} times those of the reference: their scale is wrong`;
  const gainDb = amplitudeDb(Math.sqrt(noise), Math.sqrt(rest));
  const code = 'wrong-levels' as const;
  return {
    code,
    noise: noise / signal,
    gainDb,
    text: `${what}; the right one gains ${formatDecibels(gainDb)} there`,
  };
}

/** The line through the weights, and the mean square of what it leaves. */
function fitted(
  xs: Float32Array,
  ys: Float32Array,
): { slope: number; offset: number; rest: number } {
  const n = xs.length;
  let [x, y, xx, xy] = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    x += xs[i]!;
    y += ys[i]!;
    xx += xs[i]! * xs[i]!;
    xy += xs[i]! * ys[i]!;
  }
  const spread = xx - (x * x) / n;
  const slope = spread > 0 ? (xy - (x * y) / n) / spread : 1;
  const offset = (y - slope * x) / n;
  let rest = 0;
  for (let i = 0; i < n; i++) rest += (ys[i]! - slope * xs[i]! - offset) ** 2 / n;
  return { slope, offset, rest };
}

/** Part of the weights that are 256 or 128 levels off. */
function wrappedShare({ other, reference }: LayerPair, error: Float32Array): number {
  const { quantization } = other.weight;
  if (quantization === null) return 0;
  const { scale, blockSize } = quantization;
  if (blockSize !== null || !/int8$/.test(quantization.storage)) return 0;
  const { shape } = reference.constant;
  const inner = shape.slice(reference.channel + 1).reduce((product, size) => product * size, 1);
  let count = 0;
  error.forEach((x, i) => {
    const at = scale.length === 1 ? 0 : Math.floor(i / inner) % scale.length;
    const levels = Math.abs(x / scale[at]!);
    if (Math.abs(levels - 256) < 4 || Math.abs(levels - 128) < 4) count++;
  });
  return count / error.length;
}

/** One scale for weights of which channels differ: what one each would gain. */
function sharedScale(
  pair: LayerPair,
  error: Float32Array,
): Pick<Cause, 'code' | 'gainDb' | 'text'> | null {
  const { quantization } = pair.other.weight;
  if (quantization === null || quantization.scale.length !== 1) return null;
  const most = sizes(pair, pair.before);
  const middle = median([...most].filter((size) => size > 0));
  const widest = most.reduce((a, b) => Math.max(a, b), 0);
  if (most.length < 2 || widest < 3 * middle) return null;
  const levels = quantization.storage.endsWith('4') ? 7 : 127;
  const own = most.reduce((sum, size) => sum + (size / levels) ** 2 / 12, 0) / most.length;
  const gainDb = amplitudeDb(Math.sqrt(powerOf(error)), Math.sqrt(own));
  if (gainDb < 6) return null;
  const at = most.indexOf(widest);
  return {
    code: 'per-tensor-weights',
    gainDb,
    text: `weights of "${pair.key}" share one scale, and those of channel ${at} are ${formatNumber(widest / middle)} times the median channel's: one scale for each channel would gain ${formatDecibels(gainDb)} there`,
  };
}

/** More layers than these with dead channels are named in one sentence. */
const mostDead = 3;

/** Channels of which the weights are all but 0. */
export function deadChannels({ sides }: Evidence): Cause[] {
  const found = [...sides.pairs.layers.values()].flatMap((pair) => {
    const most = sizes(pair, pair.before);
    const widest = most.reduce((a, b) => Math.max(a, b), 0);
    const dead = [...most.keys()].filter((channel) => most[channel]! <= 1e-6 * widest);
    return dead.length === 0 || widest === 0 ? [] : [{ pair, dead, count: most.length, widest }];
  });
  const cause = (layer: string | null, text: string): Cause => ({
    ...{ code: 'dead-channel', severity: 'hint', layer, share: null, gainDb: null, text },
  });
  const part = (dead: number, all: number): string => `${Math.round((100 * dead) / all)} %`;
  if (found.length <= mostDead)
    return found.map(({ pair, dead, count, widest }) =>
      cause(
        pair.key,
        `${dead.length} of ${count} channels of "${pair.key}" are dead (${channelsText(dead)}): their weights are below a millionth of the largest, ${formatNumber(widest)}; without them the layer is ${part(dead.length, count)} smaller`,
      ),
    );
  const all = found.reduce((sum, { count }) => sum + count, 0);
  const dead = found.reduce((sum, layer) => sum + layer.dead.length, 0);
  const worst = found.reduce((a, b) => (b.dead.length / b.count > a.dead.length / a.count ? b : a));
  return [
    cause(
      null,
      `${dead} of ${all} channels of ${found.length} layers are dead: their weights are below a millionth of the layer's largest; most of all in "${worst.pair.key}" (${worst.dead.length} of ${worst.count}); without them these layers are smaller by far`,
    ),
  ];
}

const mostInt32 = 2 ** 31 - 1;

/** Biases that int32 could not hold, or that made the steps of weights larger. */
export function biasCauses(evidence: Evidence, place: Place): Cause[] {
  const { pair, bias, name } = place;
  const stored = pair?.other.bias?.quantization ?? null;
  if (pair === null || bias === null || stored === null) return [];
  const steps = (channel: number): number => stored.scale[stored.scale.length === 1 ? 0 : channel]!;
  const off = [...bias.keys()].filter((channel) => Math.abs(bias[channel]!) > 2 * steps(channel));
  if (off.length === 0) return [];
  const first = off.reduce((a, b) => (Math.abs(bias[b]!) > Math.abs(bias[a]!) ? b : a));
  // What is stored must be at the end of int32 for it to be cut off.
  const kept = pair.other.bias === null ? 0 : (evidenceBias(evidence, pair, first) ?? 0);
  const isClamped = Math.abs(kept / steps(first)) > 0.99 * mostInt32;
  if (!isClamped && evidence.movedBiases.has(pair.key)) return [];
  const share = shareOf(evidence, name, isClamped ? ['bias', 'weights'] : ['bias']);
  if (!isClamped && severityOf(evidence, share) === null) return [];
  const severity = severityOf(evidence, Math.max(share, 0)) ?? (isClamped ? 'fault' : 'hint');
  const wanted = kept - bias[first]!;
  const code = isClamped ? 'bias-clamp' : 'wrong-levels';
  const text = isClamped
    ? `the bias of ${channelsText(off)} of "${pair.key}" is cut off: ${formatNumber(wanted)} is ${formatNumber(wanted / steps(first))} steps of ${formatNumber(steps(first))}, more than int32 holds; larger steps of these channels' weights, or removing them where they are dead, would keep it`
    : `the bias of ${channelsText(off)} of "${pair.key}" is off by up to ${formatNumber(Math.abs(bias[first]!))}, ${formatNumber(Math.abs(bias[first]! / steps(first)))} of its steps: it is stored in the wrong scale`;
  return [{ code, severity, layer: pair.key, share, gainDb: null, text }];
}

function evidenceBias(_: Evidence, pair: LayerPair, channel: number): number | null {
  const value = pair.other.bias;
  const { quantization, constant } = value ?? { quantization: null, constant: null };
  if (quantization === null || constant == null) return null;
  const bytes = constant.data.read(channel * 4, 4);
  if (!(bytes instanceof Uint8Array)) return null;
  const level = new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0, true);
  return level * quantization.scale[quantization.scale.length === 1 ? 0 : channel]!;
}
