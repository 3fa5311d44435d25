// TFLite by @tensorflow/tfjs-tflite, below its JavaScript wrapper, which needs a browser: models that a parent
// process sends, one at a time. What the runtime does to its memory stays in this process.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { byteLengthOf, type DType, isDType } from '../../src/core/dtype.ts';
import { type TensorData, typedArrayOf } from '../../src/core/tensor.ts';
import { decodeTflite } from '../../src/formats/tflite/codec.ts';
import { tensorTypes } from '../../src/formats/tflite/schema-table.ts';
import { withInputShapes } from './input-shapes.ts';
import type { PeerAnswer, PeerRequest, PeerTensor } from './messages.ts';

interface TensorInfo {
  id: number;
  name: string;
  shape: string;
  data(): { byteOffset: number } | null;
  /** Of embind: where the object lies. */
  $$: { ptr: number };
}

interface Vector {
  size(): number;
  get(index: number): TensorInfo;
}

interface ModelRunner {
  GetInputs(): Vector;
  GetOutputs(): Vector;
  Infer(): boolean;
  delete(): void;
}

interface Runtime {
  HEAPU8: Uint8Array;
  HEAPU32: Uint32Array;
  _malloc(bytes: number): number;
  TFLiteWebModelRunner: {
    CreateFromBufferAndOptions(
      address: number,
      bytes: number,
      options: Record<string, unknown>,
    ): { ok(): boolean; errorMessage(): string; value(): ModelRunner };
  };
}

type Factory = (settings: Record<string, unknown>) => Promise<Runtime>;

const log: string[] = [];
const runtime = await start();

async function start(): Promise<Runtime> {
  const require = createRequire(import.meta.url);
  const folder = require
    .resolve('@tensorflow/tfjs-tflite/package.json')
    .replace(/package\.json$/, 'wasm/');
  const source = readFileSync(`${folder}tflite_web_api_cc_simd.js`, 'utf8');
  // It takes a global process for Node, where it would read files, and must find a page instead.
  Object.assign(globalThis, {
    document: { currentScript: { src: '' } },
    window: globalThis,
    self: globalThis,
  });
  const evaluate = new Function(
    'process',
    'require',
    'module',
    'exports',
    `${source}; return tflite_web_api_ModuleFactory;`,
  ) as () => Factory;
  const print = (line: string): void => {
    if (!line.startsWith('INFO:')) log.push(line);
  };
  return evaluate()({
    wasmBinary: readFileSync(`${folder}tflite_web_api_cc_simd.wasm`),
    locateFile: (name: string) => name,
    print,
    printErr: print,
  });
}

/** Where the data pointer is among the words of a tensor's description (int id, string name, string shape, void* data, …). */
const dataWord = 7;

function run({ bytes, feeds }: PeerRequest): PeerAnswer {
  log.length = 0;
  const failed = (stage: 'load' | 'run', message: string): PeerAnswer => ({
    failed: stage,
    message: [message, ...new Set(log)].join(' | ') || 'no reason given',
  });
  const file =
    feeds === null
      ? bytes
      : withInputShapes(
          bytes,
          feeds.map(({ dims }) => dims),
        );
  // The runtime keeps pointers into it.
  const address = runtime._malloc(file.length);
  runtime.HEAPU8.set(file, address);
  const created = runtime.TFLiteWebModelRunner.CreateFromBufferAndOptions(address, file.length, {
    numThreads: 1,
    // Profiling aborts on some models.
    enableProfiling: false,
    maxProfilingBufferEntries: 4096,
  });
  if (!created.ok()) return failed('load', created.errorMessage());
  const model = created.value();
  const types = (decodeTflite(bytes).subgraphs?.[0]?.tensors ?? []).map(({ type }) =>
    (tensorTypes[type ?? 0] ?? '').toLowerCase(),
  );
  const inputs = list(model.GetInputs());
  if (feeds !== null) {
    if (feeds.length !== inputs.length) {
      return failed('run', `${inputs.length} inputs, ${feeds.length} feeds`);
    }
    for (const [i, info] of inputs.entries()) feed(info, typeOf(info, types), feeds[i]!);
    if (!model.Infer()) return failed('run', 'Infer() returned false');
  }
  // The sizes of outputs may be known only now.
  const outputs = list(model.GetOutputs());
  const answer = {
    inputs: inputs.map((info) => tensorOf(info, typeOf(info, types))),
    outputs: outputs.map((info) => tensorOf(info, typeOf(info, types))),
  };
  model.delete();
  return answer;
}

function list(vector: Vector): TensorInfo[] {
  return Array.from({ length: vector.size() }, (_, i) => vector.get(i));
}

function typeOf(info: TensorInfo, types: readonly string[]): DType {
  const type = types[info.id] ?? '';
  if (!isDType(type) || type === 'string') {
    throw new Error(`tensor "${info.name}" has type ${type}, which is not exposed`);
  }
  return type;
}

function dimsOf(info: TensorInfo): number[] {
  return info.shape === '' ? [] : info.shape.split(',').map(Number);
}

/** A tensor's memory. Its data() knows no int64, so that the pointer is taken from where it finds it. */
function memoryOf(info: TensorInfo, type: DType): Uint8Array {
  const known = info.data()?.byteOffset;
  const pointer = runtime.HEAPU32[info.$$.ptr / 4 + dataWord]!;
  if (known !== undefined && known !== pointer) {
    throw new Error('the description of a tensor has another layout in this version');
  }
  const count = dimsOf(info).reduce((product, size) => product * size, 1);
  return runtime.HEAPU8.subarray(pointer, pointer + byteLengthOf(type, count));
}

function feed(info: TensorInfo, type: DType, value: Omit<PeerTensor, 'name'>): void {
  const memory = memoryOf(info, type);
  if (value.type !== type) throw new Error(`input "${info.name}" is ${type}, not ${value.type}`);
  const { buffer, byteOffset, byteLength } = value.data as Uint8Array;
  if (byteLength !== memory.length) {
    throw new Error(`input "${info.name}" has ${memory.length} bytes, not ${byteLength}`);
  }
  memory.set(new Uint8Array(buffer, byteOffset, byteLength));
}

function tensorOf(info: TensorInfo, type: DType): PeerTensor {
  const data: TensorData = typedArrayOf(type, memoryOf(info, type).slice());
  return { name: info.name, type, dims: dimsOf(info), data };
}

process.on('message', (request: PeerRequest) => {
  let answer: PeerAnswer;
  try {
    answer = run(request);
  } catch (error) {
    answer = { failed: 'run', message: [String(error), ...log].join(' | ') };
  }
  process.send?.(answer);
});
process.on('disconnect', () => process.exit());
