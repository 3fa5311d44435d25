// TFLite files against other runtimes of them, and against onnxruntime-web on what we write of them.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readModel, writeModel } from '../src/formats/index.ts';
import { inputsOf } from '../src/runtime/inputs.ts';
import { sharedData } from '../test/shared.ts';
import type { Asked } from './comparison.ts';
import type { Bench } from './lib.ts';
import { comparePeers } from './peers/compare.ts';
import type { ModelTask, NamedTask } from './peers/tasks.ts';

interface Measured {
  readonly file: string;
  readonly name: string;
  /** The same network in float32. */
  readonly float?: string;
  readonly slow?: boolean;
}

const models: readonly Measured[] = [
  { file: 'mlperf-tiny/ic_resnet8_fp32', name: 'MLPerf ResNet-8' },
  {
    file: 'mlperf-tiny/ic_resnet8_int8',
    name: 'MLPerf ResNet-8, int8',
    float: 'mlperf-tiny/ic_resnet8_fp32',
  },
  { file: 'mlperf-tiny/vww_mobilenet_fp32', name: 'MLPerf visual wake words' },
  {
    file: 'mlperf-tiny/vww_mobilenet_int8',
    name: 'MLPerf visual wake words, int8',
    float: 'mlperf-tiny/vww_mobilenet_fp32',
  },
  { file: 'mlperf-tiny/kws_dscnn_fp32', name: 'MLPerf keywords, dynamic int8' },
  {
    file: 'mlperf-tiny/kws_dscnn_int8',
    name: 'MLPerf keywords, int8',
    float: 'mlperf-tiny/kws_dscnn_fp32',
  },
  { file: 'mlperf-tiny/ad_autoencoder_fp32', name: 'MLPerf anomalies' },
  {
    file: 'mlperf-tiny/ad_autoencoder_int8',
    name: 'MLPerf anomalies, int8',
    float: 'mlperf-tiny/ad_autoencoder_fp32',
  },
  { file: 'mediapipe/face_detection_short_range', name: 'MediaPipe faces', slow: true },
  { file: 'mediapipe/selfie_segmentation', name: 'MediaPipe selfie', slow: true },
  { file: 'coral/mobilenet_v1_0.25_128_quant', name: 'MobileNetV1-0.25, 128², uint8' },
  { file: 'coral/mobilenet_v2_1.0_224_quant', name: 'MobileNetV2, 224², uint8', slow: true },
  // LiteRT.js does not survive it.
  { file: 'ultraface/RFB-320_without_postprocessing', name: 'RFB-320 face detector', slow: true },
];

/** The least that is asked: float32 1.3 times the time of LiteRT.js, int8 half as much again as onnxruntime-web. */
const asked = (isFloat: boolean): Asked => ({
  than: isFloat ? { litert: 1 / 1.3 } : { 'onnxruntime-web': 1.5 },
});

/** A model with stored inputs, and with what we write of it as ONNX; null where there are none. */
async function tfliteTask(root: string, file: string, folder: string): Promise<ModelTask | null> {
  const path = `${root}tflite-models/${file}.tflite`;
  const refs = `${root}tflite-models/refs/${file.replaceAll('/', '__')}/`;
  const inputs = [refs, `${refs}natural/`].find((each) => existsSync(`${each}input_0.npy`));
  if (inputs === undefined || !existsSync(path)) return null;
  const model = await readModel(new Uint8Array(readFileSync(path)));
  const feeds = inputsOf(model).map(({ name }, i) => ({ name, npy: `${inputs}input_${i}.npy` }));
  const onnx = join(folder, `${file.replaceAll('/', '__')}.onnx`);
  writeFileSync(onnx, await writeModel(model, { format: 'onnx' }));
  return { op: 'model', path, feeds, onnx };
}

export const tfliteBench: Bench = {
  name: 'tflite models',
  async run(options) {
    const root = sharedData();
    if (root === null) return { comparisons: [], groups: [] };
    const folder = mkdtempSync(join(tmpdir(), 'modelpress-bench-'));
    try {
      const tasks: NamedTask[] = [];
      for (const { file, name, float, slow = false } of models) {
        const task = await tfliteTask(root, file, folder);
        if (task === null) continue;
        const path = float === undefined ? undefined : `${root}tflite-models/${float}.tflite`;
        const original = path === undefined ? undefined : await tfliteTask(root, float!, folder);
        const isFloat = !/int8$|quant$/.test(file);
        tasks.push({
          name,
          task: {
            ...task,
            ...(original == null ? {} : { original: original.path, originalFeeds: original.feeds }),
          },
          slow,
          asked: asked(isFloat),
        });
      }
      const peers = [
        'modelpress',
        'own baseline',
        'litert',
        'tfjs-tflite',
        'onnxruntime-web',
      ] as const;
      return { comparisons: await comparePeers(tasks, peers, options), groups: [] };
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
