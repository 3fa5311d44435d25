import { InferenceSession, type Tensor } from 'onnxruntime-node';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { integerRange } from '../../src/core/dtype.ts';
import { random } from '../../src/core/random.ts';
import { dequantize, type QuantizedType, quantize } from '../../src/kernels/index.ts';
import { onnxModel, type TensorBytes } from './onnx.ts';

// QuantizeLinear and DequantizeLinear of onnxruntime, bit for bit. 4-bit outputs cannot leave its session, so all
// levels leave it through a DequantizeLinear with scale 1 and zero point 0.
const test = suite('quantize against onnxruntime');

interface Case {
  shape: number[];
  axis?: number;
  blockSize?: number;
}

const cases: Case[] = [
  { shape: [1000] },
  { shape: [3, 67], axis: 0 },
  { shape: [67, 3], axis: 1 },
  { shape: [5, 12, 7], axis: 1 },
  { shape: [5, 12, 7], axis: -1 },
  { shape: [24, 2, 3, 3], axis: 0 },
  { shape: [2, 24, 3, 3], axis: 1 },
  { shape: [6, 64], axis: 1, blockSize: 32 },
  { shape: [6, 70], axis: 1, blockSize: 16 },
  { shape: [70, 6], axis: 0, blockSize: 16 },
  { shape: [64, 40], axis: 0, blockSize: 8 },
  { shape: [4, 10, 5], axis: 1, blockSize: 4 },
  { shape: [4, 10, 5], axis: 2, blockSize: 1 },
];
const types: QuantizedType[] = ['int8', 'uint8', 'int16', 'uint16', 'int4', 'uint4'];

const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice();

const storage = { int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array };

/** Raw bytes of levels, packed for 4 bits. */
function raw(type: QuantizedType, levels: readonly number[]): Uint8Array {
  if (type === 'int8' || type === 'uint8' || type === 'int16' || type === 'uint16') {
    return bytesOf(storage[type].from(levels));
  }
  const bytes = new Uint8Array(Math.ceil(levels.length / 2));
  levels.forEach((level, i) => {
    bytes[i >> 1]! |= (level & 15) << (4 * (i & 1));
  });
  return bytes;
}

function unpack(type: QuantizedType, levels: ArrayLike<number>, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    if (!type.endsWith('4')) return levels[i]!;
    const nibble = (levels[i >> 1]! >> (4 * (i & 1))) & 15;
    return type === 'int4' ? (nibble << 28) >> 28 : nibble;
  });
}

async function run(model: Uint8Array): Promise<Record<string, Float32Array>> {
  const session = await InferenceSession.create(model, {
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 3,
  });
  const outputs: Record<string, Tensor> = await session.run({});
  await session.release();
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { data }]) => [name, data as Float32Array]),
  );
}

function scaleDims({ shape, axis, blockSize }: Case): number[] {
  if (axis === undefined) return [];
  const at = axis < 0 ? axis + shape.length : axis;
  if (blockSize === undefined) return [shape[at]!];
  return shape.map((size, i) => (i === at ? Math.ceil(size / blockSize) : size));
}

function modelFor(
  type: QuantizedType,
  x: Float32Array,
  item: Case,
  scale: Float32Array,
  zeroPoint: number[],
): Uint8Array {
  const dims = scaleDims(item);
  const constants: TensorBytes[] = [
    { name: 'x', type: 'float32', dims: item.shape, raw: bytesOf(x) },
    { name: 's', type: 'float32', dims, raw: bytesOf(scale) },
    { name: 'z', type, dims, raw: raw(type, zeroPoint) },
    { name: 'one', type: 'float32', dims: [], raw: bytesOf(Float32Array.of(1)) },
    { name: 'none', type, dims: [], raw: raw(type, [0]) },
  ];
  const attributes = { axis: item.axis, block_size: item.blockSize };
  const nodes = [
    { op: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['q'], attributes },
    { op: 'DequantizeLinear', inputs: ['q', 'one', 'none'], outputs: ['levels'] },
    { op: 'DequantizeLinear', inputs: ['q', 's', 'z'], outputs: ['y'], attributes },
  ];
  return onnxModel(nodes, constants, { levels: 'float32', y: 'float32' });
}

/** Values with many exact ties, values far outside, and infinities. Tame ones stay in the range of int32,
 *  to which onnxruntime's blocked and 4-bit kernels convert before they saturate: there +Infinity becomes −8. */
function drawInput(count: number, seed: number, tame: boolean): Float32Array {
  const draw = random(seed);
  const specials = [Infinity, -Infinity, 1e30, -1e30, 0, -0, 2 ** -140, 3.4e38];
  return Float32Array.from({ length: count }, () => {
    const kind = draw.below(10);
    if (kind === 0 && !tame) return specials[draw.below(specials.length)]!;
    if (kind < 5) return (draw.below(4096) - 2048) / 4;
    return (draw.uniform() - 0.5) * [1, 30, 600, 1e5][draw.below(4)]!;
  });
}

for (const type of types) {
  test(`${type}: per tensor, per axis and per block`, async () => {
    const { min, max } = integerRange(type);
    for (const [index, item] of cases.entries()) {
      const count = item.shape.reduce((a, b) => a * b, 1);
      const draw = random(index + 100);
      const cells = scaleDims(item).reduce((a, b) => a * b, 1);
      const pool = [0.5, 1, 0.25, 0.1, 0.003, 1 / 3, 2, 17.3];
      const scale = Float32Array.from({ length: cells }, () => pool[draw.below(pool.length)]!);
      const zeroPoint = Array.from({ length: cells }, () => min + draw.below(max - min + 1));
      const x = drawInput(count, index + 1, item.blockSize !== undefined || type.endsWith('4'));
      const expected = await run(modelFor(type, x, item, scale, zeroPoint));
      const options = { ...item, scale, zeroPoint, type };
      const q = quantize(x, options);
      assert.equal(
        Float32Array.from(unpack(type, q, count)),
        expected.levels,
        JSON.stringify(item),
      );
      assert.equal(dequantize(q, options), expected.y, JSON.stringify(item));
    }
  });
}

test('NaN becomes the lowest level', async () => {
  // Its 4-bit kernel converts NaN to an integer, which is whatever the processor does.
  for (const type of types.filter((name) => !name.endsWith('4'))) {
    for (const count of [1, 7, 64]) {
      const x = new Float32Array(count).fill(Number.NaN);
      const zero = integerRange(type).min + 3;
      const { levels } = await run(
        modelFor(type, x, { shape: [count] }, Float32Array.of(0.5), [zero]),
      );
      const got = unpack(type, quantize(x, { scale: 0.5, zeroPoint: zero, type }), count);
      assert.equal(Float32Array.from(got), levels, `${type} × ${count}`);
      assert.ok(got.every((level) => level === integerRange(type).min));
    }
  }
});

test('int32 without zero point, as biases have it', async () => {
  const draw = random(3);
  const q = Int32Array.from({ length: 40 * 5 }, () => draw.uint32() >> draw.below(32));
  const scale = Float32Array.from({ length: 5 }, () => draw.uniform() + 1e-4);
  const model = onnxModel(
    [{ op: 'DequantizeLinear', inputs: ['q', 's'], outputs: ['y'], attributes: { axis: 1 } }],
    [
      { name: 'q', type: 'int32', dims: [40, 5], raw: bytesOf(q) },
      { name: 's', type: 'float32', dims: [5], raw: bytesOf(scale) },
    ],
    { y: 'float32' },
  );
  assert.equal(dequantize(q, { scale, shape: [40, 5], axis: 1 }), (await run(model)).y);
});

test.run();
