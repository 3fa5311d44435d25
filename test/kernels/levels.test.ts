import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import type { Constant } from '../../src/ir/index.ts';
import {
  activateQuantized,
  addQuantized,
  averagePool,
  averagePoolQuantized,
  dequantize,
  type LevelParameters,
  lookup,
  maxPoolQuantized,
  multiplyQuantized,
  quantize,
  softmaxQuantized,
  tanh,
} from '../../src/kernels/index.ts';
import { makeOnnx } from '../onnx-model.ts';
import { runModel } from '../ort.ts';

const test = suite('functions of levels');

type Class = typeof Int8Array | typeof Uint8Array;

const draw = random(41);
const volume = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const filled = (array: Class, length: number, f: (i: number) => number): Int8Array | Uint8Array =>
  array === Int8Array
    ? Int8Array.from({ length }, (_, i) => f(i))
    : Uint8Array.from({ length }, (_, i) => f(i));
const levels = (array: Class, count: number): Int8Array | Uint8Array =>
  filled(array, count, () => draw.uint32());
const typeOf = (array: Class): 'int8' | 'uint8' => (array === Int8Array ? 'int8' : 'uint8');

function scalar(dtype: 'float32' | 'int8' | 'uint8', value: number): Constant {
  const { data } = new Tensor(dtype, [value], []);
  const view = data as Float32Array;
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  return {
    dtype,
    shape: [],
    data: { size: bytes.length, read: () => bytes },
  } as unknown as Constant;
}

/** Dequantize, one operator, quantize: as onnxruntime does it. */
async function onnx(
  op: string,
  array: Class,
  operands: {
    data: Int8Array | Uint8Array;
    shape: readonly number[];
    parameters: LevelParameters;
  }[],
  output: LevelParameters,
): Promise<number[]> {
  const dtype = typeOf(array);
  const constants: Record<string, Constant> = {
    ys: scalar('float32', output.scale),
    yz: scalar(dtype, output.zeroPoint ?? 0),
  };
  const nodes = operands.map(({ parameters }, i) => {
    constants[`s${i}`] = scalar('float32', parameters.scale);
    constants[`z${i}`] = scalar(dtype, parameters.zeroPoint ?? 0);
    return { op: 'DequantizeLinear', inputs: [`x${i}`, `s${i}`, `z${i}`], outputs: [`f${i}`] };
  });
  const bytes = makeOnnx({
    opset: 21,
    nodes: [
      ...nodes,
      { op, inputs: operands.map((_, i) => `f${i}`), outputs: ['f'] },
      { op: 'QuantizeLinear', inputs: ['f', 'ys', 'yz'], outputs: ['y'] },
    ],
    inputs: Object.fromEntries(operands.map(({ shape }, i) => [`x${i}`, [dtype, shape] as const])),
    outputs: { y: dtype },
    constants,
  });
  const feeds = Object.fromEntries(
    operands.map(({ data, shape }, i) => [`x${i}`, new Tensor(dtype, data, shape)]),
  );
  const { y } = await runModel(bytes, feeds);
  return [...(y!.data as Int8Array)];
}

/** At most one level off, and that in few places: where float32 decides a tie. */
function close(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  share: number,
  where: string,
): void {
  assert.is(got.length, want.length, where);
  let off = 0;
  for (let i = 0; i < got.length; i++) {
    const distance = Math.abs(got[i]! - want[i]!);
    if (distance > 1) assert.unreachable(`${where}[${i}]: ${got[i]}, not ${want[i]}`);
    off += distance;
  }
  assert.ok(off <= share * got.length + 2, `${where}: ${off} of ${got.length} are off by one`);
}

const shapes: [number[], number[]][] = [
  [[1000], [1000]],
  [[2, 5, 7], [7]],
  [
    [2, 5, 7],
    [5, 1],
  ],
  [
    [3, 1, 6],
    [4, 1],
  ],
  [[2, 70_000], [1]],
];

