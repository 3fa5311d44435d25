import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { integerRange } from '../../src/core/dtype.ts';
import { random } from '../../src/core/random.ts';
import {
  backendInfo,
  dequantize,
  minMaxAxis,
  type QuantizedType,
  quantize,
} from '../../src/kernels/index.ts';
import { dequantizeOne, quantizeOne } from '../reference/quantize.ts';

const test = suite('quantize and dequantize');
const types: QuantizedType[] = ['int8', 'uint8', 'int16', 'uint16', 'int4', 'uint4'];

function unpack(type: QuantizedType, q: ArrayLike<number>, i: number): number {
  if (!type.endsWith('4')) return q[i]!;
  const nibble = (q[i >> 1]! >> (4 * (i & 1))) & 15;
  return type === 'int4' ? (nibble << 28) >> 28 : nibble;
}

test('known answers: ties to even, then the zero point, then saturation', () => {
  const x = Float32Array.of(-1.5, -0.5, 0.5, 1.5, 2.5, 300, -300, 0);
  assert.equal(
    [...quantize(x, { scale: 1, zeroPoint: 1, type: 'int8' })],
    [-1, 1, 1, 3, 3, 127, -128, 1],
  );
  assert.equal(
    [...quantize(x, { scale: 1, zeroPoint: 3, type: 'uint8' })],
    [1, 3, 3, 5, 5, 255, 0, 3],
  );
  // 0.5, 1.5, … packed, the first in the low nibble; an odd count leaves the last high nibble 0.
  assert.equal([...quantize(x.subarray(2, 7), { scale: 1, type: 'int4' })], [0x20, 0x72, 0x08]);
  assert.equal(
    [...quantize(x.subarray(2, 6), { scale: 1, zeroPoint: 8, type: 'uint4' })],
    [0xa8, 0xfa],
  );
  // 0.1 / 0.02 is 5 in float32, 0.1 · (1 / 0.02) is not everywhere.
  assert.equal([...quantize(Float32Array.of(0.05, 0.15), { scale: 0.1, type: 'int8' })], [0, 2]);
  assert.equal(
    [...dequantize(Int8Array.of(-128, 0, 127), { scale: 0.5, zeroPoint: -1 })],
    [-63.5, 0.5, 64],
  );
  assert.equal(
    [...dequantize(Uint8Array.of(0xf8, 7), { scale: 2, type: 'int4', length: 3 })],
    [-16, -2, 14],
  );
  assert.equal([...dequantize(Int32Array.of(2 ** 31 - 1, -5), { scale: 1 })], [2 ** 31, -5]);
});

test('infinities saturate, NaN becomes the lowest level', () => {
  for (const type of types) {
    const { min, max } = integerRange(type);
    for (const length of [3, 48]) {
      const x = Float32Array.from({ length }, (_, i) => [Infinity, -Infinity, Number.NaN][i % 3]!);
      const q = quantize(x, { scale: -0.5, zeroPoint: max, type });
      for (let i = 0; i < length; i++) assert.is(unpack(type, q, i), [min, max, min][i % 3]);
    }
  }
});

interface Case {
  shape: number[];
  axis?: number;
  blockSize?: number;
}

// Parts hold 65,536 elements: shapes on every side of it, cut along rows, blocks, runs and columns, some at odd
// elements, where 4-bit levels share a byte over the cut.
const cases: Case[] = [
  { shape: [] },
  { shape: [0] },
  { shape: [0, 3], axis: 1 },
  { shape: [1] },
  { shape: [65_537] },
  { shape: [7], axis: 0 },
  { shape: [50, 1], axis: 1 },
  { shape: [1, 50], axis: 0 },
  { shape: [11, 3000], axis: 0 },
  { shape: [3000, 11], axis: -1 },
  { shape: [3, 65_537], axis: 0 },
  { shape: [2, 70_001], axis: 1 },
  { shape: [5000, 3, 3, 3], axis: 0 },
  { shape: [300, 27, 3, 3], axis: 1 },
  { shape: [3, 7, 9], axis: 1, blockSize: 3 },
  { shape: [33, 70], axis: 1, blockSize: 32 },
  { shape: [33, 70], axis: 0, blockSize: 100 },
  { shape: [3, 70_001], axis: 1, blockSize: 66_001 },
  { shape: [3, 70_001], axis: 0, blockSize: 2 },
  { shape: [41, 5, 501], axis: 1, blockSize: 4 },
  { shape: [70_001, 2], axis: 0, blockSize: 1 },
  { shape: [3, 40_001, 1], axis: 1, blockSize: 5 },
];

