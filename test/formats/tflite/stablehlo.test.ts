import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../../src/core/tensor.ts';
import { readModel } from '../../../src/formats/index.ts';
import type { BuiltinOptions2 } from '../../../src/formats/tflite/records.ts';
import { verify } from '../../../src/ir/index.ts';
import { createSession } from '../../../src/runtime/index.ts';
import { fed, fileOf, type OneOperator, type Operand } from './one-operator.ts';

/** Operators of StableHLO in TFLite files, by the examples and definitions of its specification: the runtimes here do
 *  not have them. */

const stablehlo = suite('tflite stablehlo');

const real = (values: number[], dims: number[] = [values.length]): Operand => ({
  tensor: new Tensor('float32', Float32Array.from(values), dims),
});
const whole = (values: number[], dims: number[] = [values.length]): Operand => ({
  tensor: new Tensor('int32', Int32Array.from(values), dims),
});
const long = (...values: number[]): BigInt64Array => BigInt64Array.from(values, BigInt);
const table = (rows: number, columns: number): Operand =>
  real(
    Array.from({ length: rows * columns }, (_, i) => i),
    [rows, columns],
  );

type Case = [
  op: string,
  inputs: Operand[],
  options: BuiltinOptions2 | null,
  shape: number[],
  expected: number[],
  type?: Tensor['type'],
];

const cases: Case[] = [
  [
    'STABLEHLO_BROADCAST_IN_DIM',
    [real([1, 2], [2])],
    {
      type: 'StablehloBroadcastInDimOptions',
      value: { broadcastDimensions: long(0) },
    },
    [2, 3],
    [1, 1, 1, 2, 2, 2],
  ],
  [
    'STABLEHLO_SLICE',
    [table(3, 4)],
    {
      type: 'StablehloSliceOptions',
      value: { startIndices: long(1, 0), limitIndices: long(3, 4), strides: long(1, 2) },
    },
    [2, 2],
    [4, 6, 8, 10],
  ],
  [
    'STABLEHLO_DYNAMIC_SLICE',
    [table(3, 4), whole([5], []), whole([1], [])],
    { type: 'StablehloDynamicSliceOptions', value: { sliceSizes: long(2, 2) } },
    [2, 2],
    [5, 6, 9, 10],
  ],
  [
    'STABLEHLO_PAD',
    [real([1, 2, 3]), { ...real([9], []), isConstant: true }],
    {
      type: 'StablehloPadOptions',
      value: { edgePaddingLow: long(2), edgePaddingHigh: long(1), interiorPadding: long(0) },
    },
    [6],
    [9, 9, 1, 2, 3, 9],
  ],
  [
    'STABLEHLO_IOTA',
    [],
    { type: 'StablehloIotaOptions', value: { iotaDimension: 1n } },
    [2, 3],
    [0, 1, 2, 0, 1, 2],
  ],
  [
    'STABLEHLO_DOT_GENERAL',
    [real([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]), real([1, 0, 0, 1, 1, 0, 0, 1], [2, 2, 2])],
    {
      type: 'StablehloDotGeneralOptions',
      value: {
        lhsBatchingDimensions: long(0),
        rhsBatchingDimensions: long(0),
        lhsContractingDimensions: long(2),
        rhsContractingDimensions: long(1),
      },
    },
    [2, 2, 2],
    [1, 2, 3, 4, 5, 6, 7, 8],
  ],
  [
    'STABLEHLO_COMPARE',
    [real([1, 2, 3]), real([3, 2, 1])],
    { type: 'StablehloCompareOptions', value: { comparisonDirection: 2 } },
    [3],
    [0, 1, 1],
    'bool',
  ],
  ['STABLEHLO_CLAMP', [real([0], []), real([-1, 0.5, 2]), real([1], [])], null, [3], [0, 0.5, 1]],
  [
    'STABLEHLO_REMAINDER',
    [whole([17, 18, -17, -18]), whole([3, 4, 3, 4])],
    null,
    [4],
    [2, 2, -2, -2],
    'int32',
  ],
  ['STABLEHLO_CBRT', [real([0, 1, 8, -27])], null, [4], [0, 1, 2, -3]],
  ['STABLEHLO_RSQRT', [real([1, 4, 16])], null, [3], [1, 0.5, 0.25]],
  ['STABLEHLO_CONVERT', [whole([-1, 0, 7])], null, [3], [-1, 0, 7]],
  [
    'STABLEHLO_TRANSPOSE',
    [table(2, 3)],
    { type: 'StablehloTransposeOptions', value: { permutation: long(1, 0) } },
    [3, 2],
    [0, 3, 1, 4, 2, 5],
  ],
  [
    'STABLEHLO_CONCATENATE',
    [table(2, 1), table(2, 2)],
    { type: 'StablehloConcatenateOptions', value: { dimension: 1n } },
    [2, 3],
    [0, 0, 1, 1, 2, 3],
  ],
  ['STABLEHLO_RESHAPE', [table(2, 3)], null, [3, 2], [0, 1, 2, 3, 4, 5]],
  ['STABLEHLO_MAXIMUM', [real([1, 5]), real([3, 2])], null, [2], [3, 5]],
  ['STABLEHLO_NEGATE', [whole([1, -5])], null, [2], [-1, 5], 'int32'],
  ['STABLEHLO_POWER', [real([2, 3]), real([3, 2])], null, [2], [8, 9]],
];

for (const [op, inputs, options2, shape, expected, type = 'float32'] of cases) {
  stablehlo(op, async () => {
    const item: OneOperator = {
      op,
      inputs,
      outputs: [{ type, shape }],
      ...(options2 === null ? {} : { options2 }),
    };
    const model = await readModel(fileOf(item));
    verify(model);
    assert.not.ok(
      model.graph.nodes.some(({ domain }) => domain === 'tflite'),
      'it is opaque',
    );
    const session = await createSession(model);
    const feeds = fed(item);
    const results = session.run(
      Object.fromEntries(session.inputs.map(({ name }, i) => [name, feeds[i]!])),
    );
    const got = results[session.outputs[0]!.name]!;
    assert.equal(got.dims, shape);
    Array.from(got.data as Float32Array, Number).forEach((value, i) => {
      assert.ok(
        Math.abs(value - expected[i]!) <= 1e-6 * Math.max(1, Math.abs(expected[i]!)),
        `[${i}] is ${value}`,
      );
    });
    session.dispose();
  });
}

stablehlo.run();
