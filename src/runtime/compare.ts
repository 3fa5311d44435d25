import { checkAborted, UnsupportedError } from '../core/errors.ts';
import { random } from '../core/random.ts';
import type { Model } from '../ir/model.ts';
import type { CompareReport } from '../report/report.ts';
import { Difference } from './difference.ts';
import { inputsOf, randomFeeds, symbolsOf } from './inputs.ts';
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

/** Sizes tried for symbolic dimensions whose name does not say `batch`. */
const sizes = [64, 32, 48, 96, 128, 192, 224, 256, 320, 512, 576, 16, 8, 4, 2, 1, 1024, 1536];
/** Ranges tried for integers: bytes, tokens of a small vocabulary, flags, nothing. */
const ranges = [256, 16, 2, 1];

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

interface Found {
  bindings: Record<string, number>;
  make(next: ReturnType<typeof random>): Feeds;
}

/** Symbolic sizes and ranges of integers on which a model runs: nothing in a file tells them, so they are tried. */
async function findInputs(
  runnable: Runnable,
  model: Model,
  { bindings: fixed = {}, given = {} }: CompareOptions,
): Promise<Found> {
  const inputs = inputsOf(model);
  const free = symbolsOf(inputs.filter(({ name }) => given[name] === undefined)).filter(
    (symbol) => fixed[symbol] === undefined && !isBatch(symbol),
  );
  let last: unknown = null;
  for (const chosen of assignments(free)) {
    const bindings: Record<string, number> = {};
    for (const symbol of symbolsOf(inputs)) bindings[symbol] = fixed[symbol] ?? chosen[symbol] ?? 1;
    for (const below of ranges) {
      const make = (next: ReturnType<typeof random>): Feeds =>
        randomFeeds(inputs, bindings, next, { given, below });
      try {
        await runnable.run(make(random(1)));
        return { bindings, make };
      } catch (error) {
        if (error instanceof UnsupportedError) throw error;
        last = error;
      }
      if (inputs.every(({ type }) => type === null || type.startsWith('float'))) break;
    }
  }
  throw new UnsupportedError('no random inputs were found on which the model runs', {
    code: 'E_NO_INPUTS',
    hint: 'give inputs, or the sizes of symbolic dimensions',
    cause: last,
  });
}

/** All symbols of one size, then one of them after the other with the rest 1. */
function* assignments(symbols: readonly string[]): Generator<Record<string, number>> {
  if (symbols.length === 0) yield {};
  for (const size of symbols.length === 0 ? [] : sizes) {
    yield Object.fromEntries(symbols.map((symbol) => [symbol, size]));
  }
  for (const symbol of symbols.length < 2 ? [] : symbols) {
    for (const size of sizes) yield { [symbol]: size };
  }
}

function isBatch(symbol: string): boolean {
  return /batch|^n$|\[0\]$|DynamicDimension\.0$/i.test(symbol);
}
