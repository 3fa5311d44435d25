import { rangeError } from '../../core/errors.ts';
import { clone } from '../../ir/clone.ts';
import type { Model } from '../../ir/model.ts';
import { type Evaluation, evaluate, Reference } from '../judge/index.ts';
import { prepareForIntegers } from '../prepare/index.ts';
import { biasCorrections } from '../recovery/biases.ts';
import { type Proposal, proposeFactors, scaleChannels, shapesFor } from '../recovery/factors.ts';
import { withHeads } from '../recovery/heads.ts';
import { collectMoments, linearLayers } from '../statistics/index.ts';
import { type Context, withModel } from './context.ts';
import { decide } from './decide.ts';
import { quantizeWith } from './quantize.ts';
import type { Samples } from './samples.ts';

/** Step 2: exact rewrites of the float model after which more of it can be integers. Returns what was done, one sentence
 *  each. */
export async function prepare(context: Context): Promise<string[]> {
  if (!mayRewrite(context)) return [];
  const done = await prepareForIntegers(context.model);
  context.statistics.forget();
  return done;
}

/** Parameters that are given by name, or are to be those of another converter, are of the model as it is. */
function mayRewrite({ samples, given, isPlanned, settings: { activations } }: Context): boolean {
  if ((samples === null && !isPlanned) || activations === null) return false;
  return activations.scheme === null && given.ranges === undefined;
}

/** Samples that statistics of channels are made of: they say how channels compare, not where ranges end. */
const mostSamples = 32;

/** Step 4: exact rewrites of the float model after which quantizing loses less. Each is tried: it stays where the outputs of
 *  the quantized model come out nearer on the judging samples. */
export async function recover(context: Context): Promise<void> {
  const { samples, settings } = context;
  const { equalize, smooth, biasCorrection } = settings.recover;
  if (!mayRewrite(context) || samples === null) return;
  const trial = new Trial(context);
  if (equalize || smooth) await scale(context, samples, trial);
  if (biasCorrection) await correct(context, samples, trial);
}

async function scale(context: Context, samples: Samples, trial: Trial): Promise<void> {
  const { model, settings, signal } = context;
  const few = await samples.few(mostSamples);
  const [first] = few;
  if (first === undefined) throw rangeError('calibration', 'at least one sample', 0);
  const shapes = shapesFor(model, first);
  const levels = { activations: 255, weights: 127, byOutput: settings.granularity !== 'tensor' };
  const found = await proposeFactors(model, shapes, few, levels, signal);
  for (const kind of ['equalize', 'smooth'] as const) {
    const proposals = found.filter((proposal) => proposal.kind === kind);
    if (!settings.recover[kind] || proposals.length === 0) continue;
    await trial.keepBest(kind, tries(proposals), (changed, chosen) =>
      scaleChannels(changed, shapes, chosen),
    );
  }
}

/** Vectors of a sample that a mean is made of. */
const rowsPerSample = 256;

async function correct(context: Context, samples: Samples, trial: Trial): Promise<void> {
  const { model, signal, corrections, recovery } = context;
  const before = await trial.current();
  const moments = await collectMoments(model, samples.statistics(), linearLayers(model), {
    gram: false,
    rowsPerSample,
    ...(signal === undefined ? {} : { signal }),
  });
  const found = await biasCorrections(model, before.model, moments);
  for (const [key, shift] of found) corrections.set(key, shift);
  if (found.size === 0) return;
  const gainDb = await trial.gainOfCorrections();
  if (gainDb === null) {
    corrections.clear();
    return;
  }
  const note = `biases of ${found.size} layers make up for what rounding shifts their means by`;
  recovery.push({ kind: 'bias-correction', layers: [...found.keys()], gainDb, note });
}

/** All proposals, with room for other samples; the half of them that promises most; all without that room. */
function tries(proposals: readonly Proposal[]): Proposal[][] {
  const ordered = [...proposals].sort((a, b) => b.gain - a.gain);
  const careful = ordered.map((proposal) => ({ ...proposal, factors: proposal.careful }));
  const half = careful.slice(0, Math.ceil(careful.length / 2));
  return [careful, ...(half.length < careful.length ? [half] : []), ordered];
}

