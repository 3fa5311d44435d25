import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  backendInfo,
  matmulInteger,
  matmulRequantized,
  packIntegerMatrix,
} from '../../../src/kernels/index.ts';
import { quantizeMultiplier } from '../../../src/kernels/int8/requantize.ts';
import { backend } from '../../../src/wasm/load.ts';
import { inMode, modes } from './modes.ts';
import { levels, plainMatmul, plainRequantize, random, randomRule, zeros } from './plain.ts';

const test = suite('integer matrix products');

/** Shapes around tiles and panels, rows of one, and now and then something long. */
function shape(draw: ReturnType<typeof random>): [m: number, k: number, n: number] {
  const size = (): number => draw.below(19);
  const m = draw.below(4) === 0 ? 1 : size();
  const k = draw.below(6) === 0 ? 60 + draw.below(70) : size();
  const n = draw.below(5) === 0 ? 30 + draw.below(40) : size();
  return [m, k, n];
}

for (const mode of modes) {
  test(`${mode}: the bits of plain loops, on 800 shapes, zero points and signs`, () => {
    const draw = random(modes.indexOf(mode) + 1);
    for (let round = 0; round < 800; round++) {
      const [m, k, n] = shape(draw);
      const [aUnsigned, bUnsigned] = [draw.below(2) === 0, draw.below(2) === 0];
      const a = levels(m * k, aUnsigned, draw);
      const b = levels(k * n, bUnsigned, draw);
      const aZeroPoint = zeros(m, aUnsigned, draw);
      const bZeroPoint = zeros(n, bUnsigned, draw);
      const where = `${mode} ${round}: ${m}×${k}×${n}`;
      const expected = plainMatmul(a, b, m, k, n, aZeroPoint, bZeroPoint);
      inMode(mode, () => {
        assert.equal(matmulInteger(a, b, m, k, n, { aZeroPoint, bZeroPoint }), expected, where);
        const packed = packIntegerMatrix(b, k, n, { zeroPoint: bZeroPoint });
        assert.equal(matmulInteger(a, packed, m, k, n, { aZeroPoint }), expected, where);
        const rule = randomRule(n, k, draw);
        const bias = Int32Array.from({ length: n }, () => draw.below(20001) - 10000);
        const biased = expected.map((sum, i) => sum + bias[i % n]!);
        const options = { ...rule, bias, aZeroPoint };
        const got = matmulRequantized(a, packed, m, k, n, options);
        assert.equal([...got], plainRequantize(biased, n, rule), where);
        packed.dispose();
      });
    }
  });
}

test('blocks of rows and of columns come together', () => {
  const draw = random(9);
  for (const [m, k, n] of [
    [700, 3, 40],
    [30, 1, 70000],
    [2, 9000, 600],
  ] as const) {
    const a = levels(m * k, true, draw);
    const b = levels(k * n, false, draw);
    const options = { aZeroPoint: zeros(m, true, draw), bZeroPoint: zeros(n, false, draw) };
    const expected = plainMatmul(a, b, m, k, n, options.aZeroPoint, options.bZeroPoint);
    for (const mode of ['i16', backendInfo().int8] as const) {
      inMode(mode, () => assert.equal(matmulInteger(a, b, m, k, n, options), expected));
    }
  }
});

test('a transposed right operand', () => {
  const draw = random(4);
  for (const mode of modes) {
    for (const [k, n] of [
      [17, 9],
      [32, 40],
      [5, 3],
    ] as const) {
      const a = levels(3 * k, true, draw);
      const b = levels(k * n, false, draw);
      const turned = Int8Array.from(
        { length: k * n },
        (_, i) => b[(i % k) * n + Math.floor(i / k)]!,
      );
      inMode(mode, () => {
        const packed = packIntegerMatrix(turned, k, n, { transpose: true });
        const got = matmulInteger(a, packed, 3, k, n, { aZeroPoint: 7 });
        assert.equal(got, plainMatmul(a, b, 3, k, n, 7));
        packed.dispose();
      });
    }
  }
});

