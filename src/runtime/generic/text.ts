import { Tensor } from '../../core/tensor.ts';
import { bigintsOf, tensorOf, tensorOfIntegers, tensorOfTruths } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { broadcastDims, broadcastOffsets, countOf } from './indexing.ts';
import { floatsIn, invalid, stringsIn, tensorAt } from './operands.ts';
import { fullMatcher } from './regex.ts';

/** Operators on strings. */

function textAt(c: EvaluateContext, input: number): { items: string[]; dims: readonly number[] } {
  const x = tensorAt(c, input);
  if (x.type !== 'string') throw invalid(c, 'E_OPERAND_KIND', `input ${input} has no strings`);
  return { items: x.data as string[], dims: x.dims };
}

function concat(c: EvaluateContext): Tensor[] {
  const [a, b] = [textAt(c, 0), textAt(c, 1)];
  const dims = broadcastDims([a.dims, b.dims]);
  const atB = broadcastOffsets(b.dims, dims);
  const items = Array.from(
    broadcastOffsets(a.dims, dims),
    (at, i) => a.items[at]! + b.items[atB[i]!]!,
  );
  return [new Tensor('string', items, dims)];
}

/** At a delimiter, or at white space without empty parts; after `most` cuts the rest stays whole. */
function splitOf(text: string, delimiter: string, most: number): string[] {
  const parts: string[] = [];
  let rest = delimiter === '' ? text.trimStart() : text;
  while (parts.length < most) {
    const found = delimiter === '' ? /\s+/.exec(rest) : null;
    const at = delimiter === '' ? (found?.index ?? -1) : rest.indexOf(delimiter);
    if (at < 0) break;
    parts.push(rest.slice(0, at));
    rest = rest.slice(at + (found?.[0].length ?? delimiter.length));
  }
  return rest === '' && delimiter === '' ? parts : [...parts, rest];
}

/** Parts along a new last axis, filled up with empty strings, and how many there are. */
function split(c: EvaluateContext): Tensor[] {
  const { items, dims } = textAt(c, 0);
  const delimiter = c.attributes.string('delimiter', '');
  const most = c.attributes.int('maxsplit', -1);
  const parts = items.map((item) => splitOf(item, delimiter, most < 0 ? Infinity : most));
  const width = parts.reduce((longest, { length }) => Math.max(longest, length), 0);
  countOf([...dims, width]);
  const padded = parts.flatMap((own) => [
    ...own,
    ...new Array<string>(width - own.length).fill(''),
  ]);
  return [
    new Tensor('string', padded, [...dims, width]),
    tensorOfIntegers(
      parts.map(({ length }) => length),
      dims,
    ),
  ];
}

/** Removes stop words, then changes case; what is left empty has one empty string. */
function normalize(c: EvaluateContext): Tensor[] {
  const { items, dims } = textAt(c, 0);
  if (dims.length > 2 || (dims.length === 2 && dims[0] !== 1))
    throw invalid(c, 'E_SHAPE_RANK', `[${dims}], expected [C] or [1, C]`);
  const isSensitive = c.attributes.int('is_case_sensitive') !== 0;
  const plain = (word: string): string => (isSensitive ? word : word.toLowerCase());
  const stops = new Set((stringsIn(c, 'stopwords') ?? []).map(plain));
  const change = c.attributes.string('case_change_action');
  const kept = items
    .filter((item) => !stops.has(plain(item)))
    .map((item) =>
      change === 'LOWER' ? item.toLowerCase() : change === 'UPPER' ? item.toUpperCase() : item,
    );
  const words = kept.length > 0 ? kept : [''];
  return [new Tensor('string', words, [...dims.slice(0, -1), words.length])];
}

function regexFullMatch(c: EvaluateContext): Tensor[] {
  const { items, dims } = textAt(c, 0);
  const matches = fullMatcher(c, c.attributes.string('pattern', ''));
  return [tensorOfTruths(items.map(matches), dims)];
}

type Token = string | bigint;

/** N-grams by their first token, then the next. */
interface Branch {
  readonly next: Map<Token, Branch>;
  /** Number of the n-gram that ends here. */
  gram: number | null;
}

