import { rangeError } from '../../core/errors.ts';
import { clone } from '../../ir/clone.ts';
import type { Model } from '../../ir/model.ts';
import { judge, type Verdict } from '../judge/judge.ts';
import {
  type CompressOptions,
  type QuantizeSettings,
  resolveLayer,
  resolveQuantize,
} from '../options.ts';
import type { Plan } from '../plan.ts';
import { type Context, contextOf } from './context.ts';
import { type Decision, type Decisions, decide } from './decide.ts';
import { mixBits, mixedBits } from './mixed.ts';
import { type Candidate, quantizeWith } from './quantize.ts';
import { prepare, recover } from './recover.ts';
import type { Judging, Samples } from './samples.ts';

/** A model that was quantized in one way. */
export interface Quantized {
  context: Context;
  candidate: Candidate;
  /** null where nothing was run. */
  verdict: Verdict | null;
  /** What was done without loss, one sentence each. */
  done: string[];
}

export interface RunOptions
  extends Pick<CompressOptions, 'calibration' | 'seed' | 'signal' | 'onProgress'> {
  given: QuantizeSettings;
  /** Samples that another run goes through, too. */
  samples?: Samples | null;
  /** What candidates are judged on without calibration. */
  judging?: Judging | null;
  /** What is decided already. */
  plan?: Plan | null;
}

/** All steps of quantization, with settings that hold for the whole model.
 *  @param original  the model that is right
 *  @param lossless  a copy of it that computes the same; it is not changed */
export async function quantizeModel(
  original: Model,
  lossless: Model,
  { given, plan = null, judging = null, samples, ...options }: RunOptions,
): Promise<Quantized> {
  const isCalibrated = options.calibration !== undefined;
  const known = plan === null || isCalibrated ? given : { ...given, ranges: rangesOf(plan) };
  const settings = resolveQuantize(known, original.format, isCalibrated);
  const copy = clone(lossless);
  const context = contextOf(copy, {
    ...options,
    given,
    settings,
    samples,
    isPlanned: plan !== null,
  });
  const done = await prepare(context);
  // A scheme's parameters are those of the model's own weights.
  if (settings.scheme === null) await recover(context);
  const decided = decide(copy, settings, given.layers ?? {}, given);
  if (plan !== null) {
    const candidate = await quantizeWith(context, planned(decided, plan, context));
    return { context, candidate, verdict: null, done };
  }
  const decisions = await mixBits(context, decided);
  const run = context.samples === null ? judging : await context.samples.judging();
  const verdict =
    run === null ? null : await judge(context, original, decisions, run, settings.minOutputDb);
  const candidate = verdict?.candidate ?? (await quantizeWith(context, decisions));
  candidate.warnings.push(...(context.samples?.notes() ?? []));
  return { context, candidate, verdict, done };
}

/** Levels that a plan has for computed values. */
function rangesOf(plan: Plan): NonNullable<QuantizeSettings['ranges']> {
  return Object.fromEntries(
    plan.activations.map(({ value, scale, zeroPoint }) => [value, { scale, zeroPoint }]),
  );
}

/** What a plan decided.
 *  @throws {RangeError} an option that is none */
function planned(decisions: Decisions, plan: Plan, { given, model, settings }: Context): Decisions {
  const isStatic = settings.activations !== null;
  const layers = Object.entries(plan.layers).map(([key, { option, why }]): [string, Decision] => [
    key,
    { settings: resolveLayer(key, option, given, model.format, isStatic), option, why },
  ]);
  return decisions.with(layers, Object.entries(plan.real));
}

/** What was done, as a plan.
 *  @param given  settings that the run had */
export function planOf(
  { context, candidate }: Quantized,
  { names = 'keep' }: Pick<CompressOptions, 'names'>,
): Plan {
  const { given, settings, recovery, samples } = context;
  const { weights, values, decisions, layers } = candidate;
  const { layers: _, ranges: __, ...quantize } = given;
  const { activations } = decisions.base;
  const isRounded = layers.some((layer) => 'rounding' in layer && layer.rounding != null);
  return {
    version: 1,
    quantize: {
      ...quantize,
      minOutputDb: settings.minOutputDb,
      ...(activations === null ? {} : { calibrationMethod: activations.method }),
    },
    seed: context.seed,
    names,
    layers: Object.fromEntries(
      [...decisions.layers].map(([key, { option = 'float32', why }]) => [
        key,
        { option, why: why ?? '' },
      ]),
    ),
    real: Object.fromEntries(decisions.real),
    needsCalibration:
      samples !== null && (isRounded || recovery.some(({ kind }) => kind !== mixedBits)),
    weights,
    activations: values,
  };
}

/** What a plan says on its own, checked as far as that goes without a model.
 *  @throws {RangeError | TypeError} it is no plan, or lacks the calibration it needs */
export function checkPlan(plan: Plan, isCalibrated: boolean): void {
  const isPlan =
    typeof plan === 'object' &&
    plan !== null &&
    plan.version === 1 &&
    Array.isArray(plan.weights) &&
    Array.isArray(plan.activations) &&
    typeof plan.layers === 'object' &&
    typeof plan.real === 'object';
  if (!isPlan) throw rangeError('plan', 'a Plan of version 1', JSON.stringify(plan)?.slice(0, 40));
  if (plan.needsCalibration && !isCalibrated)
    throw rangeError('calibration', 'the samples that the plan was made with', undefined);
}

/** @throws {RangeError} what was done is not what the plan says: it is another model's, or other samples' */
export function checkDone(plan: Plan, made: Plan): void {
  for (const part of ['weights', 'activations'] as const) {
    const [wished, done] = [plan[part], made[part]].map((list) =>
      list.map((entry) => JSON.stringify({ ...entry, min: 0, max: 0 })),
    );
    const other = wished!.findIndex((entry, i) => entry !== done![i]);
    if (other < 0 && wished!.length === done!.length) continue;
    const at = other < 0 ? wished!.length : other;
    const name = (entry: Plan['weights' | 'activations'][number] | undefined): string =>
      entry === undefined ? 'nothing' : 'weight' in entry ? entry.weight : entry.value;
    throw rangeError(
      'plan',
      'one that was made for this model and these samples',
      `${part}: "${name(plan[part][at])}" where the model has "${name(made[part][at])}"`,
    );
  }
}
