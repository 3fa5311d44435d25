import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DType } from '../../src/core/dtype.ts';
import { UnsupportedError } from '../../src/core/errors.ts';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel } from '../../src/formats/index.ts';
import type { Attribute } from '../../src/ir/index.ts';
import { numbersOf } from '../../src/runtime/generic/elements.ts';
import { fullMatcher } from '../../src/runtime/generic/regular-expression.ts';
import { oneNodeModel } from '../one-node.ts';
import { makeOnnx } from '../onnx-model.ts';
import { runModel } from '../ort.ts';
import { interpret } from '../reference/interpret.ts';
import { difference } from './conformance.ts';

const source = random(11);
const f = (...dims: number[]): Tensor =>
  new Tensor(
    'float32',
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => source.uniform() * 2 - 1),
    dims,
  );
const scalar = (value: number): Tensor => new Tensor('int64', [BigInt(value)], []);
const texts = (...items: string[]): Tensor => new Tensor('string', items);

type Attributes = Record<string, Attribute>;
const int = (value: number): Attribute => ({ type: 'int', value: BigInt(value) });
const ints = (...value: number[]): Attribute => ({ type: 'ints', value: value.map(BigInt) });
const text = (value: string): Attribute => ({ type: 'string', value });
const list = (...value: string[]): Attribute => ({ type: 'strings', value });

/** Ours and onnxruntime's results of one node. */
async function both(
  op: string,
  inputs: readonly (Tensor | null)[],
  attributes: Attributes,
  outputs: readonly DType[] = ['float32'],
): Promise<void> {
  const given = inputs.flatMap((x, i) => (x === null ? [] : [[`x${i}`, x] as const]));
  const names = outputs.map((_, i) => `y${i}`);
  const bytes = makeOnnx({
    opset: 20,
    nodes: [
      {
        op,
        inputs: inputs.map((x, i) => (x === null ? '' : `x${i}`)),
        outputs: names,
        attributes: Object.entries(attributes),
      },
    ],
    inputs: Object.fromEntries(given.map(([name, x]) => [name, [x.type as DType, x.dims]])),
    outputs: Object.fromEntries(names.map((name, i) => [name, outputs[i]!])),
  });
  const feeds = Object.fromEntries(given);
  const expected = await runModel(bytes, feeds);
  const got = interpret(await readModel(bytes, { format: 'onnx' }), feeds);
  for (const name of names) {
    const own = got[name];
    if (own instanceof Tensor && own.type === 'float32') {
      // Bins that cancel to nothing have no relative accuracy.
      const [a, b] = [numbersOf(own), numbersOf(expected[name]!)];
      assert.equal(own.dims, expected[name]!.dims);
      const top = b.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      a.forEach((v, i) => {
        assert.ok(Math.abs(v - b[i]!) <= 2e-6 * top + 1e-7, `${name}[${i}] ${v}, ${b[i]}`);
      });
    } else assert.is(difference(own, expected[name]!, 1e-5), null);
  }
}

const signal = suite('evaluators of signals against onnxruntime-node');

/** The sum that defines the transform, along the second of three axes. */
function defined(x: Tensor, length: number, bins: number, sign: number): number[] {
  const [batch, size, parts] = x.dims as [number, number, number];
  const values = numbersOf(x);
  const result: number[] = [];
  for (let row = 0; row < batch * bins; row++) {
    let [re, im] = [0, 0];
    for (let j = 0; j < Math.min(size, length); j++) {
      const angle = (sign * 2 * Math.PI * ((j * (row % bins)) % length)) / length;
      const at = (Math.floor(row / bins) * size + j) * parts;
      const [a, b] = [values[at]!, parts === 2 ? values[at + 1]! : 0];
      re += a * Math.cos(angle) - b * Math.sin(angle);
      im += a * Math.sin(angle) + b * Math.cos(angle);
    }
    result.push(re, im);
  }
  return result;
}

async function ours(op: string, inputs: (Tensor | null)[], attributes = {}): Promise<Float64Array> {
  const { bytes, feeds } = oneNodeModel(op, inputs, attributes);
  const { y0 } = interpret(await readModel(bytes, { format: 'onnx' }), feeds);
  return numbersOf(y0 as Tensor);
}

function alike(got: Float64Array, expected: readonly number[]): void {
  assert.is(got.length, expected.length);
  const top = expected.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  got.forEach((v, i) => {
    assert.ok(Math.abs(v - expected[i]!) <= 1e-7 * top, `[${i}] ${v}, expected ${expected[i]}`);
  });
}

