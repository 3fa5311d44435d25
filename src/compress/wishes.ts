import { rangeError, typeError } from '../core/errors.ts';
import {
  type AutoSettings,
  type CompressOptions,
  type QuantizeSettings,
  storages,
} from './options.ts';

/** Whether what is done is to be found out. */
export function isAuto(
  option: CompressOptions['quantize'],
): option is 'auto' | (AutoSettings & { weights: 'auto' }) {
  return option === 'auto' || (typeof option === 'object' && option?.weights === 'auto');
}

/** What holds for all that is tried.
 *  @throws {RangeError} settings that are to be found out */
export function autoSettings(
  option: CompressOptions['quantize'],
  { target }: Pick<CompressOptions, 'target'>,
): AutoSettings {
  const { weights: _, ...given }: Partial<QuantizeSettings> | { weights: 'auto' } =
    typeof option === 'object' ? option : { weights: 'auto' as const };
  for (const key of ['mode', 'scheme', 'ranges'])
    if (key in given) throw rangeError('quantize', `no ${key} beside auto`, key);
  return target === undefined ? given : { target, ...given };
}

/** Settings of an option, with what is said of the whole model in them; null without one. */
export function settingsOf(
  option: CompressOptions['quantize'],
  { target }: Pick<CompressOptions, 'target'>,
): QuantizeSettings | null {
  if (option === undefined || isAuto(option)) return null;
  if (typeof option !== 'string' && (typeof option !== 'object' || option === null))
    throw typeError('quantize', `${storages}, or settings`, option);
  const given = typeof option === 'string' ? { weights: option } : option;
  return target === undefined ? given : { target, ...given };
}
