import { existsSync } from 'node:fs';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
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

/** Where onnxruntime-node 1.30 computes something else than ONNX's own reference implementation. */
const deviations: Readonly<Record<string, string>> = {
  'op-models/DFT_17_irfft.onnx': 'it takes more of a spectrum than the length says',
  'op-models/BatchNorm2D_15.onnx': 'it ignores training_mode',
};

/** Stored for a file below onnx-models/, or by onnxruntime-node on seeded inputs.
 *  Errors of onnxruntime-node are passed on. */
export async function onnxReference(
  path: string,
  model: Model,
  bytes: Uint8Array,
): Promise<Reference> {
  const deviation = deviations[path];
  if (deviation !== undefined) throw new RangeError(`not as ONNX has it: ${deviation}`);
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
  if (path in ownInputs) {
    const inputs = await tfliteInputs(path, bytes);
    return { inputs, outputs: (await runTflite(bytes, inputs)).outputs };
  }
  if (stored !== undefined && !stored.outputs.includes(null)) return stored;
  const inputs = stored?.inputs ?? (await tfliteInputs(path, bytes));
  return { inputs, outputs: (await runTflite(bytes, inputs)).outputs };
}

/** Inputs of files on which random ones make kernels read beyond what they are given. */
const ownInputs: Readonly<Record<string, () => Tensor[]>> = {
  'ai-edge-quantizer/single_slice.tflite': () => [
    new Tensor('int32', [0, 1, 1], [3]),
    new Tensor('int32', [2, 2, -1], [3]),
    new Tensor(
      'float32',
      Array.from({ length: 24 }, (_, i) => i),
      [2, 3, 4],
    ),
  ],
  // The last one says how many rows there are.
  'tflite-testdata/dynamic_shapes.bin': () => [
    ...seeded([
      [8, 42, 1024],
      [1, 90, 1024],
    ]),
    new Tensor('float32', [5], [1, 1]),
  ],
};

function seeded(dims: readonly (readonly number[])[]): Tensor[] {
  const infos = dims.map((own, i) => ({ name: `${i}`, type: 'float32' as const, dims: own }));
  return Object.values(randomFeeds(infos, {}, random(1)));
}

/** Seeded numbers for a TFLite file, or what it asks for. */
export async function tfliteInputs(path: string, bytes: Uint8Array): Promise<Tensor[]> {
  const own = ownInputs[path];
  if (own !== undefined) return own();
  const { inputs } = await loadTflite(bytes);
  const infos = inputs.map(({ tensor: { type, dims } }, i) => ({ name: `${i}`, type, dims }));
  return Object.values(randomFeeds(infos, {}, random(1), {}));
}