test('every layout against one plain loop', () => {
  for (const [index, { shape, axis, blockSize }] of cases.entries()) {
    const count = shape.reduce((a, b) => a * b, 1);
    const at = axis === undefined ? -1 : axis < 0 ? axis + shape.length : axis;
    const size = shape[at] ?? 1;
    const inner = at < 0 ? 1 : shape.slice(at + 1).reduce((a, b) => a * b, 1);
    const blocks = Math.ceil(size / (blockSize ?? 1));
    const outer = at < 0 ? 1 : shape.slice(0, at).reduce((a, b) => a * b, 1);
    const cells = at < 0 ? 1 : blockSize === undefined ? size : outer * blocks * inner;
    const cellOf = (i: number): number => {
      if (at < 0) return 0;
      const along = Math.floor(i / inner) % size;
      if (blockSize === undefined) return along;
      return (
        (Math.floor(i / inner / size) * blocks + Math.floor(along / blockSize)) * inner +
        (i % inner)
      );
    };
    const draw = random(index);
    const x = Float32Array.from({ length: count }, () => (draw.below(4000) - 2000) / 8);
    const type = types[index % types.length]!;
    for (const each of new Set<QuantizedType>(['int4', type])) {
      const { min, max } = integerRange(each);
      const scale = Float32Array.from(
        { length: cells },
        () => [0.5, 0.1, 3, 1 / 3][draw.below(4)]!,
      );
      const zeroPoint = Int32Array.from({ length: cells }, () => min + draw.below(max - min + 1));
      const options = {
        scale,
        zeroPoint,
        shape,
        type: each,
        ...(axis === undefined ? {} : { axis }),
        ...(blockSize === undefined ? {} : { blockSize }),
      };
      const q = quantize(x, options);
      const y = dequantize(q, options);
      const where = `${each} ${JSON.stringify(cases[index])}`;
      assert.is(q.length, each.endsWith('4') ? Math.ceil(count / 2) : count, where);
      for (let i = 0; i < count; i++) {
        const cell = cellOf(i);
        const level = quantizeOne(x[i]!, scale[cell]!, zeroPoint[cell]!, min, max);
        if (unpack(each, q, i) !== level) assert.unreachable(`${where}: level ${i}`);
        const value = dequantizeOne(level, scale[cell]!, zeroPoint[cell]!);
        if (!Object.is(y[i], value))
          assert.unreachable(`${where}: value ${i} is ${y[i]}, not ${value}`);
      }
    }
  }
});

test('a second pass changes nothing, and the error is at most half a step', () => {
  const draw = random(2);
  const shape = [64, 100];
  const x = Float32Array.from({ length: 6400 }, () => (draw.uniform() - 0.5) * 8);
  const { min, max } = minMaxAxis(x, { shape, axis: 0 });
  for (const type of types) {
    const range = integerRange(type);
    const scale = min.map(
      (low, i) => (Math.max(max[i]!, 0) - Math.min(low, 0)) / (range.max - range.min),
    );
    const zeroPoint = [...scale].map((s, i) => Math.round(range.min - Math.min(min[i]!, 0) / s));
    const options = { scale, zeroPoint, shape, axis: 0, type };
    const q = quantize(x, options);
    const y = dequantize(q, options);
    assert.equal(quantize(y, options), q, type);
    x.forEach((value, i) => {
      const step = scale[Math.floor(i / 100)]!;
      // The zero point is rounded too, so that the ends of the range may be half a step off the levels.
      const near = Math.abs(value - y[i]!) <= step * 1.001;
      if (!near) assert.unreachable(`${type}: ${value} became ${y[i]}`);
    });
  }
});

test('views at any offset, shared memory, and inputs left as they are', () => {
  const bytes = new ArrayBuffer(4096);
  const x = new Float32Array(bytes, 4, 777).map((_, i) => i / 3);
  const inside = new Float32Array(bytes, 12, 777);
  inside.set(x);
  const q = quantize(inside, { scale: 2, zeroPoint: 7, type: 'uint8' });
  assert.equal(q, quantize(x, { scale: 2, zeroPoint: 7, type: 'uint8' }));
  assert.equal(inside, x);
  const offset = new Uint8Array(bytes, 3001, 777);
  offset.set(q);
  assert.equal(
    dequantize(offset, { scale: 2, zeroPoint: 7 }),
    dequantize(q, { scale: 2, zeroPoint: 7 }),
  );
  const shared = new Float32Array(new SharedArrayBuffer(400));
  shared.set(x.subarray(0, 100));
  assert.equal(
    quantize(shared, { scale: 2, type: 'int8' }),
    quantize(x.slice(0, 100), { scale: 2, type: 'int8' }),
  );
});