const branch = (): Branch => ({ next: new Map(), gram: null });

/** The pool holds all n-grams one after the other; `ngram_counts` has where those of each length start. */
function gramsOf(c: EvaluateContext, pool: readonly Token[]): { root: Branch; count: number } {
  const starts = c.attributes.ints('ngram_counts') ?? [];
  const root = branch();
  let count = 0;
  starts.forEach((start, index) => {
    const length = index + 1;
    const end = starts[index + 1] ?? pool.length;
    if (start < 0 || end > pool.length || (end - start) % length !== 0)
      throw invalid(
        c,
        'E_OP_ATTRIBUTE',
        `the pool holds no ${length}-grams from ${start} to ${end}`,
      );
    for (let at = start; at < end; at += length, count++) {
      let place = root;
      for (const token of pool.slice(at, at + length)) {
        const known = place.next.get(token) ?? branch();
        place.next.set(token, known);
        place = known;
      }
      place.gram ??= count;
    }
  });
  return { root, count };
}

/** How often each n-gram of the pool comes in a row, its tokens up to `max_skip_count` + 1 apart. */
function countsOf(
  c: EvaluateContext,
  row: readonly Token[],
  root: Branch,
  counts: Float64Array,
): void {
  const most = c.attributes.int('max_gram_length');
  let least = c.attributes.int('min_gram_length');
  const farthest = Math.min(c.attributes.int('max_skip_count') + 1, Math.max(row.length, 1));
  for (let distance = 1; distance <= farthest && least <= most; distance++) {
    for (let start = 0; start < row.length; start++) {
      let place: Branch | undefined = root;
      for (let n = 1; n <= most; n++) {
        const at = start + (n - 1) * distance;
        place = at < row.length ? place.next.get(row[at]!) : undefined;
        if (place === undefined) break;
        if (n >= least && place.gram !== null) counts[place.gram]! += 1;
      }
    }
    // A single token is the same at every distance.
    if (least === 1) least = 2;
  }
}

function tfIdf(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  if (x.dims.length < 1 || x.dims.length > 2)
    throw invalid(c, 'E_SHAPE_RANK', `[${x.dims}], expected [C] or [N, C]`);
  const tokens: readonly Token[] = x.type === 'string' ? (x.data as string[]) : bigintsOf(x);
  const numbers = c.node.attributes.get('pool_int64s');
  const pool: readonly Token[] =
    stringsIn(c, 'pool_strings') ?? (numbers?.type === 'ints' ? numbers.value.map(BigInt) : []);
  const { root, count } = gramsOf(c, pool);
  const columns = c.attributes.ints('ngram_indexes') ?? [];
  if (columns.length !== count)
    throw invalid(c, 'E_OP_ATTRIBUTE', `${columns.length} indexes for ${count} n-grams`);
  const width = columns.reduce((a, b) => Math.max(a, b), -1) + 1;
  const weights = floatsIn(c, 'weights');
  const mode = c.attributes.string('mode');
  const length = x.dims.at(-1)!;
  const rows = x.dims.length === 1 ? 1 : x.dims[0]!;
  const dims = [...x.dims.slice(0, -1), width];
  const result = new Float64Array(countOf(dims));
  for (let row = 0; row < rows; row++) {
    const counts = new Float64Array(count);
    countsOf(c, tokens.slice(row * length, (row + 1) * length), root, counts);
    counts.forEach((often, gram) => {
      if (often === 0) return;
      const weight = mode === 'TF' ? 1 : (weights?.[gram] ?? 1);
      result[row * width + columns[gram]!]! += (mode === 'IDF' ? 1 : often) * weight;
    });
  }
  return [tensorOf('float32', result, dims)];
}

export const textEvaluators: readonly Evaluator[] = [
  { op: 'StringConcat', evaluate: concat },
  { op: 'StringSplit', evaluate: split },
  { op: 'StringNormalizer', evaluate: normalize },
  { op: 'RegexFullMatch', evaluate: regexFullMatch },
  { op: 'TfIdfVectorizer', evaluate: tfIdf },
];