test('multipliers as TFLite computes them', () => {
  // frexp and round(fraction · 2^31), by hand.
  assert.equal(quantizeMultiplier(1), { multiplier: 2 ** 30, shift: 1 });
  assert.equal(quantizeMultiplier(0.75), { multiplier: 0.75 * 2 ** 31, shift: 0 });
  assert.equal(quantizeMultiplier(0.001), { multiplier: 1099511628, shift: -9 });
  assert.equal(quantizeMultiplier(1 - 2 ** -40), { multiplier: 2 ** 30, shift: 1 });
  assert.equal(quantizeMultiplier(2 ** -40), { multiplier: 0, shift: 0 });
});

test('double rounding differs from single where TFLite says', () => {
  // ±2.5 and ±1.5. To even, the first; the other's high multiplication rounds halves up.
  const a = Int8Array.of(5, -5, 3, -3);
  const run = (rounding: 'single' | 'double') => [
    ...matmulRequantized(a, Int8Array.of(1), 4, 1, 1, { scale: 0.5, rounding }),
  ];
  assert.equal(run('single'), [2, -2, 2, -2]);
  assert.equal(run('double'), [3, -2, 2, -1]);
});

test('wrong operands are named', () => {
  const bytes = new Int8Array(6);
  const refuse = (run: () => unknown, type: typeof TypeError | typeof RangeError, text: RegExp) =>
    assert.throws(run, (error: Error) => error instanceof type && text.test(error.message));
  refuse(() => matmulInteger([] as never, bytes, 1, 6, 1), TypeError, /"a"/);
  refuse(() => matmulInteger(bytes, new Int16Array(6) as never, 1, 6, 1), TypeError, /"b"/);
  refuse(() => matmulInteger(bytes, bytes, 2, 3, 3), RangeError, /"b"/);
  refuse(() => matmulInteger(bytes, bytes, -1, 6, 1), RangeError, /"m"/);
  refuse(() => matmulInteger(bytes, bytes, 1, 6.5, 1), RangeError, /"k"/);
  refuse(() => matmulInteger(bytes, bytes, 1, 6, 1, { aZeroPoint: 128 }), RangeError, /aZeroPoint/);
  refuse(
    () => matmulInteger(bytes, bytes, 2, 3, 2, { bZeroPoint: [1, 2, 3] }),
    RangeError,
    /bZero/,
  );
  refuse(() => matmulRequantized(bytes, bytes, 1, 6, 1, { scale: 0 }), RangeError, /"scale"/);
  refuse(
    () => matmulRequantized(bytes, bytes, 1, 6, 1, { scale: 1, min: 3, max: 2 }),
    RangeError,
    /"min"/,
  );
  refuse(
    () => matmulInteger(new Int8Array(0), new Int8Array(0), 2 ** 30, 0, 2 ** 30),
    RangeError,
    /m × n/,
  );
  const packed = packIntegerMatrix(bytes, 6, 1);
  refuse(() => matmulInteger(bytes, packed, 1, 6, 1, { bZeroPoint: 1 }), TypeError, /bZeroPoint/);
  refuse(() => matmulInteger(bytes, packed, 2, 3, 1), RangeError, /"k"/);
  packed.dispose();
  packed.dispose();
  refuse(() => matmulInteger(bytes, packed, 1, 6, 1), TypeError, /disposed/);
});

test('packed weights are held and given back', () => {
  const { arena } = backend();
  const before = arena.usage().weights;
  const packed = packIntegerMatrix(new Int8Array(100 * 60), 100, 60);
  assert.ok(packed.bytes >= 6000 && packed.bytes < 8000, `${packed.bytes}`);
  assert.ok(arena.usage().weights > before);
  packed.dispose();
  assert.is(arena.usage().weights, before);
});

test.run();
