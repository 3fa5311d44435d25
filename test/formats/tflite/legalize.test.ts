import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../../src/core/tensor.ts';
import { readModel, type WriteOptions, writeModel } from '../../../src/formats/index.ts';
import type { NodeProto } from '../../../src/formats/onnx/proto.ts';
import { makeTensor } from '../../../src/formats/onnx/tensor.ts';
import type { QuantizationChange } from '../../../src/formats/quantization-change.ts';
import { decodeTflite } from '../../../src/formats/tflite/codec.ts';
import { builtinOperators } from '../../../src/formats/tflite/schema-table.ts';
import { evaluateNode } from '../../../src/runtime/evaluate-node.ts';
import { floats, info, modelBytes, node, noise } from '../../build-model.ts';
import { runModel } from '../../ort.ts';
import { closeTflite, runTflite } from '../../peers/tflite.ts';

const x = suite("TFLite's rules for quantized operators");

x.after(closeTflite);

type Graph = Parameters<typeof modelBytes>[0];
type Levels = 'int8' | 'uint8' | 'int32';

function levels(name: string, type: Levels, values: readonly number[], dims = [values.length]) {
  const wide = Int32Array.from(values);
  const bytes =
    type === 'int32' ? new Uint8Array(wide.buffer) : Uint8Array.from(wide, (v) => v & 255);
  return makeTensor(name, type, dims, bytes);
}

const parameters = (name: string, scale: number, zero: number, type: Levels = 'int8') => [
  floats(`${name}_s`, [], [scale]),
  levels(`${name}_z`, type, [zero], []),
];

const q = (from: string, to: string, by = to): NodeProto =>
  node('QuantizeLinear', [from, `${by}_s`, `${by}_z`], [`${to}_q`]);
const dq = (to: string, by = to): NodeProto =>
  node('DequantizeLinear', [`${to}_q`, `${by}_s`, `${by}_z`], [`${to}_d`]);
/** x → levels of a name → what they stand for. */
const around = (from: string, to: string, by = to): NodeProto[] => [q(from, to, by), dq(to, by)];

interface Written {
  changes: QuantizationChange[];
  operators: string[];
  /** Largest difference from onnxruntime, in steps of the output. */
  steps: number;
  /** Share of elements that differ. */
  others: number;
}

async function file(
  bytes: Uint8Array,
  options: WriteOptions,
): Promise<{ file: Uint8Array; operators: string[] }> {
  const model = await readModel(bytes);
  const file = await writeModel(model, { format: 'tflite', evaluate: evaluateNode, ...options });
  const { subgraphs = [], operatorCodes = [] } = decodeTflite(file);
  const operators = (subgraphs[0]!.operators ?? []).map(({ opcodeIndex = 0 }) => {
    const { builtinCode = 0, deprecatedBuiltinCode = 0 } = operatorCodes[opcodeIndex]!;
    return builtinOperators[Math.max(builtinCode, deprecatedBuiltinCode)]!;
  });
  return { file, operators };
}

async function written(graph: Graph, dims: readonly number[], step: number): Promise<Written> {
  const bytes = modelBytes(graph);
  const changes: QuantizationChange[] = [];
  const onQuantization = (change: QuantizationChange) => changes.push(change);
  const { file: made, operators } = await file(bytes, { onQuantization });
  const count = dims.reduce((a, b) => a * b, 1);
  const feed = new Tensor('float32', noise(count, 8, 1.2), dims);
  const [expected] = Object.values(await runModel(bytes, { x: feed }));
  const actual = (await runTflite(made, [feed])).outputs[0]!;
  const [a, b] = [expected!.data as Float32Array, actual.data as Float32Array];
  assert.equal(actual.dims, expected!.dims);
  let steps = 0;
  let others = 0;
  a.forEach((value, i) => {
    const difference = Math.abs(value - b[i]!) / step;
    steps = Math.max(steps, difference);
    if (difference > 0.01) others++;
  });
  return { changes, operators, steps, others: others / a.length };
}

const kinds = ({ changes }: Written): string[] => changes.map(({ kind }) => kind);

