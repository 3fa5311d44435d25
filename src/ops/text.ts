import { maxDims } from '../core/dim.ts';
import type { InferContext, Op, OutputInfo } from './op.ts';
import { broadcast, tensor, withRank } from './rules.ts';

/** Operators on strings. */

/** Words that are stopped leave the last axis; an empty result still has one element. */
function normalizerRule(c: InferContext): OutputInfo[] {
  const x = withRank(c, 0, 1, 2);
  const isWhole = !c.attributes.has('stopwords');
  if (x === null) return [tensor('string', null)];
  const last = x.at(-1)!;
  return [tensor('string', [...x.slice(0, -1), isWhole ? maxDims(last, 1) : null])];
}

function tfIdfRule(c: InferContext): OutputInfo[] {
  const x = withRank(c, 0, 1, 2);
  const indexes = c.attributes.ints('ngram_indexes') ?? [];
  const width = indexes.reduce((a, b) => Math.max(a, b), -1) + 1;
  return [tensor('float32', x === null ? null : [...x.slice(0, -1), width])];
}

export const textOps: readonly Op[] = [
  {
    name: 'StringConcat',
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: {},
    infer: (c) => [tensor('string', broadcast(c, [c.shape(0), c.shape(1)]))],
    traits: { elementwise: true },
  },
  {
    name: 'StringNormalizer',
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: {
      case_change_action: {
        kind: 'string',
        default: 'NONE',
        oneOf: ['LOWER', 'UPPER', 'NONE'],
      },
      is_case_sensitive: { kind: 'int', default: 0 },
      locale: { kind: 'string' },
      stopwords: { kind: 'strings' },
    },
    infer: normalizerRule,
  },
  {
    name: 'StringSplit',
    inputs: [1, 1],
    outputs: [2, 2],
    attributes: { delimiter: { kind: 'string' }, maxsplit: { kind: 'int' } },
    infer: (c) => {
      const x = c.shape(0);
      return [tensor('string', x === null ? null : [...x, null]), tensor('int64', x)];
    },
  },
  {
    name: 'RegexFullMatch',
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: { pattern: { kind: 'string' } },
    infer: (c) => [tensor('bool', c.shape(0))],
    traits: { elementwise: true },
  },
  {
    name: 'TfIdfVectorizer',
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: {
      max_gram_length: { kind: 'int', required: true },
      max_skip_count: { kind: 'int', required: true },
      min_gram_length: { kind: 'int', required: true },
      mode: { kind: 'string', required: true, oneOf: ['TF', 'IDF', 'TFIDF'] },
      ngram_counts: { kind: 'ints', required: true },
      ngram_indexes: { kind: 'ints', required: true, min: 0 },
      pool_int64s: { kind: 'ints' },
      pool_strings: { kind: 'strings' },
      weights: { kind: 'floats' },
    },
    infer: tfIdfRule,
  },
];
