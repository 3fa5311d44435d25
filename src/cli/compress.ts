import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type CompressOptions, type CompressResult, compress } from '../compress/index.ts';
import { AgreementError } from '../core/errors.ts';
import type { ByteSink } from '../core/source.ts';
import { readModel, writeModelTo } from '../formats/index.ts';
import { type AtomicFile, createFile } from '../host/files.ts';
import { compressText } from '../report/text.ts';
import { formatBytes } from '../report/units.ts';
import { compareBytes, compareModels } from '../runtime/compare.ts';
import { inputsOf } from '../runtime/inputs.ts';
import type { Feeds, Runner } from '../runtime/runner.ts';
import { compressHelp, compressOptions, compressTable } from './compress-options.ts';
import { note, ProgressLine, print, printJson } from './console.ts';
import { parseDims, parseInputs } from './feeds.ts';
import { type Opened, openModel } from './model.ts';
import { type Parsed, parse, UsageError, wholeNumber } from './options.ts';
import { planOption } from './plan.ts';
import { withRanges } from './ranges.ts';
import { chooseRunner } from './runner.ts';
import { readSamples } from './samples.ts';
import type { Verb } from './verb.ts';

export const compressVerb: Verb = {
  name: 'compress',
  summary: 'make a model smaller, and prove what it still computes',
  help: compressHelp,
  async run(args, signal) {
    const parsed = parse(args, compressTable);
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
    const result = await compressed(opened, {
      ...(await withRanges(settings, parsed.text.get('like'), opened.model)),
      ...planOption(parsed.text.get('plan')),
      ...(samples === null ? {} : { calibration: samples }),
      ...(parsed.flags.has('short-names') ? { names: 'short' } : {}),
      ...(parsed.flags.has('explain') ? { explain: true } : {}),
      signal,
      onProgress: ({ stage, done, total, name }) => progress.show(stage, done, total, name),
    });
    progress.clear();
    if (dryRun || output === undefined) await measureSize(result);
    else await write(output, opened, result, { parsed, runner, signal });
    await writeBeside(result, parsed);
    show(result, parsed, output === '-');
    return 0;
  },
};

/** Settings that don't fit the model, or one another, are wrong usage. */
async function compressed({ model }: Opened, options: CompressOptions): Promise<CompressResult> {
  try {
    return await compress(model, options);
  } catch (error) {
    if (error instanceof RangeError && /^"(quantize|plan|calibration)/.test(error.message))
      throw new UsageError(error.message);
    throw error;
  }
}

/** The files of --plan-out and --report. */
async function writeBeside({ report, plan }: CompressResult, { text }: Parsed): Promise<void> {
  const [planPath, reportPath] = [text.get('plan-out'), text.get('report')];
  if (planPath !== undefined) await writeText(planPath, JSON.stringify(plan, null, 2));
  if (reportPath === undefined) return;
  const isJson = reportPath.endsWith('.json');
  await writeText(
    reportPath,
    isJson ? JSON.stringify({ ...report, plan }, null, 2) : compressText(report, { full: true }),
  );
}

async function writeText(path: string, text: string): Promise<void> {
  const file = await createFile(path);
  await file.sink.write(new TextEncoder().encode(`${text}\n`));
  await file.commit();
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
    if (report.judge === null) refuse(report, parsed);
  } catch (error) {
    if (error instanceof UsageError || error instanceof AgreementError || signal.aborted)
      throw error;
    report.warnings.push(`${runner.name} could not run the models: ${firstLine(error)}`);
  }
}

/** Outputs that agree less are of no use, dB. */
const leastAgreementDb = 10;

/** @throws {AgreementError} the proof shows outputs that are too far from the original's */
function refuse({ proof, method }: CompressResult['report'], { text, flags }: Parsed): void {
  if (proof === null || method === 'lossless' || flags.has('force-quality')) return;
  if (text.get('min-sqnr') === 'off' && !text.has('calibration')) return;
  const wished = Number(text.get('min-sqnr') ?? leastAgreementDb);
  const least = Number.isNaN(wished) ? leastAgreementDb : wished;
  const ratio = Math.min(...proof.outputs.map(({ sqnrDb }) => sqnrDb ?? Infinity));
  if (ratio >= least) return;
  const hint = 'nothing was written: give --calibration, take more bits, or --force-quality';
  throw new AgreementError(ratio, least, { hint });
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