/** [4, 6] · [6, 5] + b with weights of a type, between levels of another. */
function dense(
  weights: readonly ReturnType<typeof levels>[],
  axis: number | null,
  zero: number,
  type: 'int8' | 'uint8',
): Graph {
  return {
    input: [info('x', [4, 6])],
    output: [info('y_d', [4, 5])],
    initializer: [
      ...parameters('x', 0.03, zero, type),
      ...parameters('y', 0.06, zero, type),
      ...weights,
      levels('b', 'int32', [100, -50, 3, 900, -700]),
      floats('b_s', [], [0.03 * 0.02]),
    ],
    node: [
      ...around('x', 'x'),
      node('DequantizeLinear', ['w', 'w_s', 'w_z'], ['w_d'], axis === null ? {} : { axis }),
      node('DequantizeLinear', ['b', 'b_s'], ['b_d']),
      node('Gemm', ['x_d', 'w_d', 'b_d'], ['y'], { transB: 1 }),
      ...around('y', 'y'),
    ],
  };
}

const matrix = Array.from({ length: 30 }, (_, i) => ((i * 37) % 255) - 127);

x('uint8 values beside int8 weights become int8, exactly', async () => {
  const weights = [levels('w', 'int8', matrix, [5, 6]), ...parameters('w', 0.02, 0)];
  const result = await written(dense(weights, null, 120, 'uint8'), [4, 6], 0.06);
  assert.equal(kinds(result), ['shifted']);
  assert.equal(result.operators, ['QUANTIZE', 'FULLY_CONNECTED', 'DEQUANTIZE']);
  assert.ok(result.steps <= 1.01 && result.others <= 0.05, `${result.steps} ${result.others}`);
});

x('uint8 weights with one scale stay beside uint8 values', async () => {
  const shifted = matrix.map((level) => level + 127);
  const weights = [levels('w', 'uint8', shifted, [5, 6]), ...parameters('w', 0.02, 117, 'uint8')];
  const result = await written(dense(weights, null, 120, 'uint8'), [4, 6], 0.06);
  assert.equal(result.changes, []);
  assert.equal(result.operators, ['QUANTIZE', 'FULLY_CONNECTED', 'DEQUANTIZE']);
  assert.ok(result.steps <= 1.01 && result.others <= 0.05, `${result.steps} ${result.others}`);
});

x('weights with a scale for each output are a convolution, exactly', async () => {
  const weights = [
    levels('w', 'int8', matrix, [5, 6]),
    floats('w_s', [5], [0.02, 0.02, 0.02, 0.02, 0.02]),
    levels('w_z', 'int8', [0, 0, 0, 0, 0]),
  ];
  const result = await written(dense(weights, 0, -3, 'int8'), [4, 6], 0.06);
  assert.equal(kinds(result), ['reshaped']);
  assert.equal(result.changes[0]!.error, 0);
  assert.ok(result.operators.includes('CONV_2D'));
  const newer = await file(modelBytes(dense(weights, 0, -3, 'int8')), { minRuntime: '2.17' });
  assert.equal(newer.operators, ['QUANTIZE', 'FULLY_CONNECTED', 'DEQUANTIZE']);
  assert.ok(result.steps <= 1.01 && result.others <= 0.05, `${result.steps} ${result.others}`);
});

x('weights that are not symmetric are quantized anew, which is said', async () => {
  const weights = [levels('w', 'int8', matrix, [5, 6]), ...parameters('w', 0.02, 9)];
  const result = await written(dense(weights, null, -3, 'int8'), [4, 6], 0.06);
  assert.ok(kinds(result).includes('weights'), kinds(result).join());
  const error = result.changes.find(({ kind }) => kind === 'weights')!.error;
  assert.ok(error > 0 && error <= 0.02, `${error}`);
  assert.ok(result.steps <= 2.01, `${result.steps}`);
});

/** One function between levels. */
const single = (op: string, scale: number, zero: number): Graph => ({
  input: [info('x', [2, 40])],
  output: [info('y_d', [2, 40])],
  initializer: [...parameters('x', 0.04, 5), ...parameters('y', scale, zero)],
  node: [...around('x', 'x'), node(op, ['x_d'], ['y']), ...around('y', 'y')],
});

