import { existsSync } from 'node:fs';
import { random } from '../../src/core/random.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { readNpy } from '../../src/formats/npy.ts';
import type { Model } from '../../src/ir/index.ts';
import { findInputs } from '../../src/runtime/find-inputs.ts';
import { inputsOf, randomFeeds } from '../../src/runtime/inputs.ts';
import { runner } from '../ort.ts';
import { loadTflite, runTflite } from '../peers/tflite.ts';
import { sharedData, sharedFile } from '../shared.ts';
import { type TfliteReference, tfliteReferences } from '../tflite-refs.ts';

/** What goes into a model and what comes out, in the model's order, by somebody else. */
export interface Reference {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly (Tensor | null)[];
}

/** Stored for a file below onnx-models/, or by onnxruntime-node on seeded inputs.
 *  Errors of onnxruntime-node are passed on. */
export async function onnxReference(
  path: string,
  model: Model,
  bytes: Uint8Array,
): Promise<Reference> {
  const infos = inputsOf(model);
  const folder = `onnx-models/refs/${path.replace(/\.onnx$/, '').replaceAll('/', '__')}`;
  const stored = (kind: string, count: number): (Tensor | null)[] =>
    Array.from({ length: count }, (_, i) => {
      const file = `${folder}/${kind}_${i}.npy`;
      return existsSync(`${sharedData()}${file}`) ? readNpy(sharedFile(file)!, file) : null;
    });
  const inputs = stored('input', infos.length);
  const outputs = stored('output', model.graph.outputs.length);
  if (!inputs.includes(null) && !outputs.includes(null)) {
    return { inputs: inputs as Tensor[], outputs };
  }
  const runnable = await runner.load(bytes);
  try {
    const found = await findInputs(runnable, model, {});
    const feeds = found.make(random(1));
    const results = await runnable.run(feeds);
    for (const { name, type } of model.graph.outputs) {
      const declared = type?.kind === 'tensor' ? (type.shape ?? []) : [];
      if (
        declared.some((dim, axis) => typeof dim === 'number' && dim !== results[name]?.dims[axis])
      )
        throw new RangeError(`random inputs give "${name}" other sizes than it is declared with`);
    }
    return {
      inputs: infos.map(({ name }) => feeds[name]!),
      outputs: model.graph.outputs.map(({ name }) => results[name]!),
    };
  } finally {
    await runnable.dispose();
  }
}

let references: TfliteReference[] | undefined;

/** Stored for a file below tflite-models/, or by tfjs-tflite on seeded inputs.
 *  @throws {TfliteRunError} tfjs-tflite does not run the file */
export async function tfliteReference(path: string, bytes: Uint8Array): Promise<Reference> {
  references ??= tfliteReferences();
  const stored = references.find(({ model, outputs }) => model === path && outputs.length > 0);
  if (stored !== undefined && !stored.outputs.includes(null)) return stored;
  const inputs = stored?.inputs ?? (await seededInputs(bytes));
  return { inputs, outputs: (await runTflite(bytes, inputs)).outputs };
}

async function seededInputs(bytes: Uint8Array): Promise<Tensor[]> {
  const { inputs } = await loadTflite(bytes);
  const infos = inputs.map(({ tensor: { type, dims } }, i) => ({ name: `${i}`, type, dims }));
  return Object.values(randomFeeds(infos, {}, random(1), {}));
}
