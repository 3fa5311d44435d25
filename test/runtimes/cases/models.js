import { compress } from 'modelpress/compress';
import { readModel, writeModel } from 'modelpress/formats';
import { classifier } from './inputs.js';

/** Files that come out of a real model: a text-direction classifier (MobileNetV3, 0.6 MB of ONNX). */
export const modelCases = {
  'classifier read and written': async () => writeModel(await readModel(classifier())),
  'classifier at another opset': async () =>
    writeModel(await readModel(classifier()), { opset: 20 }),
  'classifier with int8 weights': () => quantized('int8'),
  'classifier with int4 weights': () => quantized('int4'),
};

/** The file of a compressed model, and what the report says of every layer. */
async function quantized(type) {
  const { model, report } = await compress(await readModel(classifier()), { quantize: type });
  return [await writeModel(model), JSON.stringify(report.layers)];
}
