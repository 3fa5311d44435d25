import { UnsupportedError } from '../../core/errors.ts';
import { random } from '../../core/random.ts';
import { constantOfValue } from '../../ir/constant.ts';
import type { Model } from '../../ir/model.ts';
import { allNodes } from '../../ir/walk.ts';
import type { AttemptReport } from '../../report/judge.ts';
import { findInputs } from '../../runtime/find-inputs.ts';
import { runnableOf } from '../../runtime/own-runner.ts';
import { allConstants } from '../constants.ts';
import type { QuantizeSettings } from '../options.ts';
import { type Quantized, quantizeModel, type RunOptions } from '../pipeline/run.ts';
import { type Judging, Samples } from '../pipeline/samples.ts';

/** Sizes within this part of the least are alike: time decides. */
const alikeBytes = 1.05;
/** Models of more bytes are not run without being asked to. */
const mostRunBytes = 2 ** 29;
const randomSamples = 4;

/** Tries the ways in which a model can be quantized, each judged, and takes one: of those whose outputs are as near as is
 *  wished the smallest, and of those about as small the one with most products on integers.
 *  @param settings  what is the same in all of them */
export async function quantizeAutomatically(
  original: Model,
  lossless: Model,
  settings: Omit<QuantizeSettings, 'weights' | 'mode'>,
  options: Omit<RunOptions, 'given'>,
): Promise<{ chosen: Quantized; attempts: AttemptReport[]; warnings: string[] }> {
  const { calibration, seed = 0 } = options;
  const samples = calibration === undefined ? null : new Samples(lossless, calibration);
  const warnings: string[] = [];
  const judging = samples === null ? await randomJudging(original, seed, warnings) : null;
  const tried: { quantized: Quantized; bytes: number; onIntegers: number }[] = [];
  const attempts: AttemptReport[] = [];
  for (const mode of modesFor(lossless, settings, samples !== null)) {
    const given: QuantizeSettings = { ...settings, weights: 'int8', mode };
    const quantized = await quantizeModel(original, lossless, {
      ...options,
      given,
      samples,
      judging,
    });
    const { candidate, verdict } = quantized;
    const bytes = constantBytes(candidate.model);
    const onIntegers = (candidate.activations?.operators ?? 0) + dynamicProducts(candidate.model);
    tried.push({ quantized, bytes, onIntegers });
    attempts.push({
      mode,
      sqnrDb: verdict?.report.sqnrDb.after ?? null,
      constantBytes: bytes,
      operators: onIntegers,
      restored: verdict?.report.restored.length ?? 0,
      isChosen: false,
    });
  }
  const wish = settings.minOutputDb ?? 25;
  const ratio = (at: number): number => {
    const { verdict } = tried[at]!.quantized;
    return verdict === null ? Infinity : verdict.evaluation.sqnrDb;
  };
  const all = tried.map((_, at) => at);
  const near = all.filter((at) => ratio(at) >= wish);
  const best = Math.max(...all.map(ratio));
  const good = near.length > 0 ? near : all.filter((at) => ratio(at) === best);
  const least = Math.min(...good.map((at) => tried[at]!.bytes));
  const [chosen = 0] = good
    .filter((at) => tried[at]!.bytes <= least * alikeBytes)
    .sort((a, b) => tried[b]!.onIntegers - tried[a]!.onIntegers || ratio(b) - ratio(a) || a - b);
  attempts[chosen]!.isChosen = true;
  return { chosen: tried[chosen]!.quantized, attempts, warnings };
}

function modesFor(
  model: Model,
  { target }: Pick<QuantizeSettings, 'target'>,
  isCalibrated: boolean,
): NonNullable<QuantizeSettings['mode']>[] {
  const isTflite = (target ?? model.format) === 'tflite';
  const hasProducts = [...allNodes(model.graph)].some(
    ({ op, domain, inputs }) =>
      domain === '' &&
      (op === 'MatMul' || op === 'Gemm') &&
      inputs[1] != null &&
      constantOfValue(inputs[1]) !== null,
  );
  return [
    ...(isCalibrated ? (['static'] as const) : []),
    ...(hasProducts && !isTflite ? (['dynamic'] as const) : []),
    'weight-only',
  ];
}

/** Random inputs on which the model runs; null where none are found, or it is large. */
async function randomJudging(
  model: Model,
  seed: number,
  warnings: string[],
): Promise<Judging | null> {
  if (model.sourceBytes > mostRunBytes) {
    warnings.push('the model is large: it was not run to judge it; give calibration for that');
    return null;
  }
  const runnable = await runnableOf(model);
  try {
    const found = await findInputs(runnable, model, {});
    const next = random(seed);
    const feeds = Array.from({ length: randomSamples }, () => found.make(next));
    return { feeds, isHeldBack: true, inputs: `random, seed ${seed}` };
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    warnings.push(`the result was not judged: ${error.message}`);
    return null;
  } finally {
    await runnable.dispose();
  }
}

/** Bytes of all constants. */
export function constantBytes(model: Model): number {
  let bytes = 0;
  for (const { constant } of allConstants(model)) bytes += constant.data.size;
  return bytes;
}

function dynamicProducts(model: Model): number {
  const names = new Set(['MatMulInteger', 'ConvInteger', 'DynamicMatMul']);
  return [...allNodes(model.graph)].filter(({ op }) => names.has(op)).length;
}
