import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compress } from '../../src/compress/index.ts';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { decodeTflite } from '../../src/formats/tflite/codec.ts';
import { builtinOperators, tensorTypes } from '../../src/formats/tflite/schema-table.ts';
import type { Model } from '../../src/ir/model.ts';
import { shapeOf } from '../../src/ir/types.ts';
import { createSession } from '../../src/runtime/index.ts';
import type { Feeds } from '../../src/runtime/runner.ts';
import { closeTflite, runTflite } from '../peers/tflite.ts';
import { sharedFile } from '../shared.ts';

/** Float TFLite models become models of integers alone, on which TFLite's own runtime agrees with our sessions. */

const x = suite('TFLite models of integers alone');

/** Smooth numbers within ±1, or pixels within 0 … 1. */
function samples(model: Model, count: number): Feeds[] {
  const source = random(7);
  return Array.from({ length: count }, () =>
    Object.fromEntries(
      model.graph.inputs.map((value) => {
        const dims = shapeOf(value.type)!.map((size) => (typeof size === 'number' ? size : 1));
        let at = 0;
        const isImage = dims.length === 4;
        const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => {
          at = 0.9 * at + 0.3 * (source.uniform() * 2 - 1);
          return isImage ? Math.min(1, Math.max(0, 0.5 + at)) : at;
        });
        return [value.name, new Tensor('float32', data, dims)];
      }),
    ),
  );
}

/** Operators that make real numbers, but for where the model ends. */
function floatOperators(bytes: Uint8Array): string[] {
  const { subgraphs, operatorCodes } = decodeTflite(bytes);
  const { tensors, operators } = subgraphs![0]!;
  return operators!.flatMap(({ opcodeIndex = 0, outputs }) => {
    const { builtinCode = 0, deprecatedBuiltinCode = 0 } = operatorCodes![opcodeIndex]!;
    const name = builtinOperators[Math.max(builtinCode, deprecatedBuiltinCode)]!;
    const isFloat = [...outputs!].some((i) => tensorTypes[tensors![i]!.type ?? 0] === 'FLOAT32');
    return isFloat && name !== 'DEQUANTIZE' ? [name] : [];
  });
}

const models: readonly { path: string; real?: string[]; share: number }[] = [
  // Clamps apart from their convolutions, weights in half floats.
  { path: 'mediapipe/face_detection_short_range.tflite', share: 0.67 },
  { path: 'ai-edge-quantizer/conv_fc_mnist.tflite', share: 0.27 },
  { path: 'ai-edge-quantizer/single_pack.tflite', share: Infinity },
  { path: 'litert/v_einsum.tflite', share: 0.45 },
  { path: 'litert/topo_sort_interleaved.tflite', share: Infinity },
  // Whether a quotient of int8 exists depends on the runtime: it stays real.
  { path: 'litert/norm.tflite', real: ['ADD', 'DIV', 'MUL', 'RESHAPE', 'RSQRT'], share: 1 },
  { path: 'tflm/hello_world_float.tflite', share: 0.8 },
];

for (const { path, real = [], share } of models)
  x(path, async () => {
    const bytes = sharedFile(`tflite-models/${path}`);
    if (bytes === null) return;
    const model = await readModel(bytes);
    const [first, ...calibration] = samples(model, 3);
    const made = await compress(model, {
      quantize: { weights: 'int8', minOutputDb: null },
      names: 'short',
      force: true,
      calibration,
    });
    const written = await writeModel(made.model);
    assert.equal(floatOperators(written).sort(), real);
    assert.ok(written.length <= share * bytes.length, `${written.length / bytes.length}`);
    if (real.length > 0) return;
    const session = createSession(await readModel(written));
    const own = Object.values(session.run(first!)) as Tensor[];
    session.dispose();
    const theirs = await runTflite(written, Object.values(first!) as Tensor[]);
    own.forEach((tensor, i) => {
      const other = theirs.outputs[i]!;
      const data = tensor.data as Float32Array;
      const steps = new Set(data);
      const step = Math.min(...[...steps].filter((a) => a !== 0).map(Math.abs), Infinity);
      const most = data.reduce(
        (found, value, at) => Math.max(found, Math.abs(value - Number(other.data[at]))),
        0,
      );
      assert.ok(
        most <= step * 1.01 || most === 0,
        `${tensor.dims}: ${most} apart, steps of ${step}`,
      );
    });
  });

x.after(closeTflite);
x.run();
