import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decibels } from '../../src/core/decibels.ts';
import { dtypes } from '../../src/core/dtype.ts';
import { LimitError } from '../../src/core/errors.ts';
import { Budget, resolveLimits } from '../../src/core/limits.ts';
import { run, wait } from '../../src/core/maybe.ts';
import { random } from '../../src/core/random.ts';
import { roundHalfEven } from '../../src/core/round.ts';
import { bufferSource, readSync, sliceSource, toSource } from '../../src/core/source.ts';
import { Tensor, typedArrayOf } from '../../src/core/tensor.ts';

const x = suite('core');

x('tensors check type, length and sizes', () => {
  const tensor = new Tensor('float32', [1, 2, 3, 4], [2, 2]);
  assert.instance(tensor.data, Float32Array);
  assert.is(tensor.size, 4);
  assert.equal(new Tensor('int64', [1, 2]).data, BigInt64Array.of(1n, 2n));
  assert.is(new Tensor('int4', Uint8Array.of(0x21, 3), [3]).data.length, 2);
  assert.is(new Tensor('complex64', new Float32Array(6), [3]).size, 3);
  assert.throws(() => new Tensor('float32', new Float64Array(2)), /Float32Array for float32/);
  assert.throws(() => new Tensor('float32', [1, 2], [3]), /"data" expected 3 elements/);
  assert.throws(() => new Tensor('float32', [1], [-1]), /"dims" expected sizes/);
  assert.throws(() => new Tensor('float31' as 'float32', [1]), /"type" expected/);
});

x('every element type has its width', () => {
  const widths: Record<string, number> = {
    bool: 8,
    int4: 4,
    int2: 2,
    float8e8m0: 8,
    complex128: 128,
  };
  for (const [name, bits] of Object.entries(widths)) {
    assert.is(dtypes[name as keyof typeof dtypes].bits, bits);
  }
  assert.is(Object.keys(dtypes).length, 26);
});

x('misaligned bytes are copied, aligned ones are seen', () => {
  const bytes = new Uint8Array(12);
  assert.is(typedArrayOf('float32', bytes.subarray(0, 8)).buffer, bytes.buffer);
  assert.is.not(typedArrayOf('float32', bytes.subarray(1, 9)).buffer, bytes.buffer);
});

x('sources keep to their range', async () => {
  const source = sliceSource(bufferSource(Uint8Array.of(1, 2, 3, 4)), 1, 2);
  assert.equal(readSync(source, 0, 2), Uint8Array.of(2, 3));
  assert.throws(() => source.read(1, 2), /a range within 2 bytes/);
  const blob = toSource(new Blob([Uint8Array.of(5, 6, 7)]));
  assert.equal(await blob.read(1, 2), Uint8Array.of(6, 7));
  assert.throws(() => readSync(blob, 0, 1), /asynchronously/);
});

x('limits are named and can be raised', () => {
  const limits = resolveLimits({ nodes: 2 }, 0);
  const budget = new Budget('nodes', limits);
  budget.spend(2);
  assert.throws(
    () => budget.spend(1),
    (error: unknown) => error instanceof LimitError && error.limit === 'nodes' && error.got === 3,
  );
  assert.throws(() => resolveLimits({ nods: 1 } as object, 0), /"limits" expected/);
  assert.throws(() => resolveLimits({ nodes: -1 }, 0), /"limits.nodes" expected/);
});

x('ties round to even', () => {
  const cases = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 2.4999999999999996, 127.5, 126.5];
  assert.equal(
    cases.map(roundHalfEven).map((value) => value + 0),
    [0, 2, 2, 0, -2, -2, 2, 128, 126],
  );
  assert.is(roundHalfEven(2 ** 60), 2 ** 60);
  assert.is(roundHalfEven(Number.NEGATIVE_INFINITY), Number.NEGATIVE_INFINITY);
});

x('decibels agree with the logarithm', () => {
  for (const [signal, noise] of [
    [1, 1],
    [1e30, 1e-30],
    [3, 7],
    [5e-324, 1],
    [1, 1e-300],
  ] as const) {
    const expected = 10 * (Math.log10(signal) - Math.log10(noise));
    assert.ok(Math.abs(decibels(signal, noise) - expected) <= 1e-12 * Math.abs(expected) + 1e-13);
  }
  assert.is(decibels(1, 0), Number.POSITIVE_INFINITY);
  assert.is(decibels(0, 1), Number.NEGATIVE_INFINITY);
  assert.ok(Number.isNaN(decibels(Number.NaN, 1)));
});

x('xoshiro128** gives the published sequence', () => {
  // Reference: prng.di.unimi.it/xoshiro128starstar.c with the state that splitmix32 makes of the seed, in BigInt.
  const mask = 0xffffffffn;
  let mix = 42n;
  const split = (): bigint => {
    mix = (mix + 0x9e3779b9n) & mask;
    let z = mix ^ (mix >> 16n);
    z = (z * 0x21f0aaadn) & mask;
    z ^= z >> 15n;
    z = (z * 0x735a2d97n) & mask;
    return z ^ (z >> 15n);
  };
  const s = [split(), split(), split(), split()] as [bigint, bigint, bigint, bigint];
  const rotate = (v: bigint, k: bigint): bigint => ((v << k) | (v >> (32n - k))) & mask;
  const generator = random(42);
  for (let i = 0; i < 1000; i++) {
    const expected = (rotate((s[1] * 5n) & mask, 7n) * 9n) & mask;
    const t = (s[1] << 9n) & mask;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 11n);
    assert.is(generator.uint32(), Number(expected));
  }
});

x('steps run without waiting until something has to be waited for', async () => {
  const steps = function* (last: number | Promise<number>): Generator<unknown, number, unknown> {
    const a = yield* wait(1);
    const b = yield* wait(last);
    return a + b;
  };
  assert.is(run(steps(2)), 3);
  const waiting = run(steps(Promise.resolve(4)));
  assert.instance(waiting, Promise);
  assert.is(await waiting, 5);
  const failing = (function* (): Generator<unknown, number, unknown> {
    return yield* wait(Promise.reject<number>(new RangeError('no')));
  })();
  try {
    await run(failing);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, RangeError);
  }
});

x.run();
