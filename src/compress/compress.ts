import { checkAborted, rangeError } from '../core/errors.ts';
import { clone } from '../ir/clone.ts';
import { sizeOf } from '../ir/constant.ts';
import type { Model } from '../ir/model.ts';
import { shortenNames } from '../passes/short-names.ts';
import type { ActivationsReport, CompressReport } from '../report/report.ts';
import { integerEnds } from './activations/ends.ts';
import { allConstants } from './constants.ts';
import { explain } from './explain/explain.ts';
import { judge } from './judge/judge.ts';
import { lossless } from './lossless.ts';
import { type CompressOptions, resolveQuantize, settingsOf } from './options.ts';
import { contextOf } from './pipeline/context.ts';
import { decide } from './pipeline/decide.ts';
import { type Candidate, quantizeWith } from './pipeline/quantize.ts';
import { prepare, recover } from './pipeline/recover.ts';
import type { Plan } from './plan.ts';

export interface CompressResult {
  /** A new model; the given one is untouched and shares its bytes. */
  model: Model;
  plan: Plan;
  report: CompressReport;
}

/** Makes a smaller model. Without a method, only what loses nothing.
 *  @param model    a model as read; it is not changed
 *  @param options  see CompressOptions
 *  @returns        the new model (weights are converted when it is written), what was done, and why
 *  @throws {RangeError | TypeError} an option out of range
 *  @throws {AbortError} the signal was aborted; nothing is left behind
 *  Cost: two passes over the weights; memory a few tens of MB. Deterministic. */
export async function compress(
  model: Model,
  options: CompressOptions = {},
): Promise<CompressResult> {
  const known = [
    'quantize',
    'calibration',
    'target',
    'seed',
    'names',
    'explain',
    'signal',
    'onProgress',
  ];
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw rangeError('options', known.join(' | '), key);
  }
  const { seed = 0, names = 'keep' } = options;
  if (options.explain === true && options.calibration === undefined)
    throw rangeError('explain', 'false without calibration', true);
  if (names !== 'keep' && names !== 'short') throw rangeError('names', 'keep | short', names);
  if (!Number.isInteger(seed) || seed < 0) throw rangeError('seed', 'a whole number ≥ 0', seed);
  const given = options.quantize === undefined ? null : settingsOf(options.quantize, options);
  const settings =
    given === null ? null : resolveQuantize(given, model.format, options.calibration !== undefined);
  checkAborted(options.signal);
  const copy = clone(model);
  const parameters = countParameters(copy);
  const done = await lossless(copy);
  const report: CompressReport = {
    kind: 'compress',
    version: 1,
    format: model.format,
    method: 'lossless',
    bytesBefore: model.sourceBytes,
    bytesAfter: null,
    parameters,
    layers: [],
    kept: [],
    activations: null,
    recovery: [],
    judge: null,
    explanation: null,
    lossless: done,
    warnings: [],
    proof: null,
  };
  const plan: Plan = { version: 1, weights: [], activations: [] };
  if (given === null || settings === null) {
    if (names === 'short') report.lossless.push(...shortenNames(copy));
    return { model: copy, plan, report };
  }
  const context = contextOf(copy, { ...options, given, settings });
  report.lossless.push(...(await prepare(context)));
  // A scheme's parameters are those of the model's own weights.
  if (settings.scheme === null) await recover(context);
  const decisions = decide(copy, settings, given.layers ?? {}, given);
  const verdict =
    context.samples === null
      ? null
      : await judge(
          context,
          model,
          decisions,
          await context.samples.judging(),
          settings.minOutputDb,
        );
  const candidate = verdict?.candidate ?? (await quantizeWith(context, decisions));
  const explanation =
    options.explain === true && context.samples !== null
      ? await explain(context.model, candidate.model, (await context.samples.judging()).feeds, {
          tried: context.recovery,
          ...(options.signal === undefined ? {} : { signal: options.signal }),
          ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
        })
      : null;
  // Last, so that candidates are judged on what the float model takes.
  if (settings.activations?.ioTypes === 'int8')
    report.warnings.push(...integerEnds(candidate.model));
  if (names === 'short') report.lossless.push(...shortenNames(candidate.model));
  return {
    model: candidate.model,
    plan: { ...plan, weights: candidate.weights, activations: candidate.values },
    report: {
      ...reportOf(report, candidate, context.recovery),
      judge: verdict?.report ?? null,
      explanation,
    },
  };
}

function reportOf(
  report: CompressReport,
  { layers, kept, activations, warnings: found }: Candidate,
  recovery: CompressReport['recovery'],
): CompressReport {
  const warnings = [...report.warnings, ...found];
  if (layers.length === 0) warnings.push('no weight was quantized: the reasons are listed above');
  if (activations !== null && activations.operators === 0)
    warnings.push('no operator runs on integers: the reasons are listed above');
  const schemes = layers.map(({ to }) => to);
  const method = methodOf(schemes, activations);
  return { ...report, method, layers, kept, activations, recovery, warnings };
}

/** `int8 per channel`: what most layers got. */
function methodOf(schemes: readonly string[], activations: ActivationsReport | null): string {
  const counts = new Map<string, number>();
  for (const scheme of schemes) counts.set(scheme, (counts.get(scheme) ?? 0) + 1);
  const [first] = [...counts].sort((a, b) => b[1] - a[1]);
  if (first === undefined) return 'nothing quantized';
  const weights = counts.size === 1 ? first[0] : `mostly ${first[0]}`;
  const isRun = activations !== null && activations.operators > 0;
  return isRun ? `static: weights ${weights}, activations ${activations.storage}` : weights;
}

/** Elements of all floating-point constants. */
function countParameters(model: Model): number {
  let count = 0;
  for (const { constant } of allConstants(model)) {
    if (constant.dtype.startsWith('float') || constant.dtype === 'bfloat16')
      count += sizeOf(constant);
  }
  return count;
}
