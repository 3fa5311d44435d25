import { converterSchemes } from '../compress/activations/converter.ts';
import { calibrationMethods } from '../compress/calibration/index.ts';
import type { CompressOptions, LayerOption, QuantizeSettings } from '../compress/index.ts';
import { targets } from '../compress/options.ts';
import { type Rounding, roundings } from '../compress/rounding/round.ts';
import { levelStorages } from '../compress/scheme.ts';
import { type OptionTable, oneOf, type Parsed, UsageError, wholeNumber } from './options.ts';

/** Options of `compress`. */
export const compressTable: OptionTable = {
  output: { type: 'string', short: 'o' },
  quantize: { type: 'string' },
  mode: { type: 'string' },
  target: { type: 'string' },
  calibration: { type: 'string' },
  'calibration-method': { type: 'string' },
  activations: { type: 'string' },
  rounding: { type: 'string' },
  'reduce-range': { type: 'boolean' },
  'no-recover': { type: 'boolean' },
  layer: { type: 'string', multiple: true },
  'keep-float': { type: 'string', multiple: true },
  'min-sqnr': { type: 'string' },
  'force-quality': { type: 'boolean' },
  plan: { type: 'string' },
  'plan-out': { type: 'string' },
  report: { type: 'string' },
  lossless: { type: 'boolean' },
  scheme: { type: 'string' },
  like: { type: 'string' },
  'io-types': { type: 'string' },
  'short-names': { type: 'boolean' },
  explain: { type: 'boolean' },
  granularity: { type: 'string' },
  'block-size': { type: 'string' },
  form: { type: 'string' },
  affine: { type: 'boolean' },
  symmetric: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  force: { type: 'boolean', short: 'f' },
  full: { type: 'boolean' },
  'no-proof': { type: 'boolean' },
  'external-data': { type: 'boolean' },
  samples: { type: 'string' },
  seed: { type: 'string' },
  input: { type: 'string', multiple: true },
  dim: { type: 'string', multiple: true },
  runner: { type: 'string' },
};

/** Help of `compress`. */
export const compressHelp: string = `modelpress compress IN -o OUT [options]

  -o, --output FILE       where the new model goes; - for standard output
      --quantize TYPE     auto (static, dynamic and weight-only int8 are tried and judged), or int8, uint8, int4, uint4
                          or float16 weights; without it only what loses nothing
      --mode MODE         weight-only, dynamic (matrix products quantize what they read at run time) or static (with
                          --calibration: default)
      --target RUNTIME    where the model is to run: onnxruntime (default for ONNX), onnxruntime-web, tflite, modelpress
      --calibration DATA  samples, for int8 activations too: .npz with an array for each input, samples first;
                          .npy for one input; or a folder of these
      --calibration-method M  range of the activations by minmax, moving-average, percentile, entropy, mse; default:
                          what serves the outputs best of minmax, mse and percentile
      --activations TYPE  int8 (default), uint8, int16 or uint16, for static
      --rounding R        nearest, gptq or adaround: levels that change layers' outputs least on the calibration's samples
                          (4 bits with --calibration: adaround, else nearest)
      --reduce-range      int8 weights of 7 bits, for x86 processors without VNNI (see the report's warnings)
      --no-recover        don't move factors of channels between layers before quantizing
      --layer NAME=TYPE   float32, float16, int8 or int4 for one layer, by the name of its operator, weights or output
      --keep-float NAME   the same as --layer NAME=float32
      --min-sqnr DB       layers that keep the outputs from so many decibels stay float (25 with --calibration or auto
                          at 8 bits); off: none does
      --force-quality     write a model whose outputs are far from the original's, too (less than 10 dB, or --min-sqnr)
      --plan FILE         do what a plan says: the JSON of --plan-out, or of --dry-run --json
      --plan-out FILE     write what is done as a plan
      --report FILE       write the report: as JSON where the name ends in .json, else as text
      --scheme S          tflite, tflite-mlir: scales, weights and biases exactly as TFLite's converter has them
      --like FILE         take the ranges of the activations from a quantized model of the same operators, or from
                          the JSON of --dry-run --json, instead of samples
      --io-types TYPE     float32 (default) or int8: what the model takes and gives
      --short-names       give values within the model names of a few letters: a smaller file
      --explain           say which layers make the error of the outputs, and why; with --calibration
      --granularity G     one scale per tensor, channel (8 bits: default) or block (4 bits: default)
      --block-size N      elements that share a scale: 16, 32 (default), 64, 128, 256
      --form FORM         of weights in blocks: dequantize (default) or nbits (com.microsoft MatMulNBits)
      --affine, --symmetric  use each weight's own minimum and maximum, or ±max around zero
      --samples N         random inputs that both models run on for the proof (4); with --calibration: samples of it
                          that are taken at most (256), the first four for the proof, too
      --seed N            of those inputs (0)
      --input NAME=FILE.npy|NUMBER   use this for an input in the proof
      --dim NAME=SIZE     size of a symbolic dimension in the proof
      --no-proof          don't run the models
      --runner RUNNER     what runs them: modelpress (default), or onnxruntime (onnxruntime-node beside it)
      --external-data     put weights into OUT.data beside OUT
      --dry-run           say what would be done, write nothing
  -f, --force             overwrite OUT
      --full              list every layer and every constant that was kept
      --json              the report as JSON
  -q, --quiet             no progress

Example: modelpress compress model.onnx -o small.onnx --quantize int8
         modelpress compress model.onnx -o small.onnx --quantize auto --calibration images.npz`;

/** What the options ask `compress` for.
 *  @throws {UsageError} options that don't go together */
