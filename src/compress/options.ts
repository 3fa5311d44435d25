import { rangeError, typeError } from '../core/errors.ts';
import type { Feeds } from '../runtime/runner.ts';
import type { ActivationSettings } from './activations/quantize.ts';
import type { TargetRuntime } from './activations/roles.ts';
import { type CalibrationMethod, calibrationMethods } from './calibration/index.ts';
import type { DynamicForm } from './dynamic/products.ts';
import { bitsOf, type Granularity, isStorage, type Storage } from './scheme.ts';

export interface QuantizeSettings {
  /** Integers or half floats that weights are stored in. */
  weights: Storage | 'float16';
  /** `weight-only`: activations stay float. `dynamic`: what matrix products read is quantized at run time. `static`: it is
   *  integers too, with levels that calibration finds. Default: static where calibration is given. */
  mode?: 'weight-only' | 'dynamic' | 'static';
  /** Integers of activations, for `static`. Default int8; TFLite has no other beside weights with a scale for each
   *  output. */
  activations?: 'int8' | 'uint8';
  /** How ranges come of the samples, for `static`. Default minmax. */
  calibrationMethod?: CalibrationMethod;
  /** Runtime that the operators on integers are chosen for, for `static` and `dynamic`. Default: tflite for a TFLite
   *  model, else onnxruntime. */
  target?: TargetRuntime;
  /** One scale per tensor, per output channel, or per block of what is summed over. Default: channel for 8 bits,
   *  block for 4. */
  granularity?: Granularity;
  /** Elements that share a scale, for `block`. Default 32. */
  blockSize?: number;
  /** Range ±max with zero point 0 (int8 in [−127, 127]), or the weight's own minimum and maximum. Default: for each
   *  weight, its own range where that is more exact by at least 1 dB; always for unsigned integers. */
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
  /** Samples to find the ranges of computed values on, for static quantization: feeds of the model. */
  calibration?: Iterable<Feeds> | AsyncIterable<Feeds>;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

export interface ResolvedQuantize {
  weights: Storage | 'float16';
  granularity: Granularity;
  blockSize: number;
  /** null: whichever is more exact, weight by weight. */
  symmetric: boolean | null;
  minElements: number;
  minSqnrDb: number;
  /** How activations become integers; null where they stay float. */
  activations: ActivationSettings | null;
  /** What shares a scale where products quantize what they read at run time; null where they don't. */
  dynamic: DynamicForm | null;
}

const storages = 'int8 | uint8 | int4 | uint4 | float16';

/** @param isCalibrated  whether ranges of activations can be found
 *  @param format  of the model: TFLite files have no blocks, and their kernels take symmetric integers
 *  @throws {TypeError | RangeError} an option that is not one, or out of its range */
export function resolveQuantize(
  option: QuantizeOption,
  format = 'onnx',
  isCalibrated = false,
): ResolvedQuantize {
  const given: QuantizeSettings = typeof option === 'string' ? { weights: option } : option;
  if (typeof given !== 'object' || given === null)
    throw typeError('quantize', `${storages}, or settings`, option);
  const known = [
    'weights',
    'mode',
    'activations',
    'target',
    'calibrationMethod',
    'granularity',
    'blockSize',
    'symmetric',
    'minElements',
    'minSqnrDb',
  ];
  for (const key of Object.keys(given))
    if (!known.includes(key)) throw rangeError('quantize', known.join(' | '), key);
  const { weights } = given;
  if (weights !== 'float16' && !isStorage(weights)) throw rangeError('quantize', storages, weights);
  const activations = resolveActivations(given, format, isCalibrated);
  const bits = weights === 'float16' ? 16 : bitsOf[weights];
  const hasBlocks = format !== 'tflite';
  const granularities = hasBlocks ? ['tensor', 'channel', 'block'] : ['tensor', 'channel'];
  const byBlock = given.blockSize !== undefined || (bits === 4 && hasBlocks);
  const granularity = given.granularity ?? (byBlock ? 'block' : 'channel');
  if (!granularities.includes(granularity)) {
    const expected = `${granularities.join(' | ')}${hasBlocks ? '' : ' for a TFLite model'}`;
    throw rangeError('quantize.granularity', expected, granularity);
  }
  const blockSize = given.blockSize ?? 32;
  if (![16, 32, 64, 128, 256].includes(blockSize)) {
    throw rangeError('quantize.blockSize', '16 | 32 | 64 | 128 | 256', blockSize);
  }
  const isSigned = weights !== 'uint8' && weights !== 'uint4';
  return {
    weights,
    granularity,
    blockSize,
    symmetric: given.symmetric ?? (isSigned ? (format === 'tflite' ? true : null) : false),
    minElements: atLeastZero('quantize.minElements', given.minElements ?? 64),
    minSqnrDb: given.minSqnrDb ?? (bits === 8 ? 20 : bits === 4 ? 6 : Number.NEGATIVE_INFINITY),
    activations,
    dynamic: resolveDynamic(given, format),
  };
}

const targets: readonly TargetRuntime[] = ['onnxruntime', 'tflite', 'modelpress'];

/** One scale for each row where this package runs the model, else the form that runtimes have kernels for. */
function resolveDynamic(
  { mode, weights, activations, target }: QuantizeSettings,
  format: string,
): DynamicForm | null {
  if (mode !== 'dynamic') return null;
  if (weights !== 'int8') throw rangeError('quantize.weights', 'int8 for mode dynamic', weights);
  if (activations !== undefined)
    throw rangeError('quantize.activations', 'nothing unless mode is static', activations);
  const runtime = targetOf(target, format);
  if (runtime === 'tflite') return null;
  return runtime === 'modelpress' ? 'row' : 'tensor';
}

function targetOf(target: TargetRuntime | undefined, format: string): TargetRuntime {
  const runtime = target ?? (format === 'tflite' ? 'tflite' : 'onnxruntime');
  if (!targets.includes(runtime)) throw rangeError('quantize.target', targets.join(' | '), target);
  return runtime;
}

function resolveActivations(
  { weights, mode, activations, target, calibrationMethod = 'minmax' }: QuantizeSettings,
  format: string,
  isCalibrated: boolean,
): ActivationSettings | null {
  const chosen = mode ?? (isCalibrated && weights === 'int8' ? 'static' : 'weight-only');
  if (chosen === 'dynamic') return null;
  if (chosen === 'weight-only') {
    if (activations !== undefined)
      throw rangeError('quantize.activations', 'nothing unless mode is static', activations);
    return null;
  }
  if (chosen !== 'static')
    throw rangeError('quantize.mode', 'weight-only | dynamic | static', mode);
  if (!isCalibrated) throw rangeError('calibration', 'given for mode static', undefined);
  if (weights !== 'int8') throw rangeError('quantize.weights', 'int8 for mode static', weights);
  const isTflite = format === 'tflite';
  const storages = isTflite ? ['int8'] : ['int8', 'uint8'];
  const storage = activations ?? 'int8';
  if (!storages.includes(storage))
    throw rangeError('quantize.activations', storages.join(' | '), activations);
  const runtime = targetOf(target, format);
  if (!calibrationMethods.includes(calibrationMethod))
    throw rangeError(
      'quantize.calibrationMethod',
      calibrationMethods.join(' | '),
      calibrationMethod,
    );
  return { storage, target: runtime, method: calibrationMethod };
}

function atLeastZero(name: string, value: number): number {
  if (typeof value !== 'number' || !(value >= 0)) throw rangeError(name, 'a number ≥ 0', value);
  return value;
}
