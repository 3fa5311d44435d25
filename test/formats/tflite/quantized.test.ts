import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../../src/core/tensor.ts';
import { readModel, writeModel } from '../../../src/formats/index.ts';
import type { QuantizationChange } from '../../../src/formats/quantization-change.ts';
import { decodeTflite } from '../../../src/formats/tflite/codec.ts';
import type { ModelRecord } from '../../../src/formats/tflite/records.ts';
import { builtinOperators, tensorTypes } from '../../../src/formats/tflite/schema-table.ts';
import { evaluateNode } from '../../../src/runtime/evaluate-node.ts';
import { runModel } from '../../ort.ts';
import { closeTflite, runTflite } from '../../peers/tflite.ts';
import { sharedFile } from '../../shared.ts';
import { tfliteReferences } from '../../tflite-refs.ts';

const x = suite('quantized TFLite ↔ ONNX');

x.after(closeTflite);

/** Integer models from end to end, whose operators TFLite and ONNX both have. */
const models = [
  'mlperf-tiny/ic_resnet8_int8.tflite',
  'mlperf-tiny/kws_dscnn_int8.tflite',
  'mlperf-tiny/ad_autoencoder_int8.tflite',
  'mlperf-tiny/vww_mobilenet_int8.tflite',
  'tflm/hello_world_int8.tflite',
  'tflm/micro_speech_quantized.tflite',
  'tflm/simple_add_model.tflite',
  'coral/mobilenet_v1_0.25_128_quant.tflite',
  'coral/mobilenet_v2_1.0_224_quant.tflite',
  'coral/split_concat.tflite',
  'litert/mul_quant.tflite',
];

const small = models.filter((model) => !/v2_1.0|vww/.test(model));

const references = tfliteReferences();
const first = (model: string) => references.find((item) => item.model === model);