/** A gain below it is chance, dB. */
const leastGainDb = 0.1;

/** Outputs as near as this are not bettered at the cost of bytes, dB. */
const plentyDb = 38;

interface Verdict {
  model: Model;
  evaluation: Evaluation;
  /** Of the weights. */
  bytes: number;
}

/** What a less careful change must gain more, dB. */
const leastMoreDb = 1;

/** Quantizes with and without a change, and keeps what comes out nearer. */
class Trial {
  readonly #context: Context;
  #reference: Reference | null = null;
  #best: Verdict | null = null;

  constructor(context: Context) {
    this.#context = context;
  }

  /** The model as it is, quantized. */
  async current(): Promise<Verdict> {
    this.#best ??= await this.#judge(this.#context);
    return this.#best;
  }

  /** What the corrections in the context gain, dB; null where that is nothing. */
  async gainOfCorrections(): Promise<number | null> {
    const before = await this.current();
    const after = await this.#judge(this.#context);
    const gainDb = gainOf(before.evaluation, after.evaluation);
    if (
      gainDb < leastGainDb ||
      (after.bytes > before.bytes && before.evaluation.sqnrDb >= plentyDb)
    )
      return null;
    this.#best = after;
    return gainDb;
  }

  async keepBest(
    kind: string,
    candidates: readonly (readonly Proposal[])[],
    change: (model: Model, proposals: readonly Proposal[]) => void,
  ): Promise<void> {
    const { model, recovery, statistics } = this.#context;
    const before = await this.current();
    let best: { proposals: readonly Proposal[]; verdict: Verdict } | null = null;
    for (const [at, proposals] of candidates.entries()) {
      // A part is only tried where all of it does harm.
      if (at === 1 && best !== null && candidates.length > 2) continue;
      const changed = clone(model);
      change(changed, proposals);
      const verdict = await this.#judge(withModel(this.#context, changed));
      // Rows that were alike may need steps of their own afterwards.
      if (verdict.bytes > before.bytes && before.evaluation.sqnrDb >= plentyDb) continue;
      const gainDb = gainOf((best?.verdict ?? before).evaluation, verdict.evaluation);
      if (gainDb > (best === null ? 0 : leastMoreDb)) best = { proposals, verdict };
    }
    const gainDb = best === null ? 0 : gainOf(before.evaluation, best.verdict.evaluation);
    if (best === null || gainDb < leastGainDb) return;
    change(model, best.proposals);
    statistics.forget();
    this.#best = best.verdict;
    const layers = [...new Set(best.proposals.flatMap((proposal) => proposal.layers))];
    recovery.push({ kind, layers, gainDb, note: noteOf(kind, best.proposals) });
  }

  async #judge(context: Context): Promise<Verdict> {
    const { given, settings, signal } = context;
    const options = signal === undefined ? {} : { signal };
    const { feeds } = await this.#context.samples!.judging();
    this.#reference ??= await Reference.of(withHeads(this.#context.model), feeds, options);
    const decisions = decide(context.model, settings, given.layers ?? {}, given);
    const { model, layers } = await quantizeWith(context, decisions);
    const evaluation = await evaluate(this.#reference, withHeads(model), feeds, options);
    return {
      model,
      evaluation,
      bytes: layers.reduce((sum, { bytesAfter }) => sum + bytesAfter, 0),
    };
  }
}

/** How much nearer outputs are, dB: the mean of what the worst and all of them gain. */
function gainOf(before: Evaluation, after: Evaluation): number {
  const mean = ({ outputs }: Evaluation): number =>
    outputs.reduce((sum, { sqnrDb }) => sum + bounded(sqnrDb), 0) / Math.max(1, outputs.length);
  return (bounded(after.sqnrDb) - bounded(before.sqnrDb) + mean(after) - mean(before)) / 2;
}

const bounded = (db: number): number => Math.min(200, Math.max(-200, db));

function noteOf(kind: string, proposals: readonly Proposal[]): string {
  const channels = proposals.reduce((sum, { factors }) => sum + factors.size, 0);
  const where = kind === 'smooth' ? 'behind normalizations' : 'between layers';
  return `ranges of ${channels} channels ${where} made more alike, exactly`;
}
