import { rangeError } from '../../core/errors.ts';
import { calibrationMethods } from '../calibration/index.ts';
import type { QuantizeSettings } from '../options.ts';
import type { LevelStorage } from '../scheme.ts';
import { checkRanges } from './given.ts';
import type { ActivationSettings } from './quantize.ts';

/** What settings say of activations; null where they stay real numbers, or are quantized at run time.
 *  @param format  of the model: TFLite's kernels take symmetric integers
 *  @param isCalibrated  whether ranges can be found
 *  @throws {RangeError} an option that is not one, or excludes another */
export function resolveActivations(
  settings: QuantizeSettings,
  format: string,
  isCalibrated: boolean,
): ActivationSettings | null {
  const { weights, mode, activations, target, calibrationMethod = 'minmax' } = settings;
  const { scheme = null, ioTypes = 'float32', ranges } = settings;
  const isKnown = isCalibrated || ranges !== undefined;
  const isStatic = (isKnown && weights === 'int8') || scheme !== null;
  const chosen = mode ?? (isStatic ? 'static' : 'weight-only');
  if (chosen === 'weight-only' || chosen === 'dynamic') {
    for (const name of ['activations', 'scheme', 'ranges', 'ioTypes'] as const)
      if (settings[name] !== undefined)
        throw rangeError(`quantize.${name}`, 'nothing unless mode is static', settings[name]);
    return null;
  }
  if (chosen !== 'static')
    throw rangeError('quantize.mode', 'weight-only | dynamic | static', mode);
  if (!isKnown) throw rangeError('calibration', 'given for mode static', undefined);
  if (weights !== 'int8' && (weights !== 'int4' || scheme !== null))
    throw rangeError('quantize.weights', 'int8 | int4 for mode static', weights);
  const isTflite = format === 'tflite' || scheme !== null;
  const storages: readonly LevelStorage[] =
    scheme !== null
      ? ['int8']
      : isTflite
        ? ['int8', 'int16']
        : ['int8', 'uint8', 'int16', 'uint16'];
  const storage = activations ?? 'int8';
  if (!storages.includes(storage))
    throw rangeError('quantize.activations', storages.join(' | '), activations);
  const runtime = target ?? (isTflite ? 'tflite' : 'onnxruntime');
  if (!calibrationMethods.includes(calibrationMethod))
    throw rangeError(
      'quantize.calibrationMethod',
      calibrationMethods.join(' | '),
      calibrationMethod,
    );
  if (scheme !== null && runtime !== 'tflite')
    throw rangeError('quantize.target', 'tflite beside a scheme', target);
  if (ioTypes !== 'float32' && ioTypes !== 'int8')
    throw rangeError('quantize.ioTypes', 'float32 | int8', ioTypes);
  if (ioTypes === 'int8' && storage !== 'int8')
    throw rangeError('quantize.ioTypes', 'float32 beside uint8 activations', ioTypes);
  const given = checkRanges(ranges ?? {}, storage);
  return { storage, target: runtime, method: calibrationMethod, scheme, ioTypes, ranges: given };
}
