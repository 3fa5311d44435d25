import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DType } from '../../../src/core/dtype.ts';
import { Tensor } from '../../../src/core/tensor.ts';
import { readModel, writeModel } from '../../../src/formats/index.ts';
import { decodeTflite } from '../../../src/formats/tflite/codec.ts';
import { builtinOperators } from '../../../src/formats/tflite/schema-table.ts';
import { type Attribute, constantOfTensor } from '../../../src/ir/index.ts';
import { evaluateNode } from '../../../src/runtime/evaluate-node.ts';
import { disagreement } from '../../conversions/agree.ts';
import { makeOnnx } from '../../onnx-model.ts';
import { runModel } from '../../ort.ts';
import { closeTflite, runTflite } from '../../peers/tflite.ts';

/** Operators in the forms that TFLite's differ in: what tfjs-tflite makes of the file is what onnxruntime computes. */
const rows = suite('rows that write TFLite operators');
rows.after(closeTflite);

type Plain = number | string | readonly number[];

interface Case {
  name: string;
  op: string;
  /** Sizes of the input that is fed. */
  input: readonly number[];
  /** Sizes of constant reals, or a constant. */
  constants?: readonly (readonly number[] | Tensor | null)[];
  attributes?: Readonly<Record<string, Plain>>;
  outputs?: readonly DType[];
  /** What the file has. */
  operators: readonly string[];
  minRuntime?: string;
  inputType?: DType;
}

const int64 = (...values: number[]): Tensor => new Tensor('int64', values, [values.length]);
const float32 = (...values: number[]): Tensor => new Tensor('float32', values, [values.length]);

