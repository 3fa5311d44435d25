import { checkAborted, UnsupportedError } from '../core/errors.ts';
import { random } from '../core/random.ts';
import type { Model } from '../ir/model.ts';
import type { CompareReport } from '../report/report.ts';
import { type Between, between } from './between.ts';
import { Difference } from './difference.ts';
import { findInputs } from './find-inputs.ts';
import type { Feeds, Runnable, Runner } from './runner.ts';

export interface CompareOptions {
  /** What runs the models. */
  runner: Runner;
  /** Inputs to use; default random ones. */
  inputs?: readonly Feeds[];
  /** Some inputs, with random ones for the rest. */
  given?: Feeds;
  /** Random samples; default 4. */
  samples?: number;
  seed?: number;
  /** Sizes of symbolic dimensions; default: the first of a list that runs. */
  bindings?: Readonly<Record<string, number>>;
  signal?: AbortSignal;
}

/** A model and its file, which is only made where the runner wants one. */
export interface ModelFile {
  model: Model;
  bytes: Uint8Array | (() => Promise<Uint8Array>);
}

/** Runs two models on the same inputs and measures how far their outputs are apart.
 *  @param reference  the model that is right, and its file
 *  @param bytes      the file of the other one, which has the same inputs and outputs
 *  @throws {UnsupportedError} no inputs were found on which the reference runs
 *  Errors of the runner on the other model are passed on. */
export async function compareBytes(
  reference: { model: Model; bytes: Uint8Array },
  bytes: Uint8Array,
  options: CompareOptions,
): Promise<CompareReport> {
  const load = (): Promise<Runnable> => options.runner.load(bytes);
  return (await compareLoaded(reference, load, null, options)).report;
}

/** What a comparison gave, and the first inputs that both models ran on, each in its own form. */
export interface Compared {
  report: CompareReport;
  feeds: { reference: Feeds; other: Feeds } | null;
}

/** The same for models of different formats: inputs and outputs are matched by name, else in order, and images and
 *  integers brought into the form that each model has.
 *  @throws {UnsupportedError} inputs of a kind that can't be brought into the other's, too */
export function compareModels(
  reference: ModelFile,
  other: ModelFile,
  options: CompareOptions,
): Promise<Compared> {
  const load = (): Promise<Runnable> => loaded(other, options.runner);
  return compareLoaded(reference, load, between(reference.model, other.model), options);
}

async function loaded({ model, bytes }: ModelFile, runner: Runner): Promise<Runnable> {
  if (runner.loadModel !== undefined) return runner.loadModel(model);
  return runner.load(bytes instanceof Uint8Array ? bytes : await bytes());
}

async function compareLoaded(
  reference: ModelFile,
  loadOther: () => Promise<Runnable>,
  mapping: Between | null,
  options: CompareOptions,
): Promise<Compared> {
  const { runner, seed = 0, samples = 4, signal } = options;
  const first = await loaded(reference, runner);
  try {
    const second = await loadOther();
    try {
      const found =
        options.inputs === undefined ? await findInputs(first, reference.model, options) : null;
      const next = found === null ? null : random(seed);
      const total = options.inputs?.length ?? samples;
      const differences = new Map<string, Difference>();
      let shown: Compared['feeds'] = null;
      for (let sample = 0; sample < total; sample++) {
        checkAborted(signal);
        const feeds = options.inputs?.[sample] ?? found!.make(next!);
        const expected = await first.run(feeds);
        const others = mapping === null ? feeds : mapping.feeds(feeds);
        shown ??= { reference: feeds, other: others };
        const results = await second.run(others).catch((cause: unknown) => {
          throw doesNotRun(cause);
        });
        const got = mapping === null ? results : mapping.outputs(results);
        for (const [name, tensor] of Object.entries(expected)) {
          const other = got[name];
          if (other === undefined || Array.isArray(tensor.data)) continue;
          let difference = differences.get(name);
          if (difference === undefined) {
            difference = new Difference(name);
            differences.set(name, difference);
          }
          difference.add(tensor, other);
        }
      }
      const report: CompareReport = {
        kind: 'compare',
        version: 1,
        runner: runner.name,
        samples: total,
        inputs: options.inputs === undefined ? `random, seed ${seed}` : 'given',
        bindings: found?.bindings ?? {},
        outputs: [...differences.values()].map((difference) => difference.report()),
      };
      return { report, feeds: shown };
    } finally {
      await second.dispose();
    }
  } finally {
    await first.dispose();
  }
}

function doesNotRun(cause: unknown): UnsupportedError {
  const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
  return new UnsupportedError(`the other model does not run on the reference's inputs: ${why}`, {
    code: 'E_COMPARE_RUN',
    cause,
  });
}
