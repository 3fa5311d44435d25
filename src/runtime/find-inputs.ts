import { UnsupportedError } from '../core/errors.ts';
import { type Random, random } from '../core/random.ts';
import type { Model } from '../ir/model.ts';
import { inputsOf, randomFeeds, symbolsOf } from './inputs.ts';
import type { Feeds, Runnable } from './runner.ts';

/** Sizes tried for symbolic dimensions whose name does not say `batch`. */
const sizes = [64, 32, 48, 96, 128, 192, 224, 256, 320, 512, 576, 16, 8, 4, 2, 1, 1024, 1536];
/** Ranges tried for integers: bytes, tokens of a small vocabulary, flags, nothing. */
const ranges = [256, 16, 2, 1];

/** Inputs on which a model runs. */
export interface Found {
  /** Sizes of symbolic dimensions. */
  bindings: Record<string, number>;
  /** The next random inputs. */
  make(next: Random): Feeds;
}

export interface FindOptions {
  /** Sizes that are not searched for. */
  bindings?: Readonly<Record<string, number>>;
  /** Inputs that are not made. */
  given?: Feeds;
}

/** Symbolic sizes and ranges of integers on which a model runs: nothing in a file tells them, so they are tried.
 *  @param runnable  the model, loaded
 *  @throws {UnsupportedError} nothing that was tried runs, or the model runs on nothing */
export async function findInputs(
  runnable: Runnable,
  model: Model,
  { bindings: fixed = {}, given = {} }: FindOptions,
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
      const make = (next: Random): Feeds => randomFeeds(inputs, bindings, next, { given, below });
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