x('functions whose levels are fixed: as they are, or quantized twice', async () => {
  for (const [op, scale, zero, operator] of [
    ['Softmax', 1 / 256, -128, 'SOFTMAX'],
    ['Sigmoid', 1 / 256, -128, 'LOGISTIC'],
    ['Tanh', 1 / 128, 0, 'TANH'],
  ] as const) {
    const fixed = await written(single(op, scale, zero), [2, 40], scale);
    assert.equal(fixed.changes, [], op);
    assert.equal(fixed.operators, ['QUANTIZE', operator, 'DEQUANTIZE']);
    assert.ok(fixed.steps <= 1.01, `${op} ${fixed.steps}`);
    const other = await written(single(op, 1.1 / 128, 0), [2, 40], 1.1 / 128);
    assert.equal(kinds(other), ['requantized'], op);
    assert.equal(other.operators, ['QUANTIZE', operator, 'QUANTIZE', 'DEQUANTIZE']);
    assert.ok(other.steps <= 1.01, `${op} ${other.steps}`);
  }
});

/** A convolution and a clamp, both between levels of their own. */
const clamped = (zero: number, ...clamp: NodeProto[]): Graph => ({
  input: [info('x', [1, 2, 4, 4])],
  output: [info('y_d', [1, 3, 4, 4])],
  initializer: [
    ...parameters('x', 0.03, 5),
    ...parameters('c', 0.05, zero),
    levels('w', 'int8', [90, -30, 20, 127, -127, 64], [3, 2, 1, 1]),
    ...parameters('w', 0.02, 0),
    floats('low', [], [-1]),
    floats('high', [], [1]),
  ],
  node: [
    ...around('x', 'x'),
    node('DequantizeLinear', ['w', 'w_s', 'w_z'], ['w_d']),
    node('Conv', ['x_d', 'w_d'], ['c']),
    ...around('c', 'c'),
    ...clamp,
    ...around('y', 'y', 'c'),
  ],
});

x('clamps between the same levels are part of the operator before them, or nothing', async () => {
  const relu = node('Relu', ['c_d'], ['y']);
  const clip = node('Clip', ['c_d', 'low', 'high'], ['y']);
  for (const graph of [clamped(-128, relu), clamped(-9, relu), clamped(3, clip)]) {
    const result = await written(graph, [1, 2, 4, 4], 0.05);
    assert.equal(result.changes, []);
    const moves = ['QUANTIZE', 'TRANSPOSE', 'DEQUANTIZE'];
    assert.equal(
      result.operators.filter((name) => !moves.includes(name)),
      ['CONV_2D'],
    );
    assert.ok(result.steps <= 1.01 && result.others <= 0.05, `${result.steps} ${result.others}`);
  }
});

x('what TFLite has no integers for computes with real numbers', async () => {
  const result = await written(single('Sin', 1 / 128, 0), [2, 40], 1 / 128);
  assert.equal(kinds(result), ['real']);
  assert.equal(result.operators, ['QUANTIZE', 'DEQUANTIZE', 'SIN', 'QUANTIZE', 'DEQUANTIZE']);
  assert.ok(result.steps <= 0.01, `${result.steps}`);
});

x('dynamically quantized products are exact', async () => {
  const graph: Graph = {
    input: [info('x', [4, 6])],
    output: [info('y', [4, 5])],
    initializer: [
      levels('w', 'int8', matrix, [6, 5]),
      levels('w_z', 'int8', [3], []),
      floats('w_s', [], [0.02]),
    ],
    node: [
      node('DynamicQuantizeLinear', ['x'], ['a', 'a_s', 'a_z']),
      node('MatMulInteger', ['a', 'w', 'a_z', 'w_z'], ['p']),
      node('Cast', ['p'], ['f'], { to: 1 }),
      node('Mul', ['a_s', 'w_s'], ['s']),
      node('Mul', ['f', 's'], ['y']),
    ],
  };
  const result = await written(graph, [4, 6], 1);
  assert.ok(result.steps <= 1e-6, `${result.steps}`);
});

x.run();
