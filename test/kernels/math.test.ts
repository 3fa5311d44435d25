import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  cos,
  erf,
  exp,
  log,
  pow,
  sin,
  tanh,
  type UnaryOperation,
  unary,
} from '../../src/kernels/index.ts';
import * as plain from '../reference/functions.ts';

const test = suite('transcendental functions');

const { ulp32, ulp64 } = plain;

/** 64 mantissas of every exponent and sign, subnormals, infinities and NaN too. */
const sweep = new Float32Array(
  Uint32Array.from({ length: 2 * 256 * 64 }, (_, i) => {
    const jitter = Math.imul(i, 0x9e3779b1) >>> 15;
    return (Math.floor(i / 64) << 23) | (((i % 64) << 17) + (i % 64 === 0 ? 0 : jitter));
  }).buffer,
);

function worstUlp(f: (x: number) => number, x: Float32Array, got: Float32Array): number {
  let worst = 0;
  x.forEach((value, i) => {
    const want = f(value);
    if (Object.is(Math.fround(want), got[i]) || Math.fround(want) === got[i]) return;
    const off = Math.abs(want - got[i]!) / ulp32(want);
    if (!(off <= worst)) worst = Number.isNaN(off) ? Infinity : off;
  });
  return worst;
}

const direct: Record<string, [(x: Float32Array) => Float32Array, (x: number) => number, number]> = {
  exp: [exp, Math.exp, 1.1],
  log: [log, Math.log, 0.51],
  tanh: [tanh, Math.tanh, 1.5],
  erf: [erf, plain.erf, 0.6],
  sin: [sin, Math.sin, 0.51],
  cos: [cos, Math.cos, 0.51],
};
for (const [name, [ours, reference, bound]] of Object.entries(direct)) {
  test(`float32 ${name}: every exponent and densely around 0, ≤ ${bound} ulp`, () => {
    const near = Float32Array.from({ length: 60_000 }, (_, i) => (i / 30_000 - 1) * 110);
    for (const x of [sweep, near]) {
      const worst = worstUlp(reference, x, ours(x));
      assert.ok(worst <= bound, `${worst} ulp`);
    }
  });
}

const activations: [UnaryOperation, (x: number) => number][] = [
  ['sigmoid', plain.sigmoid],
  ['silu', plain.silu],
  ['mish', plain.mish],
  ['softplus', plain.softplus],
  ['geluTanh', plain.geluTanh],
  ['elu', (x) => (x > 0 ? x : Math.expm1(x))],
];
for (const [name, reference] of activations) {
  test(`${name}: every exponent, ≤ 0.6 ulp`, () => {
    const worst = worstUlp(reference, sweep, unary(name, sweep));
    assert.ok(worst <= 0.6, `${worst} ulp`);
  });
}

// Inputs and results of 1,400 bits, rounded to a sum of two float64: made with mpmath 1.3.
const known = JSON.parse(readFileSync(new URL('./math64.json', import.meta.url), 'utf8')) as Record<
  string,
  number[][]
>;
const scalar: Record<string, (...x: number[]) => number> = {
  exp: (x) => exp(x!),
  log: (x) => log(x!),
  tanh: (x) => tanh(x!),
  erf: (x) => erf(x!),
  sin: (x) => sin(x!),
  cos: (x) => cos(x!),
  pow: (x, y) => pow(x!, y!),
};
for (const [name, f] of Object.entries(scalar)) {
  const bound = name === 'pow' ? 1.5 : 1;
  test(`float64 ${name}: known answers, ≤ ${bound} ulp`, () => {
    assert.ok(known[name]!.length >= 60);
    for (const row of known[name]!) {
      const inputs = row.slice(0, -2);
      const [high, low] = row.slice(-2) as [number, number];
      const off = Math.abs(f(...inputs) - high - low) / ulp64(high);
      assert.ok(off <= bound, `${name}(${inputs}) is off by ${off} ulp`);
    }
  });
}

test('special cases', () => {
  const special = [
    Number.NaN,
    Infinity,
    -Infinity,
    0,
    -0,
    1,
    -1,
    2,
    -2,
    0.5,
    -0.5,
    3,
    -3,
    1e300,
    -1e300,
  ];
  for (const x of special) {
    for (const [name, f] of [
      ['exp', Math.exp],
      ['log', Math.log],
      ['tanh', Math.tanh],
      ['sin', Math.sin],
      ['cos', Math.cos],
    ] as const) {
      const got = scalar[name]!(x);
      const want = f(x);
      const near = Object.is(got, want) || Math.abs(got - want) <= 2 * ulp64(want);
      assert.ok(near, `${name}(${x}) is ${got}`);
    }
    for (const y of special) {
      const want = x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y;
      const got = pow(x, y);
      assert.ok(
        Object.is(got, want) || Math.abs(got - want) <= 2 * ulp64(want),
        `${x}^${y}: ${got}`,
      );
    }
  }
  assert.ok(Object.is(sin(-0), -0) && Object.is(sin(Float32Array.of(-0))[0], -0));
  assert.equal([...exp(Float64Array.of(0, -Infinity))], [1, 0]);
  assert.throws(() => exp('1' as unknown as number), /"x" expected a number/);
  assert.throws(() => pow(1, '1' as unknown as number), /"y" expected a number/);
});

test.run();