const cases: readonly Case[] = [
  {
    name: 'padding that is SAME',
    op: 'Conv',
    input: [1, 3, 8, 8],
    constants: [[4, 3, 3, 3], [4]],
    attributes: { pads: [1, 1, 1, 1] },
    operators: ['TRANSPOSE', 'CONV_2D', 'TRANSPOSE'],
  },
  {
    name: 'padding that SAME puts elsewhere',
    op: 'Conv',
    input: [1, 3, 8, 8],
    constants: [[4, 3, 3, 3]],
    attributes: { pads: [1, 1, 1, 1], strides: [2, 2] },
    operators: ['TRANSPOSE', 'PAD', 'CONV_2D', 'TRANSPOSE'],
  },
  {
    name: 'a multiplier of channels',
    op: 'Conv',
    input: [1, 3, 7, 7],
    constants: [[6, 1, 3, 3], [6]],
    attributes: { group: 3, dilations: [2, 2] },
    operators: ['TRANSPOSE', 'DEPTHWISE_CONV_2D', 'TRANSPOSE'],
  },
  {
    name: 'groups',
    op: 'Conv',
    input: [1, 4, 6, 6],
    constants: [[6, 2, 3, 3], [6]],
    attributes: { group: 2 },
    operators: ['TRANSPOSE', 'CONV_2D', 'TRANSPOSE'],
  },
  {
    name: 'groups for a runtime that has none',
    op: 'Conv',
    input: [1, 4, 6, 6],
    constants: [[6, 2, 3, 3], [6]],
    attributes: { group: 2 },
    minRuntime: '2.3',
    operators: ['TRANSPOSE', 'SLICE', 'CONV_2D', 'SLICE', 'CONV_2D', 'CONCATENATION', 'TRANSPOSE'],
  },
  {
    name: 'lines',
    op: 'Conv',
    input: [2, 3, 9],
    constants: [[4, 3, 3], [4]],
    attributes: { pads: [1, 1] },
    operators: ['TRANSPOSE', 'RESHAPE', 'CONV_2D', 'RESHAPE', 'TRANSPOSE'],
  },
  {
    name: 'volumes',
    op: 'Conv',
    input: [1, 2, 4, 5, 6],
    constants: [[3, 2, 2, 2, 2]],
    operators: ['TRANSPOSE', 'CONV_3D', 'TRANSPOSE'],
  },
  {
    name: 'with more at the end',
    op: 'ConvTranspose',
    input: [1, 3, 5, 5],
    constants: [[3, 2, 3, 3], [2]],
    attributes: { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
    operators: ['TRANSPOSE', 'TRANSPOSE_CONV', 'SLICE', 'TRANSPOSE'],
  },
  {
    name: 'that ends beyond the image',
    op: 'MaxPool',
    input: [1, 2, 8, 8],
    attributes: { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 },
    operators: ['TRANSPOSE', 'MAX_POOL_2D', 'TRANSPOSE'],
  },
  {
    name: 'of what is inside the image',
    op: 'AveragePool',
    input: [1, 2, 8, 8],
    attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    operators: ['TRANSPOSE', 'PAD', 'AVERAGE_POOL_2D', 'MUL', 'TRANSPOSE'],
  },
  {
    name: 'of volumes',
    op: 'MaxPool',
    input: [1, 2, 4, 6, 6],
    attributes: { kernel_shape: [2, 2, 2], strides: [2, 2, 2] },
    operators: [
      'TRANSPOSE',
      'RESHAPE',
      'MAX_POOL_2D',
      'RESHAPE',
      'MAX_POOL_2D',
      'RESHAPE',
      'TRANSPOSE',
    ],
  },
  {
    name: 'nearest, ties down',
    op: 'Resize',
    input: [1, 2, 4, 4],
    constants: [null, float32(1, 1, 2, 2)],
    attributes: { mode: 'nearest' },
    operators: ['TRANSPOSE', 'RESIZE_NEAREST_NEIGHBOR', 'TRANSPOSE'],
  },
  {
    name: 'nearest, as TFLite does not',
    op: 'Resize',
    input: [1, 2, 4, 4],
    constants: [null, float32(1, 1, 2, 2)],
    attributes: {
      mode: 'nearest',
      nearest_mode: 'ceil',
      coordinate_transformation_mode: 'asymmetric',
    },
    operators: ['TRANSPOSE', 'GATHER', 'GATHER', 'TRANSPOSE'],
  },
  {
    name: 'linear',
    op: 'Resize',
    input: [1, 2, 4, 4],
    constants: [null, float32(1, 1, 2, 2)],
    attributes: { mode: 'linear' },
    operators: ['TRANSPOSE', 'RESIZE_BILINEAR', 'TRANSPOSE'],
  },
  {
    name: 'cubic',
    op: 'Resize',
    input: [1, 2, 4, 4],
    constants: [null, float32(1, 1, 2, 2)],
    attributes: { mode: 'cubic' },
    operators: [
      'TRANSPOSE',
      'TRANSPOSE',
      'FULLY_CONNECTED',
      'TRANSPOSE',
      'TRANSPOSE',
      'FULLY_CONNECTED',
      'TRANSPOSE',
      'TRANSPOSE',
    ],
  },
  {
    name: 'of six axes',
    op: 'Transpose',
    input: [2, 3, 2, 2, 3, 2],
    attributes: { perm: [5, 1, 3, 0, 4, 2] },
    operators: [
      'RESHAPE',
      'TRANSPOSE',
      'RESHAPE',
      'TRANSPOSE',
      'RESHAPE',
      'TRANSPOSE',
      'RESHAPE',
      'TRANSPOSE',
      'RESHAPE',
    ],
  },
  {
    name: 'from the end',
    op: 'Gather',
    input: [4, 3],
    constants: [int64(-1, 0)],
    operators: ['GATHER'],
  },
  {
    name: 'of the smallest',
    op: 'TopK',
    input: [2, 5],
    constants: [int64(3)],
    attributes: { largest: 0 },
    outputs: ['float32', 'int64'],
    operators: ['NEG', 'TOPK_V2', 'NEG', 'MAXIMUM', 'CAST'],
  },
  {
    name: 'with what is at the edge',
    op: 'Pad',
    input: [2, 3],
    constants: [int64(0, 1, 0, 2)],
    attributes: { mode: 'edge' },
    operators: ['GATHER'],
  },
  {
    name: 'backwards',
    op: 'Slice',
    input: [4, 5],
    constants: [int64(-1), int64(-100), int64(1), int64(-2)],
    operators: ['STRIDED_SLICE'],
  },
  {
    name: 'over axes in the middle',
    op: 'Softmax',
    input: [2, 3, 4],
    attributes: { axis: 1 },
    operators: ['TRANSPOSE', 'SOFTMAX', 'TRANSPOSE'],
  },
  {
    name: 'of more axes than are broadcast',
    op: 'Add',
    input: [2, 1, 3, 1, 2, 2],
    constants: [[2, 3, 3, 1, 1, 2]],
    operators: ['BROADCAST_TO', 'BROADCAST_TO', 'ADD'],
  },
  { name: 'of real numbers', op: 'Erf', input: [64], operators: [] },
  ...[
    ['ij,jk->ik', [3, 4], [4, 5]],
    ['ij->ji', [3, 4]],
    ['bij,bkj->bki', [2, 3, 4], [2, 5, 4]],
    ['...ij,jk', [2, 3, 4], [4, 5]],
    ['bhwc,hkc->bhwk', [2, 3, 4, 5], [3, 4, 5]],
    ['ij,kl->i', [3, 4], [2, 2]],
    ['i,j->ij', [3], [4]],
    ['ij,jk,kl->il', [2, 3], [3, 4], [4, 2]],
  ].map(([equation, input, ...constants]): Case => {
    const name = equation as string;
    const sizes = constants as (readonly number[])[];
    const attributes = { equation: name };
    return {
      name,
      op: 'Einsum',
      input: input as number[],
      constants: sizes,
      attributes,
      operators: [],
    };
  }),
];

function attributesOf(attributes: Readonly<Record<string, Plain>>): [string, Attribute][] {
  return Object.entries(attributes).map(([name, value]) => {
    if (typeof value === 'number') return [name, { type: 'int', value: BigInt(value) }];
    if (typeof value === 'string') return [name, { type: 'string', value }];
    return [name, { type: 'ints', value: value.map(BigInt) }];
  });
}

/** Numbers without a pattern that would hide a wrong order. */
function numbers(dims: readonly number[], seed: number): Tensor {
  const count = dims.reduce((a, b) => a * b, 1);
  const values = Array.from({ length: count }, (_, i) => (((i + seed) * 7919) % 199) / 64 - 1.5);
  return new Tensor('float32', values, dims);
}

for (const item of cases) {
  rows(`${item.op} ${item.name}`, async () => {
    const { op, input, constants = [], attributes = {}, outputs = ['float32'] } = item;
    const given = constants.map((part, i) =>
      part === null || part instanceof Tensor ? part : numbers(part, i + 1),
    );
    const names = given.map((part, i) => (part === null ? '' : `c${i}`));
    const results = outputs.map((_, i) => `y${i}`);
    const file = makeOnnx({
      opset: 18,
      nodes: [
        { op, inputs: ['x', ...names], outputs: results, attributes: attributesOf(attributes) },
      ],
      inputs: { x: ['float32', input] },
      outputs: Object.fromEntries(results.map((name, i) => [name, outputs[i]!])),
      constants: Object.fromEntries(
        given.flatMap((part, i) => (part === null ? [] : [[`c${i}`, constantOfTensor(part)]])),
      ),
    });
    const x = numbers(input, 5);
    const expected = await runModel(file, { x });
    const { minRuntime } = item;
    const bytes = await writeModel(await readModel(file), {
      format: 'tflite',
      evaluate: evaluateNode,
      ...(minRuntime === undefined ? {} : { minRuntime }),
    });
    const { operatorCodes = [], subgraphs = [] } = decodeTflite(bytes);
    const operators = (subgraphs[0]!.operators ?? []).map(
      ({ opcodeIndex = 0 }) => builtinOperators[operatorCodes[opcodeIndex]!.builtinCode ?? 0]!,
    );
    if (item.operators.length > 0) assert.equal(operators, [...item.operators]);
    const run = await runTflite(bytes, [x]);
    results.forEach((name, i) => {
      assert.is(disagreement(run.outputs[i]!, expected[name]!, { share: 1e-5, quanta: 0 }), null);
    });
  });
}

rows.run();