export function compressOptions({ text, flags, lists }: Parsed): CompressOptions {
  const weights = oneOf('quantize', text.get('quantize'), weightTypes);
  const blockSize = wholeNumber('block-size', text.get('block-size'), 1);
  const target = oneOf('target', text.get('target'), targets);
  const seed = wholeNumber('seed', text.get('seed')) ?? 0;
  const given = [...text.keys(), ...flags, ...lists.keys()];
  if (text.has('plan')) {
    const extra = given.find((name) => name === 'quantize' || of.includes(name));
    if (extra !== undefined && extra !== 'calibration')
      throw new UsageError(`--${extra} is for the plan to say`);
    return { seed, ...(flags.has('force-quality') ? { force: true } : {}) };
  }
  if (weights === undefined) {
    const orphan = given.find((name) => of.includes(name));
    if (orphan !== undefined) throw new UsageError(`--${orphan} goes with --quantize`);
    return {};
  }
  if (flags.has('lossless')) throw new UsageError('--lossless and --quantize exclude each other');
  if (flags.has('affine') && flags.has('symmetric'))
    throw new UsageError('--affine and --symmetric exclude each other');
  if (blockSize !== undefined && ![16, 32, 64, 128, 256].includes(blockSize)) {
    throw new UsageError(`--block-size takes 16, 32, 64, 128 or 256, not ${blockSize}`);
  }
  if (text.has('calibration-method') && !text.has('calibration'))
    throw new UsageError('--calibration-method goes with --calibration');
  if (text.has('calibration') && weights === 'float16')
    throw new UsageError('--calibration goes with integers, as --quantize int8');
  if (flags.has('explain') && !text.has('calibration'))
    throw new UsageError('--explain goes with --calibration');
  const rounding = text.get('rounding') ?? 'nearest';
  if (
    rounding !== 'nearest' &&
    roundings.includes(rounding as Rounding) &&
    !text.has('calibration')
  )
    throw new UsageError(`--rounding ${rounding} goes with --calibration`);
  if (text.has('like') && weights !== 'int8')
    throw new UsageError('--like goes with --quantize int8');
  for (const name of ['scheme', 'io-types'])
    if (text.has(name) && !text.has('calibration') && !text.has('like'))
      throw new UsageError(`--${name} goes with --calibration or --like`);
  if (weights === 'auto')
    for (const name of ['mode', 'scheme'])
      if (text.has(name)) throw new UsageError(`--${name} is for --quantize auto to find out`);
  const settings = { ...settingsOf(text, flags, blockSize), ...layersOf(lists) };
  return {
    quantize: { weights, ...settings } as NonNullable<CompressOptions['quantize']>,
    seed,
    ...(target === undefined ? {} : { target }),
    ...(flags.has('force-quality') ? { force: true } : {}),
  };
}

const weightTypes = ['int8', 'uint8', 'int4', 'uint4', 'float16', 'auto'] as const;

/** Options that say how weights and activations are quantized. */
const of: readonly string[] = [
  'scheme',
  'explain',
  'like',
  'io-types',
  'mode',
  'target',
  'granularity',
  'block-size',
  'form',
  'affine',
  'symmetric',
  'calibration',
  'calibration-method',
  'activations',
  'rounding',
  'reduce-range',
  'no-recover',
  'layer',
  'keep-float',
  'min-sqnr',
];

type Settings = Omit<QuantizeSettings, 'weights'>;

function settingsOf(
  text: Parsed['text'],
  flags: Parsed['flags'],
  blockSize: number | undefined,
): Settings {
  const ratio = text.get('min-sqnr');
  const minOutputDb = ratio === undefined ? undefined : decibelsOf(ratio);
  const symmetric = flags.has('affine') ? false : flags.has('symmetric') ? true : undefined;
  const settings: { [Name in keyof Settings]: Settings[Name] | undefined } = {
    mode: oneOf('mode', text.get('mode'), ['weight-only', 'dynamic', 'static']),
    activations: oneOf('activations', text.get('activations'), levelStorages),
    calibrationMethod: oneOf(
      'calibration-method',
      text.get('calibration-method'),
      calibrationMethods,
    ),
    rounding: oneOf('rounding', text.get('rounding'), roundings),
    scheme: oneOf('scheme', text.get('scheme'), converterSchemes),
    ioTypes: oneOf('io-types', text.get('io-types'), ['float32', 'int8']),
    granularity: oneOf('granularity', text.get('granularity'), ['tensor', 'channel', 'block']),
    form: oneOf('form', text.get('form'), ['dequantize', 'nbits']),
    blockSize,
    symmetric,
    minOutputDb,
    reduceRange: flags.has('reduce-range') ? true : undefined,
    recover: flags.has('no-recover') ? false : undefined,
  };
  const said = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said) as Settings;
}

function decibelsOf(text: string): number | null {
  if (text === 'off') return null;
  if (/^-?\d{1,4}(\.\d{1,6})?$/.test(text)) return Number(text);
  throw new UsageError(`--min-sqnr takes decibels or off, not "${text}"`);
}

function layersOf(lists: Parsed['lists']): Pick<Settings, 'layers'> {
  const layers: Record<string, LayerOption> = {};
  for (const name of lists.get('keep-float') ?? []) layers[name] = 'float32';
  for (const item of lists.get('layer') ?? []) {
    const at = item.lastIndexOf('=');
    if (at <= 0) throw new UsageError(`--layer takes NAME=TYPE, not "${item}"`);
    const types = ['float32', 'float16', 'int8', 'int4'] as const;
    layers[item.slice(0, at)] = oneOf('layer', item.slice(at + 1), types)!;
  }
  return Object.keys(layers).length === 0 ? {} : { layers };
}
