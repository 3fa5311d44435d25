import { InferenceSession } from 'onnxruntime-node';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  backendInfo,
  convInteger,
  convRequantized,
  matmulBlockwise,
  matmulInteger,
  matmulRequantized,
  packBlockwise,
} from '../../../src/kernels/index.ts';
import { type OnnxNode, type OnnxType, onnxModel, type TensorBytes } from '../onnx.ts';
import { inMode } from './modes.ts';
import { type Levels, levels, random, zeros } from './plain.ts';

const test = suite('integer products against onnxruntime');
const modes = [...new Set(['i16', backendInfo().int8] as const)];

function constant(
  name: string,
  data: Levels | Int32Array | Float32Array,
  dims: readonly number[],
): TensorBytes {
  const type: OnnxType =
    data instanceof Uint8Array
      ? 'uint8'
      : data instanceof Int8Array
        ? 'int8'
        : data instanceof Int32Array
          ? 'int32'
          : 'float32';
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return { name, type, dims, raw };
}

async function run(
  node: Omit<OnnxNode, 'inputs' | 'outputs'>,
  inputs: readonly TensorBytes[],
  type: OnnxType,
): Promise<ArrayLike<number>> {
  const names = inputs.map(({ name }) => name);
  const present = inputs.filter(({ name }) => name !== '');
  const model = onnxModel([{ ...node, inputs: names, outputs: ['y'] }], present, { y: type });
  const session = await InferenceSession.create(model, { logSeverityLevel: 4 });
  const { y } = await session.run({});
  await session.release();
  return y!.data as ArrayLike<number>;
}

const level = (unsigned: boolean, value: number): Levels =>
  unsigned ? Uint8Array.of(value) : Int8Array.of(value);

test('MatMulInteger, for the signs that it takes', async () => {
  const draw = random(1);
  for (const [m, k, n] of [
    [1, 40, 33],
    [5, 17, 9],
    [13, 64, 24],
  ] as const) {
    for (const aUnsigned of [true, false]) {
      for (const bUnsigned of [true, false]) {
        const a = levels(m * k, aUnsigned, draw);
        const b = levels(k * n, bUnsigned, draw);
        const za = draw.below(100);
        const own = zeros(n, bUnsigned, draw) ?? 0;
        const each = typeof own === 'number' ? Int32Array.of(own) : own;
        const zb = bUnsigned ? Uint8Array.from(each) : Int8Array.from(each);
        const inputs = [
          constant('a', a, [m, k]),
          constant('b', b, [k, n]),
          constant('za', level(aUnsigned, za), []),
          constant('zb', zb, zb.length === 1 ? [] : [n]),
        ];
        const expected = [...Array.from(await run({ op: 'MatMulInteger' }, inputs, 'int32'))];
        for (const mode of modes) {
          inMode(mode, () => {
            const options = { aZeroPoint: za, bZeroPoint: own };
            assert.equal([...matmulInteger(a, b, m, k, n, options)], expected);
          });
        }
      }
    }
  }
});

test('QLinearMatMul rounds once, to even', async () => {
  const draw = random(2);
  for (const unsigned of [true, false]) {
    const [m, k, n] = [9, 50, 21];
    const a = levels(m * k, unsigned, draw);
    const b = levels(k * n, unsigned, draw);
    const [sa, sb, sy] = [0.013, 0.021, 0.31].map(Math.fround) as [number, number, number];
    const inputs = [
      constant('a', a, [m, k]),
      constant('sa', Float32Array.of(sa), []),
      constant('za', level(unsigned, 7), []),
      constant('b', b, [k, n]),
      constant('sb', Float32Array.of(sb), []),
      constant('zb', level(unsigned, 3), []),
      constant('sy', Float32Array.of(sy), []),
      constant('zy', level(unsigned, 11), []),
    ];
    const type = unsigned ? 'uint8' : 'int8';
    const expected = [...Array.from(await run({ op: 'QLinearMatMul' }, inputs, type))];
    const scale = Math.fround(Math.fround(sa * sb) / sy);
    const got = matmulRequantized(a, b, m, k, n, {
      aZeroPoint: 7,
      bZeroPoint: 3,
      scale,
      zeroPoint: 11,
      type,
    });
    assert.equal([...got], expected);
  }
});

/** [a, b, …] of channels in the second place to the last, or the other way. */
function channelsLast<T extends Levels>(
  data: T,
  outer: number,
  channels: number,
  inner: number,
): T {
  const result = data.slice() as T;
  for (let o = 0; o < outer; o++)
    for (let c = 0; c < channels; c++)
      for (let i = 0; i < inner; i++)
        result[(o * inner + i) * channels + c] = data[(o * channels + c) * inner + i]!;
  return result;
}

