import { rangeError, typeError } from '../core/errors.ts';
import { bitsOf, type Granularity, isStorage, type Storage } from './scheme.ts';

export interface QuantizeSettings {
  /** Integers or half floats that weights are stored in. */
  weights: Storage | 'float16';
  /** Only weights are quantized: activations stay float. */
  mode?: 'weight-only';
  /** One scale per tensor, per output channel, or per block of what is summed over. Default: channel for 8 bits,
   *  block for 4. */
  granularity?: Granularity;
  /** Elements that share a scale, for `block`. Default 32. */
  blockSize?: number;
  /** Range ±max with zero point 0 (int8 in [−127, 127]), or the weight's own minimum and maximum. Default: true for
   *  signed integers, false for unsigned ones. */
  symmetric?: boolean;
  /** Weights of fewer elements stay float. Default 64. */
  minElements?: number;
  /** Weights whose own signal-to-noise ratio would be less stay float, dB. Default 20 at 8 bits, 6 at 4. */
  minSqnrDb?: number;
}

/** `int8`, `uint8`, `int4`, `uint4`, `float16`, or settings. */
export type QuantizeOption = Storage | 'float16' | QuantizeSettings;

export interface Progress {
  stage: string;
  done: number;
  total: number;
  name: string;
}

export interface CompressOptions {
  quantize?: QuantizeOption;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

export interface ResolvedQuantize {
  weights: Storage | 'float16';
  granularity: Granularity;
  blockSize: number;
  symmetric: boolean;
  minElements: number;
  minSqnrDb: number;
}

const storages = 'int8 | uint8 | int4 | uint4 | float16';

/** @throws {TypeError | RangeError} an option that is not one, or out of its range */
export function resolveQuantize(option: QuantizeOption): ResolvedQuantize {
  const given: QuantizeSettings = typeof option === 'string' ? { weights: option } : option;
  if (typeof given !== 'object' || given === null)
    throw typeError('quantize', `${storages}, or settings`, option);
  const known = [
    'weights',
    'mode',
    'granularity',
    'blockSize',
    'symmetric',
    'minElements',
    'minSqnrDb',
  ];
  for (const key of Object.keys(given))
    if (!known.includes(key)) throw rangeError('quantize', known.join(' | '), key);
  const { weights, mode = 'weight-only' } = given;
  if (weights !== 'float16' && !isStorage(weights)) throw rangeError('quantize', storages, weights);
  if (mode !== 'weight-only') throw rangeError('quantize.mode', 'weight-only', mode);
  const bits = weights === 'float16' ? 16 : bitsOf[weights];
  const granularity =
    given.granularity ?? (given.blockSize !== undefined || bits === 4 ? 'block' : 'channel');
  if (!['tensor', 'channel', 'block'].includes(granularity)) {
    throw rangeError('quantize.granularity', 'tensor | channel | block', granularity);
  }
  const blockSize = given.blockSize ?? 32;
  if (![16, 32, 64, 128, 256].includes(blockSize)) {
    throw rangeError('quantize.blockSize', '16 | 32 | 64 | 128 | 256', blockSize);
  }
  return {
    weights,
    granularity,
    blockSize,
    symmetric: given.symmetric ?? (weights === 'int8' || weights === 'int4'),
    minElements: atLeastZero('quantize.minElements', given.minElements ?? 64),
    minSqnrDb: given.minSqnrDb ?? (bits === 8 ? 20 : bits === 4 ? 6 : Number.NEGATIVE_INFINITY),
  };
}

function atLeastZero(name: string, value: number): number {
  if (typeof value !== 'number' || !(value >= 0)) throw rangeError(name, 'a number ≥ 0', value);
  return value;
}
