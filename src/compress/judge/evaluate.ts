import { breather } from '../../core/breathe.ts';
import { checkAborted } from '../../core/errors.ts';
import { Tensor } from '../../core/tensor.ts';
import type { Model } from '../../ir/model.ts';
import { between } from '../../runtime/between.ts';
import { Difference } from '../../runtime/difference.ts';
import { loadWeights } from '../../runtime/prepare.ts';
import type { Feeds } from '../../runtime/runner.ts';
import { createSession, type Session } from '../../runtime/session.ts';

/** How far the outputs of one model are from those of another. */
export interface Evaluation {
  outputs: readonly EvaluatedOutput[];
  /** The least of the outputs; Infinity where they are the same. */
  sqnrDb: number;
}

export interface EvaluatedOutput {
  name: string;
  /** Signal-to-noise ratio over all samples, dB; Infinity where they are the same, -Infinity where there are NaN. */
  sqnrDb: number;
  /** Of the angle between both, over all elements; null where one of them is all zero. */
  cosine: number | null;
  /** Share of rows whose largest element is at the same place; null without such rows. */
  top1: number | null;
  /** Sums of squares of the reference and of how far the other is from it. */
  signal: number;
  noise: number;
}

export interface EvaluateOptions {
  signal?: AbortSignal;
  /** After each sample. */
  onSample?: (done: number, total: number) => void;
}

/** What a model gives for samples: computed once, for any number of candidates. */
export class Reference {
  readonly model: Model;
  readonly samples: readonly Feeds[];
  readonly outputs: readonly Readonly<Record<string, Tensor>>[];

  private constructor(
    model: Model,
    samples: readonly Feeds[],
    outputs: readonly Readonly<Record<string, Tensor>>[],
  ) {
    this.model = model;
    this.samples = samples;
    this.outputs = outputs;
  }

  /** Runs the model, each sample as the first one.
   *  @param reference  a model, or a session of it that is not busy
   *  Errors of the session are passed on. Memory: all outputs of all samples. */
  static async of(
    model: Model,
    samples: readonly Feeds[],
    options: EvaluateOptions = {},
  ): Promise<Reference> {
    return new Reference(model, samples, await runAll(model, samples, options));
  }
}

/** Runs two models on the same samples, on the kernels that they have in a session (integer ones where there are), and
 *  measures how far their outputs are apart.
 *  @param reference  the model that is right, or what it gave
 *  @param candidate  a model with the same inputs and outputs, perhaps in another layout
 *  @param samples    feeds of the reference; states are as at the first run for each
 *  Errors of the sessions are passed on. Cost: a run of each model per sample. Deterministic. */
export async function evaluate(
  reference: Model | Reference,
  candidate: Model,
  samples: readonly Feeds[],
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const known =
    reference instanceof Reference && reference.samples === samples
      ? reference
      : await Reference.of(
          reference instanceof Reference ? reference.model : reference,
          samples,
          options,
        );
  const mapping = between(known.model, candidate);
  const differences = new Map<string, Difference>();
  const inputs = samples.map((feeds) => mapping.feeds(feeds));
  let at = 0;
  for await (const results of runs(candidate, inputs, options)) {
    const got = mapping.outputs(results);
    for (const [name, expected] of Object.entries(known.outputs[at]!)) {
      const other = got[name];
      if (other === undefined || Array.isArray(expected.data)) continue;
      const difference = differences.get(name) ?? new Difference(name);
      differences.set(name, difference);
      difference.add(expected, other);
    }
    at++;
  }
  const outputs = [...differences.values()].map((difference): EvaluatedOutput => {
    const { output: name, sqnrDb, cosine, top1 } = difference.report();
    const ratio = sqnrDb === null ? Infinity : Number.isNaN(sqnrDb) ? -Infinity : sqnrDb;
    return { name, sqnrDb: ratio, cosine, top1, ...difference.powers() };
  });
  return { outputs, sqnrDb: Math.min(Infinity, ...outputs.map(({ sqnrDb }) => sqnrDb)) };
}

async function runAll(
  model: Model,
  samples: readonly Feeds[],
  options: EvaluateOptions,
): Promise<Record<string, Tensor>[]> {
  const all: Record<string, Tensor>[] = [];
  for await (const outputs of runs(model, samples, options)) all.push(outputs);
  return all;
}

async function* runs(
  model: Model,
  samples: readonly Feeds[],
  { signal, onSample }: EvaluateOptions,
): AsyncGenerator<Record<string, Tensor>> {
  await loadWeights(model);
  const session: Session = createSession(model);
  const breathe = breather();
  try {
    for (const [i, feeds] of samples.entries()) {
      await breathe();
      checkAborted(signal);
      session.reset();
      const results = await session.runAsync(feeds, signal === undefined ? {} : { signal });
      const tensors = Object.entries(results).filter(([, data]) => data instanceof Tensor);
      onSample?.(i + 1, samples.length);
      yield Object.fromEntries(tensors);
    }
  } finally {
    session.dispose();
  }
}