for (const array of [Int8Array, Uint8Array] as Class[]) {
  const type = typeOf(array);
  const zero = (signed: number): number => (array === Int8Array ? signed : signed + 128);

  test(`${type}: sums and products against onnxruntime`, async () => {
    for (const [aShape, bShape] of shapes) {
      const a = levels(array, volume(aShape));
      const b = levels(array, volume(bShape));
      const options = {
        a: { scale: 0.031, zeroPoint: zero(5) },
        b: { scale: 0.0173, zeroPoint: zero(-20) },
        output: { scale: 0.05, zeroPoint: zero(-3) },
        aShape,
        bShape,
      };
      const operands = [
        { data: a, shape: aShape, parameters: options.a },
        { data: b, shape: bShape, parameters: options.b },
      ];
      const where = `${type} [${aShape}] [${bShape}]`;
      close(
        addQuantized(a, b, options),
        await onnx('Add', array, operands, options.output),
        0.01,
        where,
      );
      close(
        multiplyQuantized(a, b, options),
        await onnx('Mul', array, operands, options.output),
        0.01,
        where,
      );
    }
  });

  test(`${type}: activations by table are what quantizing them gives`, () => {
    const x = levels(array, 100_001);
    const input = { scale: 0.05, zeroPoint: zero(3) };
    const output = { scale: 1 / 128, zeroPoint: zero(0) };
    const want = quantize(tanh(dequantize(x, input)), { ...output, type });
    assert.equal(activateQuantized('tanh', x, { input, output }), want);
    const clipped = activateQuantized('leakyRelu', x, { input, output: input, alpha: 0.1 });
    const slope = Math.fround(0.1);
    const plain = dequantize(x, input).map((v) => (v < 0 ? v * slope : v));
    assert.equal(clipped, quantize(plain, { ...input, type }));
    const table = filled(array, 256, (i) => 255 - i) as Int8Array;
    assert.equal([...lookup(array.of(0, 1, 2) as Int8Array, table)], [...array.of(255, 254, 253)]);
  });

  test(`${type}: pooling`, () => {
    const shape = [2, 9, 8, 19];
    const x = levels(array, volume(shape));
    const options = { shape, kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
    const input = { scale: 0.1, zeroPoint: zero(4) };
    const output = { scale: 0.07, zeroPoint: zero(-9) };
    const least = array === Int8Array ? -128 : 0;
    const most = maxPoolQuantized(x, options);
    const positions = [0, 1, 2, 3, 4];
    for (const row of positions) {
      for (let c = 0; c < 19; c++) {
        let best = least;
        for (let r = Math.max(0, 2 * row - 1); r < Math.min(9, 2 * row + 2); r++) {
          for (let q = 0; q < 2; q++) best = Math.max(best, x[(r * 8 + q) * 19 + c]!);
        }
        assert.is(most[row * 4 * 19 + c], best);
      }
    }
    for (const countIncludePad of [false, true]) {
      const mean = averagePool(dequantize(x, input), { ...options, countIncludePad });
      const got = averagePoolQuantized(x, { ...options, input, output, countIncludePad });
      close(got, quantize(mean, { ...output, type }), 0.005, `include ${countIncludePad}`);
    }
  });

  test(`${type}: softmax within one level of the real one`, () => {
    for (const [rows, length] of [
      [1, 1],
      [3, 10],
      [2, 1000],
    ] as const) {
      const x = levels(array, rows * length);
      const got = softmaxQuantized(x, { shape: [rows, length], input: { scale: 0.06 } });
      const want = Array.from(got, (_, i) => {
        const row = x.subarray(
          Math.floor(i / length) * length,
          (Math.floor(i / length) + 1) * length,
        );
        let total = 0;
        for (const level of row) total += Math.exp((level - x[i]!) * Math.fround(0.06));
        return Math.min(255, Math.round(256 / total)) + (array === Int8Array ? -128 : 0);
      });
      close(got, want, 0.001, `${rows} × ${length}`);
    }
  });
}

test('wrong arguments are named', () => {
  const a = new Int8Array(4);
  const unit = { scale: 1 };
  const options = { a: unit, b: unit, output: unit };
  assert.throws(
    () => addQuantized(a, new Uint8Array(4) as unknown as Int8Array, options),
    /"b" expected a Int8Array/,
  );
  assert.throws(() => addQuantized(a, a, { ...options, a: { scale: 0 } }), /"a.scale"/);
  assert.throws(
    () => addQuantized(a, a, { ...options, output: { scale: 1, zeroPoint: 200 } }),
    /"output.zeroPoint" expected an integer in -128..127/,
  );
  assert.throws(() => multiplyQuantized(a, new Int8Array(3), options), /"bShape"/);
  assert.throws(() => lookup(a, a), /"table" expected 256 elements/);
  assert.throws(() => softmaxQuantized([1] as unknown as Int8Array, { input: unit }), /"x"/);
  assert.throws(() => maxPoolQuantized(a, { shape: [1, 4, 1], kernel: [5] }), /"kernel"/);
});

test.run();
