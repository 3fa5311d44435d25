import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DType } from '../../src/core/dtype.ts';
import { MemoryError, ShapeError } from '../../src/core/errors.ts';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { float32ToBfloat16, float32ToFloat16 } from '../../src/kernels/index.ts';
import {
  bigintsOf,
  itemsOf,
  numbersOf,
  pick,
  tensorOf,
  tensorOfBigints,
} from '../../src/runtime/generic/elements.ts';
import * as f from '../../src/runtime/generic/functions.ts';
import { broadcastDims, countOf, viewOffsets } from '../../src/runtime/generic/indexing.ts';
import { decodeTable, encodeSmall } from '../../src/runtime/generic/small-floats.ts';

const elements = suite('elements');

elements(
  'float16 and bfloat16: each pattern comes back, and float32 numbers round as the kernels do',
  () => {
    for (const type of ['float16', 'bfloat16'] as const) {
      const table = decodeTable(type);
      for (let bits = 0; bits < 65536; bits++)
        if (!Number.isNaN(table[bits]!)) assert.is(encodeSmall(type, table[bits]!), bits);
      const source = random(3);
      const words = Uint32Array.from({ length: 50_000 }, () => source.uint32());
      // Ties between two patterns of float16 are the hard ones.
      for (let i = 0; i < 5000; i++) words[i]! = (words[i]! & 0xffffe000) | 0x1000;
      const floats = new Float32Array(words.buffer);
      const kernel = type === 'float16' ? float32ToFloat16 : float32ToBfloat16;
      assert.equal(tensorOf(type, floats, [floats.length]).data, kernel(floats));
    }
  },
);

elements('float16 is rounded once from float64', () => {
  // Just above the middle of 1 and 1 + 2^-10; float32 would round it to the middle, then to 1.
  assert.is(encodeSmall('float16', 1 + 2 ** -11 + 2 ** -40), 0x3c01);
});

elements('float8 and float4: patterns from the specifications', () => {
  const known: [DType, number, number][] = [
    ['float8e4m3fn', 0x7e, 448],
    ['float8e4m3fn', 0x01, 2 ** -9],
    ['float8e4m3fn', 0xb8, -1],
    ['float8e4m3fnuz', 0x7f, 240],
    ['float8e4m3fnuz', 0x40, 1],
    ['float8e5m2', 0x7b, 57344],
    ['float8e5m2', 0x7c, Infinity],
    ['float8e5m2', 0x01, 2 ** -16],
    ['float8e5m2fnuz', 0x7f, 57344],
    ['float8e5m2fnuz', 0x01, 2 ** -17],
    ['float4e2m1', 0x7, 6],
    ['float4e2m1', 0x1, 0.5],
    ['float8e8m0', 0, 2 ** -127],
    ['float8e8m0', 0xfe, 2 ** 127],
  ];
  for (const [type, bits, value] of known) {
    assert.is(decodeTable(type)[bits], value, `${type} ${bits}`);
    assert.is(encodeSmall(type, value), bits, `${type} ${value}`);
  }
  assert.is(encodeSmall('float8e4m3fn', 464), 0x7e, 'the tie goes to the even, finite one');
  assert.is(encodeSmall('float8e4m3fn', 465), 0x7f, 'NaN beyond');
  assert.is(encodeSmall('float8e4m3fn', -1e9, true), 0xfe);
  assert.is(encodeSmall('float8e4m3fnuz', -0), 0, 'no -0');
  assert.is(encodeSmall('float8e5m2fnuz', -Infinity), 0x80, 'the only NaN');
});

elements('sub-byte types are packed low bits first, signed where they are', () => {
  const x = tensorOf('int4', [-8, 7, -1], [3]);
  assert.equal(x.data, Uint8Array.of(0x78, 0x0f));
  assert.equal([...numbersOf(x)], [-8, 7, -1]);
  assert.equal(pick(x, [2, 0, -1], [3]).data, Uint8Array.of(0x8f, 0));
  assert.equal([...numbersOf(tensorOf('int2', [-2, 1, 0, -1, 1], [5]))], [-2, 1, 0, -1, 1]);
  assert.equal([...(itemsOf(new Tensor('uint2', [0b11100100], [4])) as Uint8Array)], [0, 1, 2, 3]);
});

