import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../../src/core/tensor.ts';
import { readModel, writeModel } from '../../../src/formats/index.ts';
import { decodeTflite, encodeTflite } from '../../../src/formats/tflite/codec.ts';
import { builtinOperators } from '../../../src/formats/tflite/schema-table.ts';
import { Edit } from '../../../src/ir/edit.ts';
import type { Model } from '../../../src/ir/model.ts';
import { closeTflite, runTflite } from '../../peers/tflite.ts';
import { sharedFile } from '../../shared.ts';

const edited = suite('writing TFLite models that were changed');
edited.after(closeTflite);

function operatorsOf(bytes: Uint8Array): { name: string; options: unknown }[] {
  const { operatorCodes = [], subgraphs = [] } = decodeTflite(bytes);
  return (subgraphs[0]!.operators ?? []).map(({ opcodeIndex = 0, builtinOptions }) => {
    const { builtinCode = 0, deprecatedBuiltinCode = 0 } = operatorCodes[opcodeIndex]!;
    const name = builtinOperators[Math.max(builtinCode, deprecatedBuiltinCode)]!;
    return { name, options: builtinOptions };
  });
}

/** Puts an operator behind the only output. */
function negate(model: Model): void {
  const edit = new Edit(model, { pass: 'test', rule: 'negate', reason: 'to change something' });
  const { graph } = model;
  const output = graph.outputs[0]!;
  const { name, type } = output;
  edit.rename(output, `${name}_before`);
  const spec = { op: 'Neg', inputs: [output] };
  const node = edit.addNode({ endOf: graph }, spec, [{ name, type }]);
  edit.replaceUses(output, node.outputs[0]!, ({ user }) => user === graph);
  edit.commit();
}

for (const name of ['mlperf-tiny/vww_mobilenet_fp32', 'mlperf-tiny/ic_resnet8_fp32']) {
  edited(`${name}: what nobody touched keeps its records`, async () => {
    const bytes = sharedFile(`tflite-models/${name}.tflite`);
    if (bytes === null) return;
    const model = await readModel(bytes);
    negate(model);
    const after = await writeModel(model);
    const expected = operatorsOf(bytes);
    const got = operatorsOf(after);
    assert.is(got.at(-1)!.name, 'NEG');
    assert.equal(got.slice(0, -1), expected);
    const feeds = feedsOf(bytes);
    const [before] = (await runTflite(bytes, feeds)).outputs;
    const [result] = (await runTflite(after, feeds)).outputs;
    assert.equal(
      [...(result!.data as Float32Array)],
      [...(before!.data as Float32Array)].map((x) => -x),
    );
  });
}

edited('what was in other files comes into a changed one', async () => {
  const tensors = [
    { name: 'x', shape: Int32Array.of(2, 2) },
    { name: 'sizes', type: 2, shape: Int32Array.of(1), externalBuffer: 7 },
    { name: 'y', shape: Int32Array.of(4) },
  ];
  const operators = [{ inputs: Int32Array.of(0, 1), outputs: Int32Array.of(2) }];
  const bytes = encodeTflite({
    version: 3,
    operatorCodes: [{ deprecatedBuiltinCode: 22, builtinCode: 22 }],
    buffers: [{}],
    externalBufferGroups: [{ name: 'sizes.bin' }],
    externalBuffers: [{ id: 7, length: 4n }],
    subgraphs: [{ tensors, operators, inputs: Int32Array.of(0), outputs: Int32Array.of(2) }],
  });
  const model = await readModel(bytes, { external: { 'sizes.bin': Uint8Array.of(4, 0, 0, 0) } });
  negate(model);
  const after = await writeModel(model);
  const { subgraphs, externalBuffers } = decodeTflite(after);
  assert.is(externalBuffers, undefined);
  assert.not.ok(subgraphs![0]!.tensors!.some(({ externalBuffer }) => externalBuffer !== undefined));
  const [y] = (await runTflite(after, [new Tensor('float32', [1, 2, 3, 4], [2, 2])])).outputs;
  assert.equal([...(y!.data as Float32Array)], [-1, -2, -3, -4]);
});

edited('all files of the corpus keep their outputs, with states and quantization', async () => {
  for (const name of [
    'mlperf-tiny/kws_dscnn_int8',
    'tflm/keyword_scrambled',
    'coral/keras_lstm_mnist_ptq',
  ]) {
    const bytes = sharedFile(`tflite-models/${name}.tflite`);
    if (bytes === null) return;
    const model = await readModel(bytes);
    // A change that changes nothing: the file's own tables may not be used as they are.
    new Edit(model, { pass: 'test', rule: 'none', reason: 'to be a changed model' }).commit();
    const after = await writeModel(model);
    const { inputs, outputs } = await runTflite(bytes, feedsOf(bytes));
    const again = await runTflite(
      after,
      inputs.map(({ tensor }) => tensor),
    );
    assert.equal(again.outputs, outputs, name);
    assert.equal(operatorsOf(after), operatorsOf(bytes), name);
  }
});

/** Some numbers for each input. */
function feedsOf(bytes: Uint8Array): Tensor[] {
  const { subgraphs } = decodeTflite(bytes);
  const { inputs = new Int32Array(0), tensors = [] } = subgraphs![0]!;
  const types = ['float32', 'float16', 'int32', 'uint8', 'int64', 'string', 'bool', 'int16'];
  return Array.from(inputs, (index) => {
    const { shape = new Int32Array(0), type = 0 } = tensors[index]!;
    const name = type === 9 ? 'int8' : types[type]!;
    const count = shape.reduce((a, b) => a * b, 1);
    const values = Array.from({ length: count }, (_, i) => (i * 7) % 100);
    return new Tensor(name as 'int8', values, [...shape]);
  });
}

edited.run();