for (const n of [1, 2, 3, 7, 12, 16, 97, 250, 1024]) {
  signal(`DFT of ${n} is the sum that defines it; the inverse gives the signal back`, async () => {
    const x = f(2, n, 2);
    alike(await ours('DFT', [x]), defined(x, n, n, -1));
    const inverse = defined(x, n, n, 1).map((v) => v / n);
    alike(await ours('DFT', [x], { inverse: 1 }), inverse);
    const real = f(2, n, 1);
    const half = Math.floor(n / 2) + 1;
    const spectrum = await ours('DFT', [real], { onesided: 1 });
    alike(spectrum, defined(real, n, half, -1));
    const back = new Tensor('float32', Float32Array.from(spectrum), [2, half, 2]);
    const again = await ours('DFT', [back, scalar(n)], { inverse: 1, onesided: 1 });
    again.forEach((v, i) => {
      assert.ok(Math.abs(v - numbersOf(real)[i]!) < 1e-6, `[${i}] ${v}`);
    });
  });
}
signal('DFT: axes of other lengths are cut or filled with zeros', async () => {
  const x = f(2, 9, 2);
  alike(await ours('DFT', [x, scalar(6)]), defined(x, 6, 6, -1));
  alike(await ours('DFT', [x, scalar(14)]), defined(x, 14, 14, -1));
});
signal('DFT of powers of two along any axis', async () => {
  await both('DFT', [f(2, 8, 3, 1), null, scalar(1)], {});
  await both('DFT', [f(2, 3, 16, 1), null, scalar(-2)], { onesided: int(1) });
  await both('DFT', [f(4, 3, 2), null, scalar(0)], { inverse: int(1) });
});
signal('STFT: frames times the window, transformed', async () => {
  for (const parts of [1, 2]) {
    const [x, window, step] = [f(2, 50, parts), f(12), 7];
    const frames = Math.floor((50 - 12) / step) + 1;
    const values = numbersOf(x);
    const cut = Float32Array.from({ length: 2 * frames * 12 * parts }, (_, i) => {
      const [part, j] = [i % parts, Math.floor(i / parts) % 12];
      const frame = Math.floor(i / parts / 12);
      const at = Math.floor(frame / frames) * 50 + (frame % frames) * step + j;
      return values[at * parts + part]! * numbersOf(window)[j]!;
    });
    const expected = defined(new Tensor('float32', cut, [2 * frames, 12, parts]), 12, 12, -1);
    const got = await ours('STFT', [x, scalar(step), window], { onesided: 0 });
    got.forEach((v, i) => {
      assert.ok(Math.abs(v - expected[i]!) < 1e-6, `[${i}] ${v}, ${expected[i]}`);
    });
  }
  await both('STFT', [f(1, 64, 1), scalar(8), f(16)], {});
});
signal('windows', async () => {
  for (const op of ['HannWindow', 'HammingWindow', 'BlackmanWindow']) {
    for (const periodic of [0, 1]) {
      await both(op, [scalar(11)], { periodic: int(periodic) });
      await both(op, [scalar(400)], { periodic: int(periodic) });
    }
  }
});
signal('MelWeightMatrix', async () => {
  const number = (value: number): Tensor => new Tensor('float32', [value], []);
  const mel = [scalar(20), scalar(512), scalar(16000), number(20), number(7600)];
  await both('MelWeightMatrix', mel, {});
});
signal.run();

const strings = suite('evaluators of strings against onnxruntime-node');