elements('integers wrap around; 64 bits are exact', () => {
  assert.equal([...numbersOf(tensorOf('uint8', [-1, 256, 3.9, -3.9], [4]))], [255, 0, 3, 253]);
  const wide = tensorOfBigints('int64', [2n ** 63n - 1n, 2n ** 63n], [2]);
  assert.equal(bigintsOf(wide), [2n ** 63n - 1n, -(2n ** 63n)]);
  assert.equal(bigintsOf(tensorOfBigints('uint32', [-1n, 2n ** 32n + 5n], [2])), [
    2n ** 32n - 1n,
    5n,
  ]);
});

elements('broadcasts and views; sizes out of bounds are our errors', () => {
  assert.equal(broadcastDims([[3, 1], [4], []]), [3, 4]);
  assert.equal(broadcastDims([[0, 1], [1]]), [0, 1]);
  assert.throws(
    () => broadcastDims([[3], [4]]),
    (error: unknown) => error instanceof ShapeError,
  );
  assert.equal([...viewOffsets([2, 3], [1, 2])], [0, 2, 4, 1, 3, 5]);
  assert.throws(
    () => countOf([-1]),
    (error: unknown) => error instanceof ShapeError,
  );
  assert.throws(
    () => countOf([2 ** 40]),
    (error: unknown) => error instanceof MemoryError,
  );
});

const inside = (low: number, high: number): Float64Array =>
  Float64Array.from({ length: 4001 }, (_, i) => low + ((high - low) * i) / 4000);

const functions: [string, f.RealFunction, (x: number) => number, Float64Array][] = [
  ['tan', f.tan, Math.tan, inside(-20, 20)],
  ['atan', f.atan, Math.atan, inside(-50, 50)],
  ['asin', f.asin, Math.asin, inside(-1, 1)],
  ['acos', f.acos, Math.acos, inside(-1, 1)],
  ['sinh', f.sinh, Math.sinh, inside(-30, 30)],
  ['cosh', f.cosh, Math.cosh, inside(-30, 30)],
  ['asinh', f.asinh, Math.asinh, inside(-1e3, 1e3)],
  ['acosh', f.acosh, Math.acosh, inside(1, 40)],
  ['atanh', f.atanh, Math.atanh, inside(-1, 1)],
  ['log1p', f.log1p, Math.log1p, inside(-0.99, 3)],
  ['expm1', f.expm1, Math.expm1, inside(-4, 4)],
];
for (const [name, ours, theirs, x] of functions) {
  elements(`${name} is within 1e-14 of the engine's, also near zeros`, () => {
    const points = [
      ...x,
      ...[1e-300, -1e-9, 1e-5, 0.3, 0].map((t) => (name === 'acosh' ? 1 + Math.abs(t) : t)),
    ];
    const y = ours(Float64Array.from(points));
    points.forEach((point, i) => {
      const expected = theirs(point);
      const near = Math.abs(y[i]! - expected) <= 1e-14 * Math.abs(expected);
      if (!near && !Object.is(y[i], expected)) assert.is(y[i], expected, `${name}(${point})`);
    });
  });
}

elements('functions outside of their domain and at infinity', () => {
  const at = (change: f.RealFunction, x: number): number => change(Float64Array.of(x))[0]!;
  assert.equal([at(f.asin, 2), at(f.acosh, 0), at(f.atanh, -2)], [NaN, NaN, NaN]);
  assert.equal([at(f.atan, Infinity), at(f.atan, -Infinity)], [Math.PI / 2, -Math.PI / 2]);
  assert.equal([at(f.atanh, 1), at(f.asinh, -Infinity)], [Infinity, -Infinity]);
  assert.equal([at(f.sinh, -Infinity), at(f.cosh, -Infinity)], [-Infinity, Infinity]);
  assert.equal(
    [at(f.sinh, 710), at(f.softplus, 800), at(f.sigmoid, -800)],
    [Math.sinh(710), 800, 0],
  );
  assert.ok(Math.abs(f.powEach(Float64Array.of(2), Float64Array.of(0.5))[0]! - Math.SQRT2) < 4e-16);
});

elements.run();