const convs = [
  { channels: 6, outputs: 10, groups: 1, kernel: 3, stride: 1, pads: [1, 1, 1, 1] },
  { channels: 6, outputs: 9, groups: 3, kernel: 3, stride: 2, pads: [0, 1, 1, 0] },
  { channels: 12, outputs: 12, groups: 12, kernel: 3, stride: 1, pads: [1, 1, 1, 1] },
  { channels: 17, outputs: 8, groups: 1, kernel: 1, stride: 1, pads: [0, 0, 0, 0] },
] as const;

test('QLinearConv and ConvInteger', async () => {
  const draw = random(3);
  const [batch, height, width] = [2, 7, 9];
  for (const { channels, outputs, groups, kernel, stride, pads } of convs) {
    for (const unsigned of [true, false]) {
      const x = levels(batch * channels * height * width, unsigned, draw);
      const inputs = channels / groups;
      const w = levels(outputs * inputs * kernel * kernel, false, draw);
      const bias = Int32Array.from({ length: outputs }, () => draw.below(2000) - 1000);
      const ws = Float32Array.from({ length: outputs }, () => draw.uniform() * 0.01 + 0.001);
      const [sx, sy] = [0.02, 0.4].map(Math.fround) as [number, number];
      const attributes = { group: groups, strides: [stride, stride], pads };
      const data = [
        constant('x', x, [batch, channels, height, width]),
        constant('sx', Float32Array.of(sx), []),
        constant('zx', level(unsigned, 5), []),
        constant('w', w, [outputs, inputs, kernel, kernel]),
        constant('sw', ws, [outputs]),
        constant('zw', new Int8Array(outputs), [outputs]),
        constant('sy', Float32Array.of(sy), []),
        constant('zy', level(unsigned, 9), []),
        constant('bias', bias, [outputs]),
      ];
      const type = unsigned ? 'uint8' : 'int8';
      const pixels = height * width;
      const options = {
        shape: [batch, height, width, channels],
        weightShape: [outputs, kernel, kernel, inputs],
        strides: [stride, stride],
        pads,
        groups,
        xZeroPoint: 5,
      };
      const last = channelsLast(x, batch, channels, pixels);
      const turned = channelsLast(w, outputs, inputs, kernel * kernel);
      const toLast = (found: ArrayLike<number>): number[] => {
        const size = found.length / batch / outputs;
        return Array.from(found, (_, at) => {
          const [c, i] = [at % outputs, Math.floor(at / outputs)];
          const [o, p] = [Math.floor(i / size), i % size];
          return found[(o * outputs + c) * size + p]!;
        });
      };
      const expected = toLast(await run({ op: 'QLinearConv', attributes }, data, type));
      const scale = ws.map((each) => Math.fround(Math.fround(sx * each) / sy));
      const sums = unsigned
        ? toLast(
            await run({ op: 'ConvInteger', attributes }, [data[0]!, data[3]!, data[2]!], 'int32'),
          )
        : null;
      for (const mode of modes) {
        inMode(mode, () => {
          const rule = { scale, zeroPoint: 9, type, bias } as const;
          assert.equal([...convRequantized(last, turned, { ...options, ...rule })], expected);
          if (sums !== null) assert.equal([...convInteger(last, turned, options)], sums);
        });
      }
    }
  }
});

test('MatMulNBits, with and without zero points', async () => {
  const draw = random(4);
  for (const bits of [4, 8] as const) {
    for (const blockSize of [16, 32, 128]) {
      const [m, k, n] = [3, 200, 20];
      const blocks = Math.ceil(k / blockSize);
      const bytes = (count: number): Uint8Array<ArrayBuffer> =>
        levels(count, true, draw).slice() as Uint8Array<ArrayBuffer>;
      const b = bytes((n * blocks * blockSize * bits) / 8);
      const scales = Float32Array.from({ length: n * blocks }, () => draw.uniform() * 0.1);
      const zeroPoints =
        draw.below(2) === 0 ? undefined : bytes(n * Math.ceil((blocks * bits) / 8));
      const a = Float32Array.from({ length: m * k }, () => draw.uniform() - 0.5);
      const inputs = [
        constant('a', a, [m, k]),
        constant('b', b, [n, blocks, (blockSize * bits) / 8]),
        constant('s', scales, [n * blocks]),
        ...(zeroPoints === undefined ? [] : [constant('z', zeroPoints, [zeroPoints.length])]),
      ];
      const attributes = { K: k, N: n, bits, block_size: blockSize };
      const node = { op: 'MatMulNBits', domain: 'com.microsoft', attributes };
      const expected = await run(node, inputs, 'float32');
      const packed = packBlockwise(b, k, n, { bits, blockSize, scales, zeroPoints });
      const got = matmulBlockwise(a, packed, m, k, n);
      packed.dispose();
      const scale = bits === 4 ? 1 : 16;
      for (let i = 0; i < got.length; i++)
        assert.ok(Math.abs(got[i]! - expected[i]!) < 1e-4 * scale, `${got[i]} and ${expected[i]}`);
    }
  }
});

test.run();