test('results go where the caller wants them', () => {
  const x = Float32Array.of(1, 2, 3);
  const output = new Int8Array(9).subarray(3, 6);
  assert.is(quantize(x, { scale: 1, type: 'int8', output }), output);
  assert.equal([...new Int8Array(output.buffer)], [0, 0, 0, 1, 2, 3, 0, 0, 0]);
  const nibbles = new Uint8Array(2);
  assert.equal([...quantize(x, { scale: 1, type: 'uint4', output: nibbles })], [0x21, 0x03]);
  const values = new Float32Array(3);
  assert.is(dequantize(output, { scale: 2, output: values }), values);
  assert.equal([...values], [2, 4, 6]);
  const short = { scale: 1, type: 'int8', output: new Int8Array(2) } as const;
  assert.throws(() => quantize(x, short), /^"output" expected 3 elements, got 2 elements$/);
  const other = { scale: 1, output: new Float64Array(3) as unknown as Float32Array<ArrayBuffer> };
  assert.throws(
    () => dequantize(output, other),
    /^"output" expected a Float32Array, got Float64Array$/,
  );
});

test('memory stays small however long the array', () => {
  // Other tests of the process may have grown the memory already.
  const before = Math.max(backendInfo().memoryBytes, 4 * 2 ** 20);
  const x = new Float32Array(3_000_000);
  quantize(x, {
    scale: new Float32Array(1_500_000).fill(1),
    shape: [1_500_000, 2],
    axis: 0,
    type: 'int4',
  });
  assert.ok(backendInfo().memoryBytes <= before, `${backendInfo().memoryBytes}`);
});

test('wrong arguments are named', () => {
  const x = new Float32Array(6);
  const ok = { scale: 1, type: 'int8' } as const;
  const scales = new Float32Array(3).fill(1);
  const bad = (change: object, pattern: RegExp, kind = RangeError): void => {
    assert.throws(
      () => quantize(x, { ...ok, ...change }),
      (error: Error) => error instanceof kind && pattern.test(error.message),
      `${Object.keys(change)} should be refused: ${pattern}`,
    );
  };
  for (const scale of [0, -0, Number.NaN, Infinity, 1e-50, 1e39])
    bad({ scale }, /^"scale" expected finite/);
  bad({ scale: Float32Array.of(1, Number.NaN, 1), shape: [2, 3] }, /^"scale"/);
  bad({ scale: '1' }, /^"scale"/, TypeError);
  bad({ scale: scales }, /^"shape"/, TypeError);
  bad({ scale: scales, shape: [2, 3], axis: 0 }, /^"scale" expected 2 values, got 3/);
  bad({ scale: scales, shape: [2, 4] }, /^"shape"/);
  bad({ scale: scales, shape: [2, 3], axis: 5 }, /^"axis"/);
  bad({ scale: scales, shape: [2, 3], axis: 1, blockSize: 0.5 }, /^"blockSize"/);
  bad(
    { scale: scales, shape: [2, 3], axis: 1, zeroPoint: [1, 2] },
    /^"zeroPoint" expected 3 values/,
  );
  for (const zeroPoint of [128, -129, 0.5, Number.NaN])
    bad({ zeroPoint }, /^"zeroPoint" expected integers in -128..127/);
  bad({ zeroPoint: 1n }, /^"zeroPoint"/, TypeError);
  bad({ type: 'int3' }, /^"type" expected int8/);
  bad({ type: 'toString' }, /^"type"/);
  assert.throws(() => quantize([1] as unknown as Float32Array, ok), /^"x" expected a Float32Array/);
  assert.throws(
    () => dequantize(x as unknown as Int8Array, { scale: 1 }),
    /^"q" expected an Int8Array/,
  );
  assert.throws(
    () => dequantize(new Int8Array(2), { scale: 1, type: 'int16' }),
    /^"q" expected a Int16Array/,
  );
  assert.throws(
    () => dequantize(new Uint8Array(2), { scale: 1, type: 'int4', length: 5 }),
    /^"q" expected 3/,
  );
  assert.throws(() => dequantize(new Int8Array(2), { scale: 1, length: 3 }), /^"q" expected 3/);
});

test.run();
