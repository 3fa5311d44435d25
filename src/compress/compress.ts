import { checkAborted, rangeError } from '../core/errors.ts';
import { clone } from '../ir/clone.ts';
import { sizeOf } from '../ir/constant.ts';
import type { Model } from '../ir/model.ts';
import { exportQuantization } from '../passes/export-quantization.ts';
import type { ActivationsReport, CompressReport } from '../report/report.ts';
import { integerEnds } from './activations/ends.ts';
import { type FindRanges, quantizeActivations } from './activations/quantize.ts';
import { type CalibrateOptions, calibrate } from './calibration/index.ts';
import { allConstants } from './constants.ts';
import { lossless } from './lossless.ts';
import { type CompressOptions, type ResolvedQuantize, resolveQuantize } from './options.ts';
import type { Plan } from './plan.ts';
import { quantizeWeights } from './quantize.ts';

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
  const known = ['quantize', 'calibration', 'signal', 'onProgress'];
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw rangeError('options', known.join(' | '), key);
  }
  const quantize =
    options.quantize === undefined
      ? null
      : resolveQuantize(options.quantize, model.format, options.calibration !== undefined);
  checkAborted(options.signal);
  const copy = clone(model);
  const parameters = countParameters(copy);
  const done = await lossless(copy);
  const { calibration, signal } = options;
  const findRanges: FindRanges = async (measured, values) =>
    calibration === undefined
      ? new Map()
      : await calibrate(measured, calibration, values, calibrateOptions(quantize, options));
  const run =
    quantize === null || quantize.activations === null
      ? null
      : await quantizeActivations(copy, quantize, quantize.activations, findRanges, signal);
  const quantized = quantize === null ? null : await quantizeWeights(copy, quantize, options);
  // As in every model that is compressed, what is quantized stands in nodes.
  exportQuantization(copy);
  const ends = quantize?.activations?.ioTypes === 'int8' ? integerEnds(copy) : [];
  const layers = [...(run?.layers ?? []), ...(quantized?.layers ?? [])];
  const report: CompressReport = {
    kind: 'compress',
    version: 1,
    format: model.format,
    method:
      quantize === null
        ? 'lossless'
        : methodOf(
            layers.map(({ to }) => to),
            run?.report ?? null,
          ),
    bytesBefore: model.sourceBytes,
    bytesAfter: null,
    parameters,
    layers,
    kept: quantized?.kept ?? [],
    activations: run?.report ?? null,
    lossless: done,
    warnings: ends,
    proof: null,
  };
  if (quantize !== null && report.layers.length === 0) {
    report.warnings.push('no weight was quantized: the reasons are listed above');
  }
  if (run !== null && run.report.operators === 0)
    report.warnings.push('no operator runs on integers: the reasons are listed above');
  const weights = [...(run?.weights ?? []), ...(quantized?.planned ?? [])];
  return { model: copy, plan: { version: 1, weights, activations: run?.planned ?? [] }, report };
}

function calibrateOptions(
  quantize: ResolvedQuantize | null,
  { signal, onProgress }: CompressOptions,
): CalibrateOptions {
  return {
    method: quantize?.activations?.method ?? 'minmax',
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
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
