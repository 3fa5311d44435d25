import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { converterSchemes } from '../compress/activations/converter.ts';
import { calibrationMethods } from '../compress/calibration/index.ts';
import {
  type CompressOptions,
  type CompressResult,
  compress,
  type QuantizeSettings,
} from '../compress/index.ts';
import { targets } from '../compress/options.ts';
import { roundings } from '../compress/rounding/round.ts';
import type { ByteSink } from '../core/source.ts';
import { readModel, writeModelTo } from '../formats/index.ts';
import { type AtomicFile, createFile } from '../host/files.ts';
import { compressText } from '../report/text.ts';
import { formatBytes } from '../report/units.ts';
import { compareBytes, compareModels } from '../runtime/compare.ts';
import { inputsOf } from '../runtime/inputs.ts';
import type { Feeds, Runner } from '../runtime/runner.ts';
import { note, ProgressLine, print, printJson } from './console.ts';
import { parseDims, parseInputs } from './feeds.ts';
import { type Opened, openModel } from './model.ts';
import { type OptionTable, oneOf, type Parsed, parse, UsageError, wholeNumber } from './options.ts';
import { withRanges } from './ranges.ts';
import { chooseRunner } from './runner.ts';
import { readSamples } from './samples.ts';
import type { Verb } from './verb.ts';

