import { checkAborted, UnsupportedError } from '../core/errors.ts';
import { random } from '../core/random.ts';
import type { Model } from '../ir/model.ts';
import type { CompareReport } from '../report/report.ts';
import { Difference } from './difference.ts';
import { findInputs } from './find-inputs.ts';
import type { Feeds, Runner } from './runner.ts';

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

/** Runs two models on the same inputs and measures how far their outputs are apart.
 *  @param reference  the model that is right, and its file
 *  @param bytes      the file of the other one
 *  @throws {UnsupportedError} no inputs were found on which the reference runs
 *  Errors of the runner on the other model are passed on. */
export async function compareBytes(
  reference: { model: Model; bytes: Uint8Array },
  bytes: Uint8Array,
  options: CompareOptions,
): Promise<CompareReport> {
  const { runner, seed = 0, samples = 4, signal } = options;
  const first = await runner.load(reference.bytes);
  try {
    const second = await runner.load(bytes);
    try {
      const found =
        options.inputs === undefined ? await findInputs(first, reference.model, options) : null;
      const next = found === null ? null : random(seed);
      const total = options.inputs?.length ?? samples;
      const differences = new Map<string, Difference>();
      for (let sample = 0; sample < total; sample++) {
        checkAborted(signal);
        const feeds = options.inputs?.[sample] ?? found!.make(next!);
        const expected = await first.run(feeds);
        const got = await second.run(feeds).catch((cause: unknown) => {
          throw doesNotRun(cause);
        });
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
      return {
        kind: 'compare',
        version: 1,
        runner: runner.name,
        samples: total,
        inputs: options.inputs === undefined ? `random, seed ${seed}` : 'given',
        bindings: found?.bindings ?? {},
        outputs: [...differences.values()].map((difference) => difference.report()),
      };
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
