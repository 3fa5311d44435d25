import type { Tensor } from '../../core/tensor.ts';
import { bigintsOf, tensorOf } from './elements.ts';
import type { EvaluateContext } from './evaluator.ts';
import { countOf } from './indexing.ts';
import { floatsIn, invalid, stringsIn, tensorAt } from './operands.ts';

interface Gram {
  column: number;
  weight: number;
}

/** Counts of the pool's n-grams in each row, weighted as `mode` says. Items of an n-gram may be apart by up to
 *  `max_skip_count` others, equally many between each two. */
export function tfIdfVectorizer(c: EvaluateContext): Tensor {
  const x = tensorAt(c, 0);
  const rank = x.dims.length;
  if (rank !== 1 && rank !== 2) throw invalid(c, 'E_SHAPE_RANK', `rank ${rank}, expected 1 or 2`);
  const items = x.type === 'string' ? (x.data as string[]) : bigintsOf(x).map(String);
  const pool = poolOf(c);
  const mode = c.attributes.string('mode');
  const indexes = c.attributes.ints('ngram_indexes') ?? [];
  const width = indexes.reduce((most, index) => Math.max(most, index), -1) + 1;
  const rows = rank === 1 ? 1 : x.dims[0]!;
  const size = x.dims.at(-1)!;
  const values = new Float64Array(countOf([rows, width]));
  for (let row = 0; row < rows; row++) {
    for (const key of keysIn(c, items.slice(row * size, (row + 1) * size))) {
      const gram = pool.get(key);
      if (gram === undefined) continue;
      const to = row * width + gram.column;
      const before = values[to]!;
      values[to] = mode === 'IDF' ? gram.weight : before + (mode === 'TF' ? 1 : gram.weight);
    }
  }
  return tensorOf('float32', values, [...x.dims.slice(0, -1), width]);
}

/** The n-grams of the pool, which has those of one item first, then those of two. */
function poolOf(c: EvaluateContext): Map<string, Gram> {
  const pool = stringsIn(c, 'pool_strings') ?? (c.attributes.ints('pool_int64s') ?? []).map(String);
  const starts = c.attributes.ints('ngram_counts') ?? [];
  const indexes = c.attributes.ints('ngram_indexes') ?? [];
  const weights = floatsIn(c, 'weights');
  const grams = new Map<string, Gram>();
  let number = 0;
  starts.forEach((start, i) => {
    const length = i + 1;
    const end = starts[i + 1] ?? pool.length;
    if (start < 0 || end < start || end > pool.length)
      throw invalid(c, 'E_OP_ATTRIBUTE', 'ngram_counts do not fit the pool');
    for (let at = start; at + length <= end; at += length) {
      const column = indexes[number];
      const weight = weights === null ? 1 : weights[number];
      if (column === undefined || weight === undefined)
        throw invalid(c, 'E_OP_ATTRIBUTE', 'ngram_indexes or weights are too few');
      grams.set(keyOf(pool.slice(at, at + length)), { column, weight });
      number++;
    }
  });
  return grams;
}

/** Every n-gram of a row, as `keyOf` has it. */
function* keysIn(c: EvaluateContext, items: readonly string[]): Generator<string> {
  const shortest = Math.max(1, c.attributes.int('min_gram_length'));
  const longest = Math.min(c.attributes.int('max_gram_length'), items.length);
  const apart = Math.min(c.attributes.int('max_skip_count') + 1, items.length);
  for (let length = shortest; length <= longest; length++) {
    // A single item has nothing between: it counts once.
    for (let step = 1; step <= (length === 1 ? 1 : apart); step++) {
      const last = items.length - step * (length - 1);
      for (let start = 0; start < last; start++)
        yield keyOf(Array.from({ length }, (_, i) => items[start + i * step]!));
    }
  }
}

function keyOf(gram: readonly string[]): string {
  return JSON.stringify(gram);
}
