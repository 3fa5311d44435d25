import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../../src/core/random.ts';
import type { Tensor } from '../../../src/core/tensor.ts';
import { readModel, writeModel } from '../../../src/formats/index.ts';
import { decodeTflite } from '../../../src/formats/tflite/codec.ts';
import { builtinOperators } from '../../../src/formats/tflite/schema-table.ts';
import { evaluateNode } from '../../../src/runtime/evaluate-node.ts';
import { inputsOf, randomFeeds } from '../../../src/runtime/inputs.ts';
import { disagreement } from '../../conversions/agree.ts';
import { runModel } from '../../ort.ts';
import { closeTflite, runTflite } from '../../peers/tflite.ts';
import { sharedFile } from '../../shared.ts';

const written = suite('writing TFLite');
written.after(closeTflite);

const options = { format: 'tflite', evaluate: evaluateNode } as const;

function operatorsOf(bytes: Uint8Array): string[] {
  const { operatorCodes = [], subgraphs = [] } = decodeTflite(bytes);
  return (subgraphs[0]!.operators ?? []).map(
    ({ opcodeIndex = 0 }) => builtinOperators[operatorCodes[opcodeIndex]!.builtinCode ?? 0]!,
  );
}

for (const name of [
  'resnet20_cifar10',
  'blazeface_front_128',
  'mnist_conv3_burn',
  'tiny_transformer_shared',
  'version-RFB-320_without_postprocessing',
  'super_resolution_opset13',
  'op-models/Loop_1_16',
  'op-models/Loop_2_16',
  'op-models/Loop_3_16',
  'op-models/If_p3_11',
]) {
  written(`${name} does in tfjs-tflite what it does in onnxruntime`, async () => {
    const file = sharedFile(`onnx-models/${name}.onnx`);
    if (file === null) return;
    const model = await readModel(file);
    const feeds = randomFeeds(inputsOf(model), {}, random(1));
    const expected = await runModel(file, feeds);
    const bytes = await writeModel(model, options);
    const { outputs } = await runTflite(bytes, Object.values(feeds) as Tensor[]);
    model.graph.outputs.forEach(({ name: output }, i) => {
      const difference = disagreement(outputs[i]!, expected[output]!, { share: 1e-5, quanta: 0 });
      assert.is(difference, null, output);
    });
  });
}

written(
  'a network of convolutions has one Transpose at its end with NCHW, none with NHWC',
  async () => {
    const file = sharedFile('onnx-models/resnet20_cifar10.onnx');
    if (file === null) return;
    const model = await readModel(file);
    const count = async (layout?: 'NHWC' | 'NCHW'): Promise<number> => {
      const bytes = await writeModel(model, {
        ...options,
        ...(layout === undefined ? {} : { layout }),
      });
      return operatorsOf(bytes).filter((op) => op === 'TRANSPOSE').length;
    };
    assert.is(await count(), 1);
    assert.is(await count('NHWC'), 0);
  },
);

written('names, shapes and a signature are those of the model', async () => {
  const file = sharedFile('onnx-models/resnet20_cifar10.onnx');
  if (file === null) return;
  const model = await readModel(file);
  const { subgraphs, signatureDefs, buffers } = decodeTflite(await writeModel(model, options));
  const [graph] = subgraphs!;
  const [input] = graph!.inputs!;
  const tensor = graph!.tensors![input!]!;
  assert.is(tensor.name, model.graph.inputs[0]!.name);
  assert.equal([...tensor.shape!].slice(1), [3, 32, 32]);
  assert.is(buffers![0]!.data?.length ?? 0, 0);
  const [signature] = signatureDefs!;
  assert.is(signature!.signatureKey, 'serving_default');
  assert.is(signature!.inputs![0]!.name, model.graph.inputs[0]!.name);
  assert.is(signature!.outputs![0]!.name, model.graph.outputs[0]!.name);
});

written.run();
