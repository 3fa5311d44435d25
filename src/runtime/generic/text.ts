import { Tensor } from '../../core/tensor.ts';
import { tensorOfIntegers, tensorOfTruths } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { broadcastDims, broadcastOffsets, countOf } from './indexing.ts';
import { invalid, stringsIn, tensorAt } from './operands.ts';
import { fullMatcher } from './regular-expression.ts';
import { tfIdfVectorizer } from './tfidf.ts';

/** Operators on strings. */

function textsAt(c: EvaluateContext, input: number): { texts: readonly string[]; dims: number[] } {
  const tensor = tensorAt(c, input);
  if (tensor.type !== 'string')
    throw invalid(c, 'E_OPERAND_KIND', `input ${input} is ${tensor.type}, expected string`);
  return { texts: tensor.data as string[], dims: [...tensor.dims] };
}

function stringConcat(c: EvaluateContext): Tensor[] {
  const [a, b] = [textsAt(c, 0), textsAt(c, 1)];
  const dims = broadcastDims([a.dims, b.dims]);
  const [left, right] = [broadcastOffsets(a.dims, dims), broadcastOffsets(b.dims, dims)];
  const texts = Array.from(left, (at, i) => a.texts[at]! + b.texts[right[i]!]!);
  return [new Tensor('string', texts, dims)];
}

/** Words that are stopped leave the last axis; an empty result has one empty string. */
function stringNormalizer(c: EvaluateContext): Tensor[] {
  const { texts, dims } = textsAt(c, 0);
  if (dims.length !== 1 && !(dims.length === 2 && dims[0] === 1))
    throw invalid(c, 'E_SHAPE_RANK', `sizes [${dims}], expected [C] or [1, C]`);
  const action = c.attributes.string('case_change_action', 'NONE');
  const change = (text: string): string => {
    if (action === 'LOWER') return text.toLowerCase();
    return action === 'UPPER' ? text.toUpperCase() : text;
  };
  const isSensitive = c.attributes.int('is_case_sensitive', 0) !== 0;
  const compared = (text: string): string => (isSensitive ? text : text.toLowerCase());
  const stopped = new Set((stringsIn(c, 'stopwords') ?? []).map(compared));
  const kept = texts.filter((text) => !stopped.has(compared(text))).map(change);
  if (kept.length === 0) kept.push('');
  return [new Tensor('string', kept, [...dims.slice(0, -1), kept.length])];
}

/** Runs of white space separate words, and what is around them is cut. */
function splitAtSpace(text: string, most: number): string[] {
  const words: string[] = [];
  let rest = text.trimStart();
  while (rest !== '') {
    const at = words.length < most ? rest.search(/\s/) : -1;
    words.push(at < 0 ? rest : rest.slice(0, at));
    rest = at < 0 ? '' : rest.slice(at).trimStart();
  }
  return words;
}

/** At most `most` cuts; what follows the last stays as it is. */
function splitAt(text: string, delimiter: string, most: number): string[] {
  const parts = text.split(delimiter);
  if (parts.length - 1 <= most) return parts;
  return [...parts.slice(0, most), parts.slice(most).join(delimiter)];
}

function stringSplit(c: EvaluateContext): Tensor[] {
  const { texts, dims } = textsAt(c, 0);
  const delimiter = c.attributes.string('delimiter', '');
  const asked = c.attributes.int('maxsplit', -1);
  const most = asked < 0 ? Number.POSITIVE_INFINITY : asked;
  const split = texts.map((text) =>
    delimiter === '' ? splitAtSpace(text, most) : splitAt(text, delimiter, most),
  );
  const width = split.reduce((longest, { length }) => Math.max(longest, length), 0);
  const parts = new Array<string>(countOf([...dims, width])).fill('');
  split.forEach((words, row) => {
    words.forEach((word, i) => {
      parts[row * width + i] = word;
    });
  });
  const counts = split.map(({ length }) => length);
  return [new Tensor('string', parts, [...dims, width]), tensorOfIntegers(counts, dims)];
}

function regexFullMatch(c: EvaluateContext): Tensor[] {
  const { texts, dims } = textsAt(c, 0);
  const matcher = fullMatcher(c.attributes.string('pattern', ''));
  return [
    tensorOfTruths(
      texts.map((text) => matcher.test(text)),
      dims,
    ),
  ];
}

export const textEvaluators: readonly Evaluator[] = [
  { op: 'StringConcat', evaluate: stringConcat },
  { op: 'StringNormalizer', evaluate: stringNormalizer },
  { op: 'StringSplit', evaluate: stringSplit },
  { op: 'RegexFullMatch', evaluate: regexFullMatch },
  { op: 'TfIdfVectorizer', evaluate: (c) => [tfIdfVectorizer(c)] },
];
