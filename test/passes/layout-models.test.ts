import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sharedFile } from '../shared.ts';
import { layOut, type Running } from './layout-kit.ts';

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

x.run();
