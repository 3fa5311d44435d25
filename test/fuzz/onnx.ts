import { pathToFileURL } from 'node:url';
import { compress } from '../../src/compress/index.ts';
import { ModelpressError } from '../../src/core/errors.ts';
import { resolveLimits } from '../../src/core/limits.ts';
import { bufferSource, readSync } from '../../src/core/source.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { decodeModel, encodeToBytes } from '../../src/formats/onnx/codec.ts';
import type { TensorProto } from '../../src/formats/onnx/proto.ts';
import { schema } from '../../src/formats/onnx/schema.ts';
import { densify } from '../../src/formats/onnx/sparse.ts';
import { dataTypes, tensorBytes, tensorStrings } from '../../src/formats/onnx/tensor.ts';
import { messagesOf } from '../../src/formats/onnx/walk.ts';
import { verify } from '../../src/ir/verify.ts';
import { malformedFiles, nodeTestFiles } from '../formats/onnx/corpus.ts';
import { type FuzzTarget, fuzz, fuzzOptions, report } from './fuzz.ts';
import { type FuzzField, mutate, parseTree } from './mutate.ts';
import { externalFile, seedModels } from './onnx-seeds.ts';

const external = new Map([[externalFile.name, bufferSource(new Uint8Array(externalFile.size))]]);

/** Reads everything in a file; writes it, and checks that what was written reads and writes the same. */
async function readEverything(bytes: Uint8Array): Promise<void> {
  const limits = resolveLimits(undefined, bytes.length);
  const model = decodeModel(bytes, limits);
  const written = encodeToBytes('ModelProto', model);
  const again = encodeToBytes('ModelProto', decodeModel(written, limits));
  if (Buffer.compare(written, again) !== 0) throw new Error('written again, it is different');
  // A tensor that is refused must not hide the next ones.
  const refused: ModelpressError[] = [];
  for (const { type, message } of messagesOf('ModelProto', model)) {
    try {
      if (type === schema.TensorProto) readTensor(message);
      else if (type === schema.SparseTensorProto) {
        const { source } = await densify(message, limits, external);
        await source.read(0, Math.min(source.size, 2 ** 16));
      }
    } catch (error) {
      if (!(error instanceof ModelpressError)) throw error;
      refused.push(error);
    }
  }
  if (refused[0] !== undefined) throw refused[0];
  await throughTheGraph(bytes);
}

/** Reads the graph; what is written of it reads again. */
async function throughTheGraph(bytes: Uint8Array): Promise<void> {
  const files = { [externalFile.name]: new Uint8Array(externalFile.size) };
  const model = await readModel(bytes, { format: 'onnx', external: files });
  verify(model);
  const written = await writeModel(model);
  verify(await readModel(written, { format: 'onnx', external: files }));
  const { model: small } = await compress(model, { quantize: { weights: 'int8', minElements: 1 } });
  verify(small);
  verify(await readModel(await writeModel(small), { format: 'onnx' }));
}

function readTensor(tensor: TensorProto): void {
  if (tensor.dataType === dataTypes.string) {
    tensorStrings(tensor);
    return;
  }
  const source = tensorBytes(tensor, external);
  readSync(source, 0, source.size);
}

function seeds(): FuzzField[][] {
  const files = [
    ...seedModels.map((model) => encodeToBytes('ModelProto', model)),
    ...nodeTestFiles()
      .filter(({ name, bytes }) => name.endsWith('.onnx') && bytes.length < 1500)
      .filter((_, i) => i % 5 === 0)
      .map(({ bytes }) => bytes),
    ...malformedFiles()
      .filter(({ bytes }) => bytes.length < 1500)
      .map(({ bytes }) => bytes),
  ];
  return files
    .map((bytes) => parseTree(bytes))
    .filter((tree) => tree !== null && tree.length > 0) as FuzzField[][];
}

/** Mutated models into `read`. */
export function onnxTarget(
  read: (bytes: Uint8Array) => void | Promise<void> = readEverything,
): FuzzTarget {
  const trees = seeds();
  // Half of the runs start from the models that have every field.
  const own = trees.slice(0, seedModels.length);
  return {
    name: 'onnx',
    make: (random) => mutate(random.below(2) === 0 ? own : trees, random),
    run: read,
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const target = onnxTarget();
  console.log(report(target, await fuzz(target, fuzzOptions(process.argv.slice(2)))));
}
