import { rangeError, typeError } from '../core/errors.ts';
import type { Feeds } from '../runtime/runner.ts';
import { type ConverterScheme, converterSchemes } from './activations/converter.ts';
import type { GivenRange } from './activations/given.ts';
import type { ActivationSettings } from './activations/quantize.ts';
import { resolveActivations } from './activations/resolve.ts';
import type { TargetRuntime } from './activations/roles.ts';
import type { CalibrationMethod } from './calibration/index.ts';
import { type BlockForm, leastWeights, resolveForm } from './dynamic/options.ts';
import type { DynamicForm } from './dynamic/products.ts';
import type { Plan } from './plan.ts';
import { type RecoverSettings, type ResolvedRecover, resolveRecover } from './recovery/settings.ts';
import { type Rounding, roundings } from './rounding/round.ts';
import { bitsOf, type Granularity, isStorage, type LevelStorage, type Storage } from './scheme.ts';

export interface QuantizeSettings {
  /** Integers or half floats that weights are stored in. */
  weights: Storage | 'float16';
  /** `weight-only`: activations stay float. `dynamic`: what matrix products read is quantized at run time. `static`: it is
   *  integers too, with levels that calibration finds. Default: static where calibration is given. */
  mode?: 'weight-only' | 'dynamic' | 'static';
  /** Integers of activations, for `static`. Default int8. TFLite has int8, and int16 around zero, beside weights with a scale
   *  for each output; int16 and uint16 are 40 dB more exact, take operator set 21 of ONNX, and are computed with real
   *  numbers by runtimes that have no kernels for them. */
  activations?: LevelStorage;
  /** How ranges come of the samples, for `static`. Default: minmax, or what serves the outputs clearly better among mse and
   *  percentile; minmax alone where `minOutputDb` is null. */
  calibrationMethod?: CalibrationMethod;
  /** Runtime that the operators on integers are chosen for, for `static` and `dynamic`. Default: tflite for a TFLite
   *  model, else onnxruntime. */
  target?: TargetRuntime;
  /** One scale per tensor, per output channel, or per block of what is summed over. Default: channel for 8 bits,
   *  for convolutions, and where activations are integers; block for other weights of 4 bits; in static TFLite models, matrices whose weights have 35 dB with
   *  one scale get one: scales and zero points take bytes. */
  granularity?: Granularity;
  /** At 4 bits with calibration: share of the weights that may keep 8 bits, in the layers where samples show that 4 bits cost
   *  the outputs most. Default 1/8; 0: none. */
  eightBits?: number;
  /** Elements that share a scale, for `block`. Default 32. */
  blockSize?: number;
  /** How ONNX says matrices in blocks: DequantizeLinear in front of the product, which any runtime of opset 21 folds into a
   *  float matrix; or com.microsoft MatMulNBits, which onnxruntime has kernels for. Default dequantize; nbits under mode
   *  `dynamic`. */
  form?: BlockForm;
  /** Range ±max with zero point 0 (int8 in [−127, 127]), or the weight's own minimum and maximum; at 4 bits the part of
   *  either that has the least squared error. Default: for each weight, its own range where that is more exact by at least
   *  1 dB; always for unsigned integers. */
  symmetric?: boolean;
  /** Scales, zero points, weights and biases exactly as TFLite's converter computes them: `tflite` as it did until 2021
   *  (the models of MLPerf Tiny), `tflite-mlir` as it does since. Static int8 for TFLite's operators, matrices with
   *  one scale unless the granularity is `channel`; nothing stays float for its accuracy's sake. */
  scheme?: ConverterScheme;
  /** What is known about computed values, by name: their range, or the levels themselves. Values that are not named come
   *  from the calibration, or stay float without one. See `rangesLike`, and `Plan.activations`. For `static`. */
  ranges?: Readonly<Record<string, GivenRange>>;
  /** Whether the model takes and gives real numbers that are quantized inside (default), or int8, for `static`. */
  ioTypes?: 'float32' | 'int8';
  /** Weights of fewer elements stay float. Default 64; 1,024 for TFLite under mode `dynamic`, as its converter has it. */
  minElements?: number;
  /** Weights whose own signal-to-noise ratio would be less stay float, dB. Default 20 at 8 bits, 6 at 4. */
  minSqnrDb?: number;
  /** Whether, and how, a static model is changed so that it loses less: what gains nothing on the samples is left. Default
   *  everything there is. */
  recover?: boolean | RecoverSettings;
  /** Keep int8 weights of products on integers within 7 bits: on x86 processors without VNNI, onnxruntime's sums of two
   *  products of 8 bits may saturate. Costs 6 dB of the weights. Default false; a report warns where it may matter. */
  reduceRange?: boolean;
  /** Least signal-to-noise ratio of the model's outputs on samples of the calibration, dB: what keeps them from it stays
   *  float. Default with calibration: 25 for weights of 8 bits and more, nothing for 4 bits and under a `scheme`; null:
   *  nothing is put back. */
  minOutputDb?: number | null;
  /** How weights get their levels, where there is calibration: each its nearest one, or so that the layer's output changes
   *  least on the samples, element by element (`gptq`), or that with improvements until there are none (`adaround`).
   *  Biases are corrected along. Default: adaround for 4 bits that are not static or dynamic, else nearest. */
  rounding?: Rounding;
  /** Layers that are to be stored otherwise, by the name of an operator, of its weights or of its first output. */
  layers?: Readonly<Record<string, LayerOption>>;
}

