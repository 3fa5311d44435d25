import { AgreementError, checkAborted, rangeError } from '../core/errors.ts';
import { clone } from '../ir/clone.ts';
import { sizeOf } from '../ir/constant.ts';
import type { Model } from '../ir/model.ts';
import { shortenNames } from '../passes/short-names.ts';
import type { ExplanationReport } from '../report/explanation.ts';
import type { ActivationsReport, CompressReport } from '../report/report.ts';
import { integerEnds } from './activations/ends.ts';
import { allConstants } from './constants.ts';
import { explain } from './explain/explain.ts';
import { constantBytes, quantizeAutomatically } from './judge/auto.ts';
import type { Verdict } from './judge/judge.ts';
import { findSaturating, saturationText } from './judge/saturation.ts';
import { lossless } from './lossless.ts';
import { type CompressOptions, type QuantizeSettings, resolveQuantize } from './options.ts';
import type { Candidate } from './pipeline/quantize.ts';
import { checkDone, checkPlan, planOf, type Quantized, quantizeModel } from './pipeline/run.ts';
import type { Plan } from './plan.ts';
import { autoSettings, isAuto, settingsOf } from './wishes.ts';

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
 *  @throws {AgreementError} the outputs are too far from the original's (with calibration, or `auto`)
 *  @throws {AbortError} the signal was aborted; nothing is left behind
 *  Cost without calibration: two passes over the weights; memory a few tens of MB. Deterministic. */
export async function compress(
  model: Model,
  options: CompressOptions = {},
): Promise<CompressResult> {
  checkOptions(options);
  const { names = 'keep', signal, plan, calibration } = options;
  const { quantize } = options;
  if (plan !== undefined) checkPlan(plan, calibration !== undefined);
  const given = plan?.quantize ?? (isAuto(quantize) ? null : settingsOf(quantize, options));
  // Wrong settings are told before anything is done.
  if (given !== null && plan === undefined)
    resolveQuantize(given, model.format, calibration !== undefined);
  checkAborted(signal);
  const copy = clone(model);
  const report: CompressReport = {
    kind: 'compress',
    version: 1,
    format: model.format,
    method: 'lossless',
    bytesBefore: model.sourceBytes,
    bytesAfter: null,
    parameters: countParameters(copy),
    layers: [],
    kept: [],
    activations: null,
    recovery: [],
    judge: null,
    explanation: null,
    attempts: [],
    lossless: await lossless(copy),
    warnings: [],
    proof: null,
  };
  if (given === null && !isAuto(quantize)) return untouched(copy, report, options);
  const run = { ...options, plan: plan ?? null };
  const { chosen, attempts, warnings } =
    given === null
      ? await quantizeAutomatically(model, copy, autoSettings(quantize, options), run)
      : { chosen: await quantizeModel(model, copy, { ...run, given }), attempts: [], warnings: [] };
  const { candidate, verdict, context, done } = chosen;
  const isForced = options.force === true;
  if (constantBytes(candidate.model) > constantBytes(copy) && !isForced) {
    report.warnings.push('quantized it would be larger: only what loses nothing was done');
    return untouched(copy, { ...report, attempts }, options);
  }
  if (verdict !== null && !isForced) refuse(verdict, context.given);
  const explanation = options.explain === true ? await explained(chosen, options) : null;
  report.lossless.push(...done);
  report.warnings.push(...warnings);
  // Last, so that candidates are judged on what the float model takes.
  if (context.settings.activations?.ioTypes === 'int8')
    report.warnings.push(...integerEnds(candidate.model));
  const target = context.settings.activations?.target ?? options.target ?? 'onnxruntime';
  const isRunThere = model.format === 'onnx' && target === 'onnxruntime';
  const saturating = isRunThere ? saturationText(await findSaturating(candidate.model)) : null;
  if (saturating !== null) report.warnings.push(saturating);
  if (names === 'short') report.lossless.push(...shortenNames(candidate.model));
  const made = planOf(chosen, options);
  if (plan !== undefined) checkDone(plan, made);
  return {
    model: candidate.model,
    plan: made,
    report: {
      ...reportOf(report, candidate, context.recovery),
      judge: verdict?.report ?? null,
      explanation,
      attempts,
    },
  };
}

function checkOptions(options: CompressOptions): void {
  const known = [
    'quantize',
    'plan',
    'calibration',
    'target',
    'seed',
    'names',
    'force',
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
  if (options.plan !== undefined && options.quantize !== undefined)
    throw rangeError('quantize', 'nothing beside a plan', 'both');
}

/** Where the error comes from, on the samples that judge. */
async function explained(
  { context, candidate }: Quantized,
  { signal, onProgress }: CompressOptions,
): Promise<ExplanationReport | null> {
  if (context.samples === null) return null;
  const { feeds } = await context.samples.judging();
  return await explain(context.model, candidate.model, feeds, {
    tried: context.recovery,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
}

/** The model with nothing done to it but what loses nothing. */
function untouched(
  model: Model,
  report: CompressReport,
  { seed = 0, names = 'keep' }: CompressOptions,
): CompressResult {
  if (names === 'short') report.lossless.push(...shortenNames(model));
  const plan: Plan = {
    ...{ version: 1, quantize: null, seed, names, layers: {}, real: {} },
    ...{ needsCalibration: false, weights: [], activations: [] },
  };
  return { model, plan, report };
}

/** Outputs that agree less are those of another model, dB. */
const leastAgreementDb = 10;

/** @throws {AgreementError} outputs are farther away than was asked for, or than is of any use */
function refuse({ evaluation }: Verdict, { minOutputDb, scheme }: QuantizeSettings): void {
  if (scheme !== undefined) return;
  const least = minOutputDb ?? leastAgreementDb;
  if (evaluation.sqnrDb >= least) return;
  throw new AgreementError(evaluation.sqnrDb, least, {
    hint: 'give more samples, keep layers float, take more bits, or force it',
  });
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