strings('StringNormalizer', async () => {
  const x = texts('Amen', 'the', 'The', 'end', 'ECOLE');
  for (const action of ['NONE', 'LOWER', 'UPPER']) {
    for (const sensitive of [0, 1]) {
      await both(
        'StringNormalizer',
        [x],
        {
          case_change_action: text(action),
          is_case_sensitive: int(sensitive),
          stopwords: list('the', 'END'),
          locale: text('C'),
        },
        ['string'],
      );
    }
  }
});
strings('StringSplit', async () => {
  // Of an empty text onnxruntime makes no parts where there is a delimiter, ONNX's definition one.
  const x = texts('a b  c', ' lead', 'trail ', 'x,y,,z', ',');
  for (const delimiter of ['', ',', ' ', ',,']) {
    for (const attributes of [{}, { maxsplit: int(1) }] as Attributes[])
      await both('StringSplit', [x], { delimiter: text(delimiter), ...attributes }, [
        'string',
        'int64',
      ]);
  }
});
strings('StringConcat broadcasts', async () => {
  const column = new Tensor('string', ['a', 'b'], [2, 1]);
  await both('StringConcat', [column, texts('x', '', 'ž')], {}, ['string']);
});
strings('TfIdfVectorizer with weights', async () => {
  for (const mode of ['TF', 'IDF', 'TFIDF']) {
    const attributes: Attributes = {
      mode: text(mode),
      min_gram_length: int(1),
      max_gram_length: int(3),
      max_skip_count: int(2),
      ngram_counts: ints(0, 3, 7),
      ngram_indexes: ints(2, 0, 1, 5, 3, 4),
      weights: { type: 'floats', value: [0.5, 2, 3, 0.25, 1, 7] },
    };
    const pool = ['a', 'b', 'c', 'a', 'b', 'c', 'a', 'a', 'b', 'c'];
    await both('TfIdfVectorizer', [texts(...'abcabcaab')], {
      ...attributes,
      pool_strings: list(...pool),
    });
    const numbers = pool.map((item) => item.charCodeAt(0));
    const x = new Tensor(
      'int64',
      Array.from('abcbca', (item) => BigInt(item.charCodeAt(0))),
      [2, 3],
    );
    await both('TfIdfVectorizer', [x], { ...attributes, pool_int64s: ints(...numbers) });
  }
});

const patterns: readonly string[] = [
  'www\\.[\\w.-]+\\.\\bcom\\b',
  '[[:alpha:]]+\\d{2,}',
  '(?i)abc(?P<n>x|y)?',
  '[]a-c^-]+',
  '\\Qa.b\\E*',
  '\\x41\\x{e9}\\012',
  '(?s)a.b',
  'a.b',
  '\\s*\\S+\\s?',
  '\\pL+\\p{Greek}',
  '[^\\s\\d]+',
  'a{,2}',
  '(?m)^a$\\n^b$',
  '\\Aa\\z',
];
const candidates = texts(
  ...['www.a-b.com', 'www.com', 'ab12', 'ABCy', 'abcx', ']a^-', 'a.bbb', 'Aé\n', 'a\nb', 'a\rb'],
  ...['a\u2028b', ' xy ', '\u00a0x', 'abα', 'a{,2}', 'a', 'aa', 'xyz', 'x-y'],
);
for (const pattern of patterns) {
  strings(`RegexFullMatch ${pattern}`, () =>
    both('RegexFullMatch', [candidates], { pattern: text(pattern) }, ['bool']),
  );
}
strings('RegexFullMatch: what RE2 has not is refused', () => {
  for (const pattern of ['(?=a)a', '(a)\\1', '(?<!b)a', '\\C', '[z-a]', 'a{1001}', 'a(?i)b', '['])
    assert.throws(
      () => fullMatcher(pattern),
      (error: unknown) => error instanceof UnsupportedError,
    );
});
strings.run();

const draws = suite('evaluators that draw numbers');

async function drawn(
  op: string,
  inputs: readonly Tensor[],
  attributes: Record<string, number | readonly number[]>,
  type: DType = 'float32',
): Promise<Float64Array> {
  const { bytes, feeds } = oneNodeModel(op, inputs, attributes, [type]);
  const { y0 } = interpret(await readModel(bytes, { format: 'onnx' }), feeds);
  return numbersOf(y0 as Tensor);
}

function moments(values: Float64Array): [mean: number, variance: number] {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return [mean, values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length];
}

draws('means and variances are those of the distributions', async () => {
  const count = 40_000;
  const near = (value: number, expected: number): void =>
    assert.ok(Math.abs(value - expected) < 0.03, `${value}, expected ${expected}`);
  const [mean, variance] = moments(await drawn('RandomNormal', [], { shape: [count] }));
  near(mean, 0);
  near(variance, 1);
  const [middle, spread] = moments(await drawn('RandomUniform', [], { shape: [count] }));
  near(middle, 1 / 2);
  near(spread, 1 / 12);
  const chances = new Tensor('float32', new Float32Array(count).fill(0.3), [count]);
  near(moments(await drawn('Bernoulli', [chances], {}))[0], 0.3);
  const logits = new Tensor('float32', [0, Math.LN2, -Infinity, 0], [1, 4]);
  const classes = await drawn('Multinomial', [logits], { sample_size: count }, 'int32');
  const share = (k: number): number => classes.filter((item) => item === k).length / count;
  near(share(0), 1 / 4);
  near(share(1), 1 / 2);
  assert.is(share(2), 0);
});
draws.run();
