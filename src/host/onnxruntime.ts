import { createRequire } from 'node:module';
import { isDType } from '../core/dtype.ts';
import { UnsupportedError } from '../core/errors.ts';
import { Tensor, type TensorData } from '../core/tensor.ts';
import type { Runnable, Runner } from '../runtime/runner.ts';

/** The part of onnxruntime-node that is used: it is no dependency, so its types are not at hand. */
interface OrtTensor {
  type: string;
  data: unknown;
  dims: readonly number[];
}

interface OrtSession {
  run(feeds: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}

interface Ort {
  InferenceSession: {
    create(bytes: Uint8Array, options: Record<string, unknown>): Promise<OrtSession>;
  };
  Tensor: new (type: string, data: unknown, dims: readonly number[]) => OrtTensor;
}

/** onnxruntime-node if it is installed where the program runs, else null. */
export async function findOnnxRuntime(): Promise<Runner | null> {
  let ort: Ort;
  let version = '';
  try {
    const module = (await import('onnxruntime-node' as string)) as Ort & { default?: Ort };
    ort =
      module.InferenceSession === undefined && module.default !== undefined
        ? module.default
        : module;
    const require = createRequire(import.meta.url);
    version = (require('onnxruntime-node/package.json') as { version: string }).version;
  } catch {
    return null;
  }
  return {
    name: `onnxruntime-node ${version}`.trim(),
    async load(bytes): Promise<Runnable> {
      const session = await ort.InferenceSession.create(bytes, {
        executionProviders: ['cpu'],
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        logSeverityLevel: 4,
      });
      return {
        async run(feeds) {
          const native: Record<string, OrtTensor> = {};
          for (const [name, { type, data, dims }] of Object.entries(feeds)) {
            native[name] = new ort.Tensor(type, data, dims);
          }
          const outputs = await session.run(native);
          const result: Record<string, Tensor> = {};
          for (const [name, { type, data, dims }] of Object.entries(outputs)) {
            if (!isDType(type)) throw notATensor(name, type);
            result[name] = new Tensor(type, data as TensorData, dims);
          }
          return result;
        },
        dispose: () => session.release(),
      };
    },
  };
}

function notATensor(name: string, type: string): UnsupportedError {
  return new UnsupportedError(`output "${name}" has the unknown type ${type}`, {
    code: 'E_OUTPUT_TYPE',
  });
}
