import { readModel, writeModel } from 'modelpress/formats';
import { classifier } from './inputs.js';

/** Files that come out of a real model: a text-direction classifier (MobileNetV3, 0.6 MB of ONNX). */
export const modelCases = {
  'classifier read and written': async () => writeModel(await readModel(classifier())),
  'classifier at another opset': async () =>
    writeModel(await readModel(classifier()), { opset: 20 }),
};