/** How one layer is stored: as it is, with other weights, or with settings in place of the whole model's. */
export type LayerOption =
  | 'float32'
  | 'float16'
  | 'int8'
  | 'int4'
  | Partial<Omit<QuantizeSettings, 'layers'>>;

/** `int8`, `uint8`, `int4`, `uint4`, `float16`, or settings. */
export type QuantizeOption = Storage | 'float16' | QuantizeSettings;

/** Settings that hold whatever `auto` chooses. */
export type AutoSettings = Omit<QuantizeSettings, 'weights' | 'mode' | 'scheme' | 'ranges'>;

export interface Progress {
  stage: string;
  done: number;
  total: number;
  name: string;
}

export interface CompressOptions {
  /** `auto`, or settings with `weights: 'auto'`: static int8 (with calibration), dynamic and weight-only int8 are tried and
   *  judged, and the smallest whose outputs are near enough is taken. */
  quantize?: QuantizeOption | 'auto' | (AutoSettings & { weights: 'auto' });
  /** What `compress` gave before: the same is done again, without choosing. Takes the place of `quantize`. */
  plan?: Plan;
  /** Give a result whose outputs are far from the original's, or that is larger, too; else these are an AgreementError, and
   *  the model as it was. */
  force?: boolean;
  /** Samples to find the ranges of computed values on, for static quantization: feeds of the model. */
  calibration?: Iterable<Feeds> | AsyncIterable<Feeds>;
  /** Runtime that the model must run in. Default: tflite for a TFLite model, else onnxruntime. */
  target?: TargetRuntime;
  /** Of what is drawn at random. Default 0. */
  seed?: number;
  /** Whether values within the model keep their names (default), or get short ones, which take fewer bytes. */
  names?: 'keep' | 'short';
  /** Whether the report says where the error of the outputs comes from, on the samples that judge; with calibration.
   *  Costs two or three runs a layer for each of at most 4 samples. Default false. */
  explain?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

export interface ResolvedQuantize {
  weights: Storage | 'float16';
  granularity: Granularity;
  /** Whether matrices get one scale where that is as good as one for each output. */
  wholeWhereGood: boolean;
  blockSize: number;
  /** null: whichever is more exact, weight by weight. */
  symmetric: boolean | null;
  minElements: number;
  minSqnrDb: number;
  /** null: what it may be. */
  minOutputDb: number | null;
  reduceRange: boolean;
  rounding: Rounding;
  /** Share of the weights that may keep 8 bits where most have 4. */
  eightBits: number;
  /** Whether convolutions have blocks, too, where weights have them. */
  convBlocks: boolean;
  /** Whose arithmetic gives the parameters; null: ours. */
  scheme: ConverterScheme | null;
  /** How activations become integers; null where they stay float. */
  activations: ActivationSettings | null;
  /** What is tried so that static quantization loses less. */
  recover: ResolvedRecover;
  form: BlockForm;
  /** What shares a scale where products quantize what they read at run time; null where they don't. */
  dynamic: DynamicForm | null;
}

/** What a model can be made for. */
export const targets: readonly TargetRuntime[] = [
  'onnxruntime',
  'onnxruntime-web',
  'tflite',
  'modelpress',
];

export const storages = 'int8 | uint8 | int4 | uint4 | float16';

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
    'form',
    'symmetric',
    'scheme',
    'ranges',
    'ioTypes',
    'minElements',
    'minSqnrDb',
    'recover',
    'minOutputDb',
    'reduceRange',
    'eightBits',
    'rounding',
    'layers',
  ];
  for (const key of Object.keys(given))
    if (!known.includes(key)) throw rangeError('quantize', known.join(' | '), key);
  const { weights, target, scheme = null } = given;
  if (scheme !== null && !converterSchemes.includes(scheme))
    throw rangeError('quantize.scheme', converterSchemes.join(' | '), scheme);
  if (target !== undefined && !targets.includes(target))
    throw rangeError('quantize.target', targets.join(' | '), target);
  if (weights !== 'float16' && !isStorage(weights)) throw rangeError('quantize', storages, weights);
  const activations = resolveActivations(given, format, isCalibrated);
  const bits = weights === 'float16' ? 16 : bitsOf[weights];
  const hasBlocks = format !== 'tflite' && scheme === null;
  const granularities = hasBlocks ? ['tensor', 'channel', 'block'] : ['tensor', 'channel'];
  const byBlock =
    given.blockSize !== undefined || (bits === 4 && hasBlocks && activations === null);
  const granularity =
    given.granularity ?? (byBlock ? 'block' : scheme === null ? 'channel' : 'tensor');
  if (!granularities.includes(granularity)) {
    const expected = `${granularities.join(' | ')}${hasBlocks ? '' : ' for a TFLite model'}`;
    throw rangeError('quantize.granularity', expected, granularity);
  }
  const blockSize = given.blockSize ?? 32;
  if (![16, 32, 64, 128, 256].includes(blockSize)) {
    throw rangeError('quantize.blockSize', '16 | 32 | 64 | 128 | 256', blockSize);
  }
  const dynamic = resolveForm(given, granularity, format);
  const isSigned = weights !== 'uint8' && weights !== 'uint4';
  return {
    weights,
    granularity,
    wholeWhereGood:
      format === 'tflite' &&
      scheme === null &&
      given.granularity === undefined &&
      activations !== null,
    blockSize,
    symmetric: given.symmetric ?? (isSigned ? (format === 'tflite' ? true : null) : false),
    minElements: atLeastZero(
      'quantize.minElements',
      given.minElements ?? (dynamic.dynamic === 'hybrid' ? leastWeights : 64),
    ),
    minSqnrDb: given.minSqnrDb ?? (scheme === null ? leastDb(bits) : Number.NEGATIVE_INFINITY),
    minOutputDb: resolveOutput(given, bits),
    reduceRange: given.reduceRange === true,
    rounding: resolveRounding(given, bits, isCalibrated),
    eightBits: resolveEightBits(given, bits, isCalibrated),
    convBlocks: given.granularity === 'block' || given.blockSize !== undefined,
    scheme,
    activations,
    recover: resolveRecover(given.recover),
    ...dynamic,
  };
}

