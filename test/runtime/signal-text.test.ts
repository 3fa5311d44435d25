import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UnsupportedError } from '../../src/core/errors.ts';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { tensorOf } from '../../src/runtime/generic/elements.ts';
import { runModel } from '../ort.ts';
import { difference } from './conformance.ts';
import {
  floats,
  int,
  ints,
  modelOf,
  nameOf,
  type Operator,
  runSession,
  text,
  texts,
} from './one-operator.ts';

/** Spectra and strings, through sessions, against onnxruntime-node. */

const peer = suite('signal and text against onnxruntime-node');

const source = random(13);
function f(...dims: number[]): Tensor {
  const count = dims.reduce((a, b) => a * b, 1);
  return tensorOf(
    'float32',
    Float64Array.from({ length: count }, () => source.uniform() * 4 - 2),
    dims,
  );
}
const scalar = (value: number): Tensor => tensorOf('int64', [value], []);
const words = (...items: string[]): Tensor => new Tensor('string', items);

const spectra: Operator[] = [
  { op: 'DFT', inputs: [f(2, 12, 1)], attributes: { axis: int(1) } },
  { op: 'DFT', inputs: [f(2, 15, 2)], attributes: { axis: int(1) } },
  { op: 'DFT', inputs: [f(3, 16, 1)], attributes: { axis: int(1), onesided: int(1) } },
  { op: 'DFT', inputs: [f(2, 6, 4, 2)], attributes: { axis: int(1), inverse: int(1) } },
  { op: 'DFT', inputs: [f(2, 10, 1), scalar(16)], attributes: { axis: int(1) } },
  { op: 'DFT', inputs: [f(2, 10, 2), scalar(7)], attributes: { axis: int(1) } },
  { op: 'DFT', inputs: [f(2, 3, 20, 2), null, scalar(2)], opset: 20 },
  { op: 'DFT', inputs: [f(2, 24, 1)], attributes: { onesided: int(1) }, opset: 20 },
  { op: 'STFT', inputs: [f(2, 64, 1), scalar(8), f(16)] },
  { op: 'STFT', inputs: [f(1, 50, 1), scalar(7), null, scalar(12)] },
  ...['HannWindow', 'HammingWindow', 'BlackmanWindow'].flatMap((op): Operator[] => [
    { op, inputs: [scalar(11)], attributes: { periodic: int(0) } },
    { op, inputs: [scalar(16)] },
  ]),
  {
    op: 'MelWeightMatrix',
    inputs: [
      scalar(10),
      scalar(64),
      scalar(16000),
      tensorOf('float32', [20], []),
      tensorOf('float32', [7600], []),
    ],
  },
];

const grams = {
  min_gram_length: int(1),
  max_gram_length: int(2),
  max_skip_count: int(1),
  ngram_counts: ints(0, 3),
  ngram_indexes: ints(2, 0, 1, 4, 3, 5),
};
const numbers = tensorOf('int64', [1, 2, 3, 2, 1, 1, 2, 3, 3, 5, 2, 1], [2, 6]);
const pool = ints(1, 2, 3, 1, 2, 2, 3, 3, 1);
const weights = floats(0.5, 2, 3, 4, 5, 6);

