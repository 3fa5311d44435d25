import { InferenceSession } from 'onnxruntime-node';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from '../../src/kernels/index.ts';
import { brain, decode, encode, half } from '../reference/convert.ts';
import { onnxModel } from './onnx.ts';

const test = suite('float16 and bfloat16');
const patterns = Uint16Array.from({ length: 65536 }, (_, i) => i);
const bits = (x: Float32Array): Uint32Array => new Uint32Array(x.buffer, x.byteOffset, x.length);

/** Each value, its neighbors in float32, and the midpoints to the next value with their neighbors. */
function aroundTies(values: Float32Array): Float32Array {
  const result: number[] = [];
  for (let i = 0; i + 1 < values.length; i++) {
    const [here, next] = [values[i]!, values[i + 1]!];
    if (!Number.isFinite(here) || !Number.isFinite(next) || Math.sign(here) * Math.sign(next) < 0)
      continue;
    for (const value of [here, (here + next) / 2]) {
      const [pattern] = bits(Float32Array.of(value)) as unknown as [number];
      result.push(
        ...new Float32Array(Uint32Array.of(pattern, pattern + 1, Math.max(pattern - 1, 0)).buffer),
      );
    }
  }
  return Float32Array.from(result);
}

const formats = [
  { name: 'float16', format: half, code: 10, narrow: float32ToFloat16, widen: float16ToFloat32 },
  {
    name: 'bfloat16',
    format: brain,
    code: 16,
    narrow: float32ToBfloat16,
    widen: bfloat16ToFloat32,
  },
];

for (const { name, format, code, narrow, widen } of formats) {
  test(`${name}: all 65,536 patterns stand for their numbers and come back`, () => {
    const wide = widen(patterns);
    const back = narrow(wide);
    for (const pattern of patterns) {
      const value = decode(pattern, format);
      const nan = Number.isNaN(value);
      const same =
        Object.is(wide[pattern], value) &&
        back[pattern] === (nan ? format.nan : pattern) &&
        (!nan || bits(wide)[pattern] === 0x7fc00000);
      if (!same) assert.unreachable(`${pattern} is ${wide[pattern]}, not ${value}`);
    }
  });

  test(`${name}: numbers at, beside and between its values round half to even`, () => {
    const x = aroundTies(widen(patterns));
    assert.ok(x.length > 100_000);
    const got = narrow(x);
    for (let i = 0; i < x.length; i++) {
      if (got[i] !== encode(x[i]!, format)) assert.unreachable(`${x[i]} became ${got[i]}`);
    }
  });

  test(`${name}: random bits as onnxruntime casts them`, async () => {
    const draw = random(7);
    const pattern = Uint32Array.from({ length: 40_000 }, () => draw.uint32());
    // A second half within the range of float16.
    for (let i = 20_000; i < 40_000; i++) pattern[i] = (pattern[i]! & 0x87ffffff) | 0x38000000;
    const x = new Float32Array(pattern.buffer);
    const model = onnxModel(
      [
        { op: 'Cast', inputs: ['x'], outputs: ['n'], attributes: { to: code } },
        { op: 'Cast', inputs: ['n'], outputs: ['y'], attributes: { to: 1 } },
      ],
      [{ name: 'x', type: 'float32', dims: [x.length], raw: new Uint8Array(x.buffer) }],
      { y: 'float32' },
    );
    const session = await InferenceSession.create(model, { graphOptimizationLevel: 'disabled' });
    const { y } = await session.run({});
    await session.release();
    const expected = y!.data as Float32Array;
    const got = widen(narrow(x));
    for (let i = 0; i < x.length; i++) {
      if (!Object.is(got[i], expected[i]))
        assert.unreachable(`${x[i]} became ${got[i]}, not ${expected[i]}`);
    }
  });

  test(`${name}: infinities, NaN, the largest numbers and any length`, () => {
    const top = decode(((format.top + format.bias + 1) << format.mantissa) - 1, format);
    const step = 2 ** (format.top - format.mantissa);
    const infinity = encode(Infinity, format);
    const x = Float32Array.of(
      Infinity,
      -Infinity,
      Number.NaN,
      top,
      top + step * 0.49,
      top + step / 2,
    );
    const want = [infinity, infinity | 0x8000, format.nan, infinity - 1, infinity - 1, infinity];
    assert.equal([...narrow(x)], want);
    for (const length of [0, 1, 7, 8, 9, 65_535, 65_537]) {
      const ones = new Float32Array(length).fill(1);
      assert.equal(widen(narrow(ones)), ones);
    }
  });
}

test('wrong arguments are named', () => {
  assert.throws(
    () => float32ToFloat16(new Float64Array(1) as unknown as Float32Array),
    /^"x" expected/,
  );
  assert.throws(
    () => bfloat16ToFloat32(new Int16Array(1) as unknown as Uint16Array),
    /^"bits" expected/,
  );
});

test.run();