/** One layer's settings; null where it stays as it is.
 *  @param name   as the caller calls it, for errors
 *  @param whole  settings of the model: they hold where the layer says nothing
 *  @throws {TypeError | RangeError} as resolveQuantize does */
export function resolveLayer(
  name: string,
  option: LayerOption,
  whole: QuantizeSettings,
  format: string,
  isCalibrated: boolean,
): ResolvedQuantize | null {
  if (option === 'float32') return null;
  const at = `quantize.layers["${name}"]`;
  const words = ['float16', 'int8', 'int4'];
  if (typeof option === 'string' && !words.includes(option))
    throw rangeError(at, `float32 | ${words.join(' | ')}, or settings`, option);
  if (typeof option !== 'string' && (typeof option !== 'object' || option === null))
    throw typeError(at, `float32 | ${words.join(' | ')}, or settings`, option);
  const own: Partial<QuantizeSettings> = typeof option === 'string' ? { weights: option } : option;
  if ('layers' in own) throw rangeError(at, 'settings of one layer', 'layers');
  const { layers: _, ...rest } = whole;
  const isOther =
    (own.weights !== undefined && own.weights !== whole.weights) || own.mode === 'weight-only';
  // What was said for other integers does not hold for these.
  const common = isOther ? { target: rest.target, minElements: rest.minElements } : rest;
  const settings = Object.fromEntries(
    Object.entries({ ...common, ...own }).filter(([, value]) => value !== undefined),
  );
  return resolveQuantize(
    { ...settings, weights: own.weights ?? whole.weights },
    format,
    isCalibrated,
  );
}

