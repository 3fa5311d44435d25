import { rangeError, typeError } from '../../core/errors.ts';

/** What is tried so that layers lose less when they are quantized; each is kept only where outputs come out nearer on
 *  the calibration samples. */
export interface RecoverSettings {
  /** Ranges of channels made alike, across pairs of layers (cross-layer equalization). */
  equalize?: boolean;
  /** The same behind normalizations (SmoothQuant). */
  smooth?: boolean;
  /** Biases that make up for what rounding shifts the means by. */
  biasCorrection?: boolean;
}

export type ResolvedRecover = Readonly<Required<RecoverSettings>>;

const names = ['equalize', 'smooth', 'biasCorrection'] as const;

/** @throws {TypeError | RangeError} something else than a boolean or settings */
export function resolveRecover(given: boolean | RecoverSettings = true): ResolvedRecover {
  if (typeof given === 'boolean') return { equalize: given, smooth: given, biasCorrection: given };
  if (typeof given !== 'object' || given === null)
    throw typeError('quantize.recover', 'a boolean, or settings', given);
  for (const [name, value] of Object.entries(given)) {
    if (!names.some((known) => known === name))
      throw rangeError('quantize.recover', names.join(' | '), name);
    if (typeof value !== 'boolean') throw typeError(`quantize.recover.${name}`, 'a boolean', value);
  }
  const { equalize = true, smooth = true, biasCorrection = true } = given;
  return { equalize, smooth, biasCorrection };
}
