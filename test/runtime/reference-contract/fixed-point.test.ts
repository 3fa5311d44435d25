import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  exp32,
  inverseSquareRoot,
  logistic16,
  logistic32,
  tanh16,
  tanh32,
} from '../../../src/runtime/reference-contract/fixed-point.ts';
import {
  doublingHighMultiply,
  multiplierOf,
  roundingShift,
  scaled,
  scaledWide,
} from '../../../src/runtime/reference-contract/multiplier.ts';

const fixed = suite('arithmetic of the reference contract');

const most = 2 ** 31 - 1;
const least = -(2 ** 31);

fixed('known answers of TFLite’s own tests', () => {
  // quantization_util_test.cc, MultiplyByQuantizedMultiplierInt32
  const product = (x: number, factor: number): number => scaled(x, multiplierOf(factor));
  assert.is(product(0, 0.1), 0);
  assert.is(product(1, 0), 0);
  assert.is(product(10000, 0.00097656), 10);
  assert.is(product(-10000, 0.00097656), -10);
  assert.is(product(least, 0.00001), -21475);
  assert.is(product(most, 0.00001), 21475);
  assert.is(product(10000, -0.00097656), -10);
  assert.is(product(least, -0.00001), 21475);
  // GetInvSqrtQuantizedMultiplierExp
  const roots: [number, number, number][] = [
    [0, most, 0],
    [1, most, 0],
    [2, 1518498372, 0],
    [3, 1239850284, 0],
    [4, 1073741828, 0],
    [100, 214748363, 0],
    [10000, 343597361, 4],
    [1000000, 274877901, 7],
    [100000000, 219902323, 10],
    [2 ** 30, 268435457, 12],
    [most, 189812531, 12],
  ];
  for (const [x, multiplier, right] of roots) {
    assert.equal(inverseSquareRoot(x), { multiplier, shift: right === 0 ? 0 : -right });
  }
});

fixed('products and shifts are those of 64-bit integers', () => {
  const exact = (a: number, b: number): number => {
    if (a === least && b === least) return most;
    const product = BigInt(a) * BigInt(b);
    return Number((product + (product >= 0n ? 1n << 30n : 1n - (1n << 30n))) / (1n << 31n));
  };
  const edges = [least, least + 1, -(2 ** 30), -65536, -3, -1, 0, 1, 2, 65535, 2 ** 30, most];
  const some = [...edges];
  let seed = 1;
  for (let i = 0; i < 500; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    some.push(seed >> (i % 31));
  }
  for (const a of some) {
    for (const b of some) assert.is(doublingHighMultiply(a, b), exact(a, b), `${a} · ${b}`);
  }
  // Ties go away from zero.
  assert.equal(
    [5, -5, 6, -6, 7, -7].map((x) => roundingShift(x, 2)),
    [1, -1, 2, -2, 2, -2],
  );
  assert.equal(
    [most, least].map((x) => roundingShift(x, 31)),
    [1, -1],
  );
});

fixed('sums of 48 bits take the upper half of the multiplier', () => {
  const wide = (x: bigint, factor: number): bigint => {
    const { multiplier, shift } = multiplierOf(factor);
    const reduced = BigInt(multiplier < 0x7fff0000 ? (multiplier + 32768) >> 16 : 0x7fff);
    const total = BigInt(15 - shift);
    return (x * reduced + (1n << (total - 1n))) >> total;
  };
  for (const factor of [0.00001234, 0.5, 0.0003, 0.99999999, 1 / 3]) {
    for (const x of [0, 1, -1, 12345, -98765, 2 ** 37 + 5, -(2 ** 38) - 7]) {
      if (Math.abs(x * factor) < 2 ** 31)
        assert.is(scaledWide(x, multiplierOf(factor)), Number(wide(BigInt(x), factor)));
    }
  }
});

fixed('functions are near the real ones, over the whole range', () => {
  const worst = (
    f: (raw: number, bits: number) => number,
    real: (x: number) => number,
    bits: number,
    width: number,
    top: number,
  ): number => {
    let most = 0;
    const one = 2 ** (width - 1);
    for (let i = 0; i <= 4096; i++) {
      const raw = Math.round(-one + (i / 4096) * (one + top));
      const x = raw / 2 ** (width - 1 - bits);
      most = Math.max(most, Math.abs(f(raw, bits) / one - real(x)));
    }
    return most;
  };
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
  // What gemmlowp documents for its functions: errors of a few units in the last place of 16 bits, 10^-7 in 32 bits.
  assert.ok(worst(exp32, Math.exp, 5, 32, 0) < 4e-7);
  assert.ok(worst(logistic32, sigmoid, 4, 32, most) < 1e-7);
  assert.ok(worst(tanh32, Math.tanh, 4, 32, most) < 4e-7);
  assert.ok(worst(logistic16, sigmoid, 3, 16, 32767) < 4e-4);
  assert.ok(worst(tanh16, Math.tanh, 3, 16, 32767) < 4e-4);
  assert.is(exp32(0, 5), most);
  assert.is(logistic32(0, 4), 2 ** 30);
  assert.is(tanh16(0, 3), 0);
});

fixed.run();