/** What outputs must keep where nothing is said, dB. */
const leastOutputDb = 25;

function resolveOutput({ minOutputDb, scheme }: QuantizeSettings, bits: number): number | null {
  if (minOutputDb === undefined) return scheme === undefined && bits >= 8 ? leastOutputDb : null;
  if (minOutputDb === null) return null;
  if (typeof minOutputDb !== 'number' || !Number.isFinite(minOutputDb))
    throw rangeError('quantize.minOutputDb', 'decibels, or null', minOutputDb);
  return minOutputDb;
}

function resolveRounding(
  { rounding, scheme }: QuantizeSettings,
  bits: number,
  isCalibrated: boolean,
): Rounding {
  if (rounding === undefined) return bits === 4 && isCalibrated ? 'adaround' : 'nearest';
  if (!roundings.includes(rounding))
    throw rangeError('quantize.rounding', roundings.join(' | '), rounding);
  if (rounding === 'nearest') return rounding;
  if (!isCalibrated) throw rangeError('calibration', `given for rounding ${rounding}`, undefined);
  if (bits === 16 || scheme !== undefined)
    throw rangeError('quantize.rounding', 'nearest for float16, and beside a scheme', rounding);
  return rounding;
}

function resolveEightBits(
  { eightBits }: QuantizeSettings,
  bits: number,
  isCalibrated: boolean,
): number {
  if (eightBits === undefined) return bits === 4 && isCalibrated ? 1 / 8 : 0;
  if (typeof eightBits !== 'number' || !(eightBits >= 0 && eightBits <= 1))
    throw rangeError('quantize.eightBits', 'a share 0..1', eightBits);
  if (eightBits > 0 && bits !== 4)
    throw rangeError('quantize.eightBits', 'nothing unless weights have 4 bits', eightBits);
  return isCalibrated ? eightBits : 0;
}

function leastDb(bits: number): number {
  return bits === 8 ? 20 : bits === 4 ? 6 : Number.NEGATIVE_INFINITY;
}

function atLeastZero(name: string, value: number): number {
  if (typeof value !== 'number' || !(value >= 0)) throw rangeError(name, 'a number ≥ 0', value);
  return value;
}