const strings: Operator[] = [
  {
    op: 'StringNormalizer',
    inputs: [words('Monday', 'tuesday', 'MONDAY', 'wed')],
    outputs: ['string'],
  },
  {
    op: 'StringNormalizer',
    inputs: [words('Monday', 'tuesday', 'MONDAY', 'Wed')],
    attributes: {
      stopwords: texts('monday'),
      case_change_action: text('UPPER'),
      locale: text('C'),
    },
    outputs: ['string'],
  },
  {
    op: 'StringNormalizer',
    inputs: [words('Monday', 'tuesday', 'MONDAY', 'Wed')],
    attributes: {
      stopwords: texts('Monday'),
      is_case_sensitive: int(1),
      locale: text('C'),
      case_change_action: text('LOWER'),
    },
    outputs: ['string'],
  },
  { op: 'StringConcat', inputs: [words('a', 'bc'), words('x')], outputs: ['string'], opset: 20 },
  {
    op: 'StringSplit',
    inputs: [words('a,b,,c', ',x', 'none')],
    attributes: { delimiter: text(',') },
    outputs: ['string', 'int64'],
    opset: 20,
  },
  {
    op: 'StringSplit',
    inputs: [words('  a b   c d', 'x', 'y z')],
    attributes: { maxsplit: int(2) },
    outputs: ['string', 'int64'],
    opset: 20,
  },
  {
    op: 'RegexFullMatch',
    inputs: [words('ab12', 'ab', 'x.y', 'é1', 'a\nb', 'A-b_c]')],
    attributes: { pattern: text(String.raw`(?P<word>[\w\]é-]+?)\d*|a.b|\pL\x{31}`) },
    outputs: ['bool'],
    opset: 20,
  },
  ...['TF', 'IDF', 'TFIDF'].map(
    (mode): Operator => ({
      op: 'TfIdfVectorizer',
      inputs: [numbers],
      attributes: { ...grams, pool_int64s: pool, weights, mode: text(mode) },
    }),
  ),
  {
    op: 'TfIdfVectorizer',
    inputs: [words('a', 'b', 'a', 'c', 'b')],
    attributes: {
      ...grams,
      mode: text('TF'),
      pool_strings: texts('a', 'b', 'c', 'a', 'b', 'b', 'a', 'c', 'b'),
    },
  },
];

/** What differs, by the largest element: sums that cancel have errors as large as their terms. */
function away(got: Tensor, expected: Tensor): string | null {
  if (expected.type !== 'float32') return difference(got, expected);
  const values = [...(expected.data as Float32Array)];
  const most = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const moved = (x: Tensor): Tensor =>
    tensorOf(
      'float32',
      (x.data as Float32Array).map((v) => v + 2 * most),
      x.dims,
    );
  return difference(moved(got), moved(expected), 1e-5);
}

for (const item of [...spectra, ...strings]) {
  peer(nameOf(item), async () => {
    const { bytes, feeds } = modelOf(item);
    const expected = await runModel(bytes, feeds);
    const got = await runSession(bytes, feeds);
    for (const [name, tensor] of Object.entries(expected)) {
      assert.is(away(got[name]!, tensor), null, name);
    }
  });
}

peer('STFT of complex numbers: the DFT of windowed frames', async () => {
  // onnxruntime's own STFT of complex signals is not that, but its DFT is.
  const [x, window, frames] = [f(1, 40, 2), f(10), 7];
  const attributes = { onesided: int(0) };
  const stft = modelOf({ op: 'STFT', inputs: [x, scalar(5), window], attributes });
  const { y0 } = await runSession(stft.bytes, stft.feeds);
  const weighted = Float32Array.from({ length: frames * 20 }, (_, i) => {
    const [frame, j] = [Math.floor(i / 20), i % 20];
    return Number(x.data[frame * 10 + j]) * Number(window.data[j >> 1]);
  });
  const dft = modelOf({
    op: 'DFT',
    inputs: [tensorOf('float32', weighted, [1, frames, 10, 2])],
    attributes: { axis: int(2) },
  });
  const expected = await runModel(dft.bytes, dft.feeds);
  assert.is(away(y0!, expected.y0!), null);
});

const refused = suite('patterns that JavaScript has not');

for (const pattern of [
  '(?i)a',
  '[[:alpha:]]+',
  String.raw`\Aa\z`,
  '(?=a)a',
  String.raw`(a)\1`,
  '(a',
]) {
  refused(pattern, async () => {
    const { bytes, feeds } = modelOf({
      op: 'RegexFullMatch',
      inputs: [words('a')],
      attributes: { pattern: text(pattern) },
      outputs: ['bool'],
      opset: 20,
    });
    try {
      await runSession(bytes, feeds);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, UnsupportedError);
    }
  });
}

peer.run();
refused.run();