const options: OptionTable = {
  output: { type: 'string', short: 'o' },
  quantize: { type: 'string' },
  mode: { type: 'string' },
  target: { type: 'string' },
  calibration: { type: 'string' },
  'calibration-method': { type: 'string' },
  lossless: { type: 'boolean' },
  scheme: { type: 'string' },
  like: { type: 'string' },
  'io-types': { type: 'string' },
  'short-names': { type: 'boolean' },
  granularity: { type: 'string' },
  'block-size': { type: 'string' },
  rounding: { type: 'string' },
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

export const compressVerb: Verb = {
  name: 'compress',
  summary: 'make a model smaller, and prove what it still computes',
  help: `modelpress compress IN -o OUT [options]

  -o, --output FILE       where the new model goes; - for standard output
      --quantize TYPE     int8, uint8, int4, uint4 or float16 weights; without it only what loses nothing
      --mode MODE         weight-only, dynamic (matrix products quantize what they read at run time) or static (with
                          --calibration: default)
      --target RUNTIME    where the model is to run: onnxruntime (default for ONNX), onnxruntime-web, tflite, modelpress
      --calibration DATA  samples, for int8 activations too: .npz with an array for each input, samples first;
                          .npy for one input; or a folder of these
      --calibration-method M  range of the activations by minmax (default), moving-average, percentile, entropy, mse
      --scheme S          tflite, tflite-mlir: scales, weights and biases exactly as TFLite's converter has them
      --like FILE         take the ranges of the activations from a quantized model of the same operators, or from
                          the JSON of --dry-run --json, instead of samples
      --io-types TYPE     float32 (default) or int8: what the model takes and gives
      --short-names       give values within the model names of a few letters: a smaller file
      --granularity G     one scale per tensor, channel (8 bits: default) or block (4 bits: default)
      --block-size N      elements that share a scale: 16, 32 (default), 64, 128, 256
      --rounding R        nearest, gptq or adaround: levels that change layers' outputs least on the calibration's samples
                          (4 bits with --calibration: adaround, else nearest)
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

Example: modelpress compress model.onnx -o small.onnx --quantize int8`,
  async run(args, signal) {
    const parsed = parse(args, options);
    const [input, ...rest] = parsed.positionals;
    if (input === undefined)
      throw new UsageError('compress takes a model: modelpress compress IN -o OUT');
    if (rest.length > 0) throw new UsageError(`compress takes one model, not also "${rest[0]}"`);
    const output = parsed.text.get('output');
    const dryRun = parsed.flags.has('dry-run');
    if (output === undefined && !dryRun)
      throw new UsageError('where to? give -o OUT, or --dry-run');
    if (output === '-' && parsed.flags.has('json')) {
      throw new UsageError("--json and the model can't both go to standard output");
    }
    if (
      output !== undefined &&
      output !== '-' &&
      !dryRun &&
      existsSync(output) &&
      !parsed.flags.has('force')
    ) {
      throw new UsageError(`${output} exists`, 'use --force to overwrite it');
    }
    const settings = compressOptions(parsed);
    const runner = await chooseRunner(parsed.text.get('runner'));
    const quiet = parsed.flags.has('quiet');
    const opened = await openModel(input);
    const progress = new ProgressLine(quiet);
    const samples = calibrationOf(opened, parsed);
    const result = await compress(opened.model, {
      ...(await withRanges(settings, parsed.text.get('like'), opened.model)),
      ...(samples === null ? {} : { calibration: samples }),
      ...(parsed.flags.has('short-names') ? { names: 'short' } : {}),
      signal,
      onProgress: ({ stage, done, total, name }) => progress.show(stage, done, total, name),
    });
    progress.clear();
    if (dryRun || output === undefined) await measureSize(result);
    else await write(output, opened, result, { parsed, runner, signal });
    show(result, parsed, output === '-');
    return 0;
  },
};

function compressOptions({ text, flags }: Parsed): CompressOptions {
  const weights = oneOf('quantize', text.get('quantize'), [
    'int8',
    'uint8',
    'int4',
    'uint4',
    'float16',
  ]);
  const granularity = oneOf('granularity', text.get('granularity'), ['tensor', 'channel', 'block']);
  const blockSize = wholeNumber('block-size', text.get('block-size'), 1);
  const mode = oneOf('mode', text.get('mode'), ['weight-only', 'dynamic', 'static']);
  const target = oneOf('target', text.get('target'), targets);
  if (weights === undefined) {
    const orphan = [...text.keys(), ...flags].find((name) =>
      [
        'scheme',
        'like',
        'io-types',
        'mode',
        'target',
        'granularity',
        'block-size',
        'rounding',
        'form',
        'affine',
        'symmetric',
        'calibration',
        'calibration-method',
      ].includes(name),
    );
    if (orphan !== undefined) throw new UsageError(`--${orphan} goes with --quantize`);
    return {};
  }
  if (flags.has('lossless')) throw new UsageError('--lossless and --quantize exclude each other');
  if (flags.has('affine') && flags.has('symmetric'))
    throw new UsageError('--affine and --symmetric exclude each other');
  if (blockSize !== undefined && ![16, 32, 64, 128, 256].includes(blockSize)) {
    throw new UsageError(`--block-size takes 16, 32, 64, 128 or 256, not ${blockSize}`);
  }
  const method = oneOf('calibration-method', text.get('calibration-method'), calibrationMethods);
  if (method !== undefined && !text.has('calibration'))
    throw new UsageError('--calibration-method goes with --calibration');
  if (text.has('like') && weights !== 'int8')
    throw new UsageError('--like goes with --quantize int8');
  if (text.has('calibration') && weights === 'float16')
    throw new UsageError('--calibration goes with integers, as --quantize int8');
  const rounding = oneOf('rounding', text.get('rounding'), roundings);
  if (rounding !== undefined && rounding !== 'nearest' && !text.has('calibration'))
    throw new UsageError(`--rounding ${rounding} goes with --calibration`);
  const settings: QuantizeSettings = { weights };
  const scheme = oneOf('scheme', text.get('scheme'), converterSchemes);
  const ioTypes = oneOf('io-types', text.get('io-types'), ['float32', 'int8']);
  for (const name of ['scheme', 'io-types'])
    if (text.has(name) && !text.has('calibration') && !text.has('like'))
      throw new UsageError(`--${name} goes with --calibration or --like`);
  if (scheme !== undefined) settings.scheme = scheme;
  if (ioTypes !== undefined) settings.ioTypes = ioTypes;
  if (method !== undefined) settings.calibrationMethod = method;
  if (mode !== undefined) settings.mode = mode;
  if (rounding !== undefined) settings.rounding = rounding;
  if (granularity !== undefined) settings.granularity = granularity;
  if (blockSize !== undefined) settings.blockSize = blockSize;
  const form = oneOf('form', text.get('form'), ['dequantize', 'nbits']);
  if (form !== undefined) settings.form = form;
  if (flags.has('affine')) settings.symmetric = false;
  if (flags.has('symmetric')) settings.symmetric = true;
  return { quantize: settings, ...(target === undefined ? {} : { target }) };
}

/** The samples of --calibration, which can be gone through more than once; null without it. */
function calibrationOf({ model }: Opened, { text }: Parsed): AsyncIterable<Feeds> | null {
  const path = text.get('calibration');
  if (path === undefined) return null;
  const limit = wholeNumber('samples', text.get('samples'), 1) ?? 256;
  return { [Symbol.asyncIterator]: () => readSamples(path, inputsOf(model), limit) };
}

async function firstOf(samples: AsyncIterable<Feeds>, count: number): Promise<Feeds[]> {
  const first: Feeds[] = [];
  for await (const feeds of samples) if (first.push(feeds) === count) break;
  return first;
}

/** Writes to nowhere, to know the size. */
async function measureSize({ model, report }: CompressResult): Promise<void> {
  const external = { location: 'weights', sink: { write: () => undefined } };
  const written = await writeModelTo(model, { write: () => undefined }, { external });
  report.bytesAfter = written.bytes + written.externalBytes;
}

interface Job {
  parsed: Parsed;
  runner: Runner;
  signal: AbortSignal;
}

async function write(
  output: string,
  opened: Opened,
  result: CompressResult,
  job: Job,
): Promise<void> {
  const { parsed, signal } = job;
  if (output === '-') {
    await writeStandardOutput(result);
    return;
  }
  const outside = opened.external || parsed.flags.has('external-data');
  const file = await createFile(output);
  const data = outside
    ? await createFile(`${output}.data`).catch((error: unknown) => failed(file, error))
    : null;
  try {
    const stop = (sink: ByteSink): ByteSink => ({
      write(chunk) {
        signal.throwIfAborted();
        return sink.write(chunk);
      },
    });
    const external =
      data === null
        ? {}
        : { external: { location: `${basename(output)}.data`, sink: stop(data.sink) } };
    const written = await writeModelTo(result.model, stop(file.sink), external);
    result.report.bytesAfter = written.bytes + written.externalBytes;
    if (data === null) await prove(file, opened, result, job);
    else
      note(
        'the proof is left out: models with external data are not run',
        parsed.flags.has('quiet'),
      );
    await data?.commit();
    await file.commit();
  } catch (error) {
    await data?.discard();
    return failed(file, error);
  }
}

async function failed(file: AtomicFile, error: unknown): Promise<never> {
  await file.discard();
  throw error;
}

async function writeStandardOutput({ model, report }: CompressResult): Promise<void> {
  const sink: ByteSink = {
    write: (chunk) =>
      new Promise<void>((resolve, reject) => {
        process.stdout.write(chunk, (error) => (error ? reject(error) : resolve()));
      }),
  };
  report.bytesAfter = (await writeModelTo(model, sink)).bytes;
}

/** Reads the new file back, keeps the old one if the new one is not smaller, and runs both. */
async function prove(
  file: AtomicFile,
  opened: Opened,
  { report }: CompressResult,
  { parsed, runner, signal }: Job,
): Promise<void> {
  const { flags, lists, text } = parsed;
  const before = await opened.source.read(0, opened.source.size);
  let after = new Uint8Array(readFileSync(file.path));
  const reread = await readModel(after);
  if (after.length >= before.length && report.method !== 'lossless') {
    const size = formatBytes(after.length);
    report.warnings.push(`the new file would have ${size}: the model is written as it was`);
    await file.restart(before);
    after = before.slice();
    report.bytesAfter = before.length;
  }
  if (flags.has('no-proof')) return;
  const seed = wholeNumber('seed', text.get('seed')) ?? 0;
  const samples = wholeNumber('samples', text.get('samples'), 1) ?? 4;
  const calibration = calibrationOf(opened, parsed);
  try {
    const reference = { model: opened.model, bytes: before };
    const how = {
      runner,
      samples,
      seed,
      ...(calibration === null ? {} : { inputs: await firstOf(calibration, 4) }),
      given: parseInputs(opened.model, lists.get('input') ?? []),
      bindings: parseDims(lists.get('dim') ?? []),
      signal,
    };
    report.proof =
      text.get('io-types') === 'int8'
        ? (await compareModels(reference, { model: reread, bytes: after }, how)).report
        : await compareBytes(reference, after, how);
  } catch (error) {
    if (error instanceof UsageError || signal.aborted) throw error;
    report.warnings.push(`${runner.name} could not run the models: ${firstLine(error)}`);
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
}

function show({ report, plan }: CompressResult, { flags }: Parsed, toError: boolean): void {
  if (flags.has('json')) {
    printJson(flags.has('dry-run') ? { ...report, plan } : report);
    return;
  }
  const text = compressText(report, { full: flags.has('full') });
  if (toError) process.stderr.write(`${text}\n`);
  else print(text);
}