function operators({ subgraphs = [], operatorCodes = [] }: ModelRecord): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { opcodeIndex = 0 } of subgraphs[0]!.operators ?? []) {
    const { builtinCode = 0, deprecatedBuiltinCode = 0 } = operatorCodes[opcodeIndex]!;
    const name = builtinOperators[Math.max(builtinCode, deprecatedBuiltinCode)]!;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Quantized constants: type, bytes, scales and zero points; quantized values: type, scale and zero point. */
function parameters({ subgraphs = [], buffers = [] }: ModelRecord): string[] {
  const rows = (subgraphs[0]!.tensors ?? []).flatMap(({ type = 0, buffer = 0, quantization }) => {
    if ((quantization?.scale?.length ?? 0) === 0) return [];
    const { scale, zeroPoint } = quantization!;
    const bytes = buffers[buffer]?.data ?? new Uint8Array(0);
    const digest = createHash('sha256').update(bytes).digest('hex');
    return [`${tensorTypes[type]} ${[...scale!]} ${nonZero(zeroPoint)} ${digest}`];
  });
  return [...new Set(rows)].sort();
}

/** Zero points; none at all where all are 0, which files may leave out. */
function nonZero(zeroPoint: BigInt64Array | undefined): string {
  return zeroPoint?.some((zero) => zero !== 0n) === true ? [...zeroPoint].join() : '';
}

for (const model of models) {
  x(`${model} by way of ONNX: the same weights, parameters and results`, async () => {
    const item = first(model);
    if (item === undefined) return;
    const onnx = await writeModel(await readModel(item.bytes), { format: 'onnx' });
    const changes: QuantizationChange[] = [];
    const back = await writeModel(await readModel(onnx), {
      format: 'tflite',
      evaluate: evaluateNode,
      onQuantization: (change) => changes.push(change),
    });
    assert.equal(changes, []);
    const [before, after] = [decodeTflite(item.bytes), decodeTflite(back)];
    const counts = operators(after);
    if (!model.includes('micro_speech')) {
      assert.equal(counts, operators(before));
      assert.equal(parameters(after), parameters(before));
    }
    assert.not.ok('QUANTIZE' in counts || 'DEQUANTIZE' in counts);
    const [theirs, ours] = [
      await runTflite(item.bytes, item.inputs),
      await runTflite(back, item.inputs),
    ];
    theirs.outputs.forEach((tensor, index) => {
      assert.equal(ours.outputs[index]!.dims, tensor.dims);
      assert.equal(ours.outputs[index]!.data, tensor.data);
    });
  });
}

for (const quantizationForm of ['qdq', 'qoperator'] as const) {
  x(`ONNX of them (${quantizationForm}) in onnxruntime: one level apart at most`, async () => {
    for (const model of small) {
      const item = first(model);
      if (item === undefined) return;
      const source = await readModel(item.bytes);
      const bytes = await writeModel(source, { format: 'onnx', quantizationForm });
      const ops = (await readModel(bytes)).graph.nodes.map(({ op }) => op);
      const isInt16 = model.startsWith('litert/') || model.includes('split');
      if (quantizationForm === 'qoperator' && !isInt16)
        assert.equal(
          ops.filter((op) => !/^Q(Linear|Gemm)|^Transpose$|^Reshape$/.test(op)),
          [],
        );
      const feeds = Object.fromEntries(
        source.graph.inputs.map(({ name }, index) => [name, item.inputs[index]!]),
      );
      const results = await runModel(bytes, feeds);
      source.graph.outputs.forEach(({ name }, index) => {
        const [expected, actual] = [item.outputs[index], results[name]!];
        if (expected == null) return;
        assert.is(actual.type, expected.type);
        const [a, b] = [expected.data as Int8Array, actual.data as Int8Array];
        const most = a.reduce((max, level, i) => Math.max(max, Math.abs(level - b[i]!)), 0);
        assert.ok(most <= 1, `${model} ${name}: ${most}`);
      });
    }
  });
}

x('by way of operators on integers: the same results', async () => {
  for (const model of small.slice(0, 6)) {
    const item = first(model);
    if (item === undefined) return;
    const source = await readModel(item.bytes);
    const onnx = await writeModel(source, { format: 'onnx', quantizationForm: 'qoperator' });
    const options = { format: 'tflite', evaluate: evaluateNode };
    const back = await writeModel(await readModel(onnx), options);
    const [theirs, ours] = [
      await runTflite(item.bytes, item.inputs),
      await runTflite(back, item.inputs),
    ];
    theirs.outputs.forEach((tensor, index) => {
      assert.equal(ours.outputs[index]!.data, tensor.data);
    });
  }
});

/** Levels from a file of ../shared/data/onnx-models/quant-ops. */
const published = [
  ...[0, 2, 4, 6, 7].flatMap((n) => [`qlinearconv_${n}_s8_pt`, `qlinearconv_${n}_u8_pt`]),
  ...[1, 3].flatMap((n) => ['s8s8', 'u8s8', 'u8u8'].map((types) => `qlinearmatmul_${n}_${types}`)),
  ...['dequantizelinear_2_s8', 'quantizelinear_1_u8', 'dynamicquantizelinear_2'],
];

x('QLinear operators as operators of TFLite on integers', async () => {
  for (const name of published) {
    const bytes = sharedFile(`onnx-models/quant-ops/${name}.onnx`);
    if (bytes === null) return;
    const model = await readModel(bytes);
    const written = await writeModel(model, { format: 'tflite', evaluate: evaluateNode });
    if (/qlinear/.test(name)) {
      const counts = operators(decodeTflite(written));
      const moved = Object.keys(counts).filter((op) => !/QUANTIZE|TRANSPOSE|RESHAPE|PAD/.test(op));
      assert.is(moved.length, 1, `${name}: ${moved}`);
      assert.not.ok('DEQUANTIZE' in counts, name);
    }
    const feeds = Object.fromEntries(
      model.graph.inputs.map((value, index) => {
        const type = value.type?.kind === 'tensor' ? value.type : null;
        const dims = type!.shape as number[];
        return [value.name, levels(type!.dtype as 'int8', dims, index)];
      }),
    );
    const [expected, run] = [
      await runModel(bytes, feeds),
      await runTflite(written, Object.values(feeds)),
    ];
    model.graph.outputs.forEach(({ name: output }, index) => {
      const [a, b] = [expected[output]!, run.outputs[index]!];
      assert.is(b.type, a.type);
      let others = 0;
      Array.from(a.data as Int8Array).forEach((level, i) => {
        const difference = Math.abs(level - (b.data as Int8Array)[i]!);
        assert.ok(difference <= 1, `${name}: ${difference}`);
        if (difference > 0) others++;
      });
      assert.ok(others <= 0.01 * a.size, `${name}: ${others} of ${a.size}`);
    });
  }
});

function levels(type: 'int8' | 'uint8' | 'float32', dims: readonly number[], seed: number): Tensor {
  const size = dims.reduce((a, b) => a * b, 1);
  const numbers = Array.from({ length: size }, (_, i) => ((i + seed) * 7919) % 256);
  if (type === 'float32')
    return new Tensor(
      type,
      Float32Array.from(numbers, (n) => n / 64 - 1.5),
      dims,
    );
  const bytes = Uint8Array.from(numbers);
  return new Tensor(type, type === 'int8' ? new Int8Array(bytes.buffer) : bytes, dims);
}

x.run();
