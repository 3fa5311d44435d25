import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CompressResult, compress, rangesLike } from '../../src/compress/index.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { decodeTflite } from '../../src/formats/tflite/codec.ts';
import type { ModelRecord, TensorRecord } from '../../src/formats/tflite/records.ts';
import { builtinOperators, tensorTypes } from '../../src/formats/tflite/schema-table.ts';
import { sharedFile } from '../shared.ts';

/** What TFLite's converter made of the models of MLPerf Tiny is made again, number by number. */

const x = suite('parameters as of the TFLite converter');

const folder = 'tflite-models/mlperf-tiny';

interface Linear {
  input: TensorRecord;
  weights: TensorRecord;
  bias: TensorRecord;
  output: TensorRecord;
}

const linear = ['CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED'];

function namesOf({ operatorCodes, subgraphs }: ModelRecord): string[] {
  return (subgraphs?.[0]?.operators ?? []).map(({ opcodeIndex = 0 }) => {
    const { builtinCode = 0, deprecatedBuiltinCode = 0 } = operatorCodes![opcodeIndex]!;
    return builtinOperators[Math.max(builtinCode, deprecatedBuiltinCode)]!;
  });
}

/** Products with weights, in their order. */
function productsOf(file: ModelRecord): Linear[] {
  const { tensors, operators } = file.subgraphs![0]!;
  const names = namesOf(file);
  return operators!.flatMap(({ inputs, outputs }, i) => {
    if (!linear.includes(names[i]!)) return [];
    const [input, weights, bias] = Array.from(inputs!, (index) => tensors![index]!);
    return [{ input: input!, weights: weights!, bias: bias!, output: tensors![outputs![0]!]! }];
  });
}

interface Agreement {
  same: number;
  of: number;
}

function agreement(a: ArrayLike<number>, b: ArrayLike<number>): Agreement {
  assert.is(a.length, b.length);
  const flags = Array.from(a, (value, i): number => (value === b[i] ? 1 : 0));
  return { same: flags.reduce((sum, flag) => sum + flag, 0), of: flags.length };
}

const bytesOf = (file: ModelRecord, tensor: TensorRecord): Uint8Array =>
  file.buffers![tensor.buffer!]!.data!.slice();

/** How much of a published file is the same in ours. */
function compareFiles(ours: ModelRecord, published: ModelRecord): Record<string, Agreement> {
  const found: Record<string, Agreement> = {};
  const add = (what: string, { same, of }: Agreement): void => {
    const sum = found[what] ?? { same: 0, of: 0 };
    found[what] = { same: sum.same + same, of: sum.of + of };
  };
  const others = productsOf(published);
  const own = productsOf(ours);
  assert.is(own.length, others.length);
  own.forEach((a, i) => {
    const b = others[i]!;
    const integers = (file: ModelRecord, { weights, bias }: Linear): [Int8Array, Int32Array] => [
      new Int8Array(bytesOf(file, weights).buffer),
      new Int32Array(bytesOf(file, bias).buffer),
    ];
    const [weights, bias] = integers(ours, a);
    const [publishedWeights, publishedBias] = integers(published, b);
    add('weights', agreement(weights, publishedWeights));
    add('biases', agreement(bias, publishedBias));
    add('scales', agreement(a.weights.quantization!.scale!, b.weights.quantization!.scale!));
    add('bias scales', agreement(a.bias.quantization!.scale!, b.bias.quantization!.scale!));
    for (const end of ['input', 'output'] as const) {
      const [p, q] = [a[end].quantization!, b[end].quantization!];
      add('activations', agreement([p.scale![0]!], [q.scale![0]!]));
      add('activations', agreement([Number(p.zeroPoint![0])], [Number(q.zeroPoint![0])]));
    }
  });
  return found;
}

async function remade(
  float: Uint8Array,
  twin: Uint8Array,
): Promise<CompressResult & { file: ModelRecord; bytes: Uint8Array }> {
  const model = await readModel(float);
  const ranges = await rangesLike(await readModel(twin), model);
  const quantize = { weights: 'int8', scheme: 'tflite', ranges, ioTypes: 'int8' } as const;
  const result = await compress(model, { quantize });
  const bytes = await writeModel(result.model);
  return { ...result, bytes, file: decodeTflite(bytes) };
}

for (const name of ['ad_autoencoder', 'ic_resnet8', 'vww_mobilenet']) {
  x(`${name}: every scale, weight and bias of the published file`, async () => {
    const [float, twin] = ['fp32', 'int8'].map((kind) =>
      sharedFile(`${folder}/${name}_${kind}.tflite`),
    );
    if (float == null || twin == null) return;
    const { file, bytes, report } = await remade(float, twin);
    const published = decodeTflite(twin);
    const found = compareFiles(file, published);
    for (const [what, { same, of }] of Object.entries(found)) assert.is(same, of, what);
    assert.equal(namesOf(file), namesOf(published));
    const typeOf = ({ subgraphs }: ModelRecord, end: 'inputs' | 'outputs'): string => {
      const { tensors, ...graph } = subgraphs![0]!;
      return tensorTypes[tensors![graph[end]![0]!]!.type ?? 0]!;
    };
    assert.is(typeOf(file, 'inputs'), 'INT8');
    assert.is(typeOf(file, 'outputs'), 'INT8');
    assert.equal(report.activations?.real, []);
    assert.equal(report.warnings, []);
    assert.ok(bytes.length <= twin.length, `${bytes.length} of ${twin.length} bytes`);
  });
}

x.run();
