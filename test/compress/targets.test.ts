import { type ChildProcess, fork } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { TargetRuntime } from '../../src/compress/activations/roles.ts';
import { compress } from '../../src/compress/index.ts';
import { type KernelRow, kernelRows, missingRows } from '../../src/compress/targets.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { decodeTflite } from '../../src/formats/tflite/codec.ts';
import { builtinOperators } from '../../src/formats/tflite/schema-table.ts';
import { createSession } from '../../src/runtime/session.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';
import { runner, sqnr } from '../ort.ts';
import { closeTflite, runTflite } from '../peers/tflite.ts';
import { onnxWith } from './runtime-kernels.ts';

const targets = suite('what runtimes have kernels for');

/** Why a file does not load, or null. */
type Load = (bytes: Uint8Array) => Promise<string | null>;

let web: ChildProcess | null = null;

targets.after(() => {
  web?.kill('SIGKILL');
});

const message = (error: unknown): string => (error instanceof Error ? error.message : `${error}`);

const loaders: Partial<Record<TargetRuntime, Load>> = {
  async onnxruntime(bytes) {
    try {
      await (await runner.load(bytes)).dispose();
      return null;
    } catch (error) {
      return message(error);
    }
  },
  'onnxruntime-web'(bytes) {
    web ??= fork(new URL('../peers/onnxruntime-web.ts', import.meta.url), {
      execArgv: ['--import', 'tsx'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const child = web;
    return new Promise((resolve) => {
      child.once('message', (answer) => resolve((answer as { why: string | null }).why));
      child.send(bytes);
    });
  },
  async modelpress(bytes) {
    try {
      createSession(await readModel(bytes)).dispose();
      return null;
    } catch (error) {
      return message(error);
    }
  },
};

async function check(rows: readonly KernelRow[], target: TargetRuntime): Promise<number> {
  let count = 0;
  for (const { operator, types, runtimes } of rows) {
    for (const type of types) {
      const bytes = onnxWith(operator, type);
      if (bytes === null) continue;
      count++;
      const why = await loaders[target]!(bytes);
      const name = `${operator} ${type} in ${target}`;
      if (runtimes.includes(target)) assert.is(why, null, name);
      else if (rows === missingRows) assert.is.not(why, null, name);
    }
  }
  return count;
}

for (const target of ['onnxruntime', 'onnxruntime-web', 'modelpress'] as const) {
  targets(`${target}: every row loads`, async () => {
    assert.ok((await check(kernelRows, target)) > 50);
  });
}

for (const target of ['onnxruntime', 'onnxruntime-web'] as const) {
  targets(`${target}: nothing loads that is not in the table`, async () => {
    assert.is(await check(missingRows, target), 6);
  });
}

/** Networks of TFLite operators with weights of real numbers. */
function tfliteNetwork(operator: string): Uint8Array {
  const isProduct = operator === 'FULLY_CONNECTED';
  const depthwise = operator === 'DEPTHWISE_CONV_2D';
  const shape = isProduct ? [64, 48] : depthwise ? [48, 1, 5, 5] : [16, 8, 3, 3];
  const channels = isProduct ? 64 : depthwise ? 48 : 8;
  const input = isProduct ? [2, 64] : [1, channels, 8, 8];
  return modelBytes({
    node: [
      isProduct
        ? node('MatMul', ['x', 'w'], ['y'])
        : node('Conv', ['x', 'w'], ['y'], { group: depthwise ? channels : 1 }),
    ],
    initializer: [
      floats(
        'w',
        shape,
        noise(
          shape.reduce((a, b) => a * b, 1),
          3,
        ),
      ),
    ],
    input: [info('x', input)],
    output: [info('y', null)],
  });
}

const tfliteRows = kernelRows.filter(({ operator }) => /^[A-Z0-9_]+$/.test(operator));

targets.after(() => closeTflite());

for (const { operator, types, runtimes } of tfliteRows) {
  for (const type of types) {
    const isThere = runtimes.includes('tflite');
    targets(`tfjs-tflite ${isThere ? 'runs' : 'has no'} ${operator} ${type}`, async () => {
      const lite = await writeModel(await readModel(tfliteNetwork(operator)), { format: 'tflite' });
      const granularity = type.includes('channel') ? 'channel' : 'tensor';
      const quantize = { weights: 'int8', mode: 'dynamic', granularity } as const;
      const { model } = await compress(await readModel(lite), { quantize });
      const bytes = await writeModel(model, isThere ? {} : { minRuntime: '2.17' });
      const { subgraphs, operatorCodes } = decodeTflite(bytes);
      const names = (subgraphs![0]!.operators ?? []).map(
        ({ opcodeIndex = 0 }) => builtinOperators[operatorCodes![opcodeIndex]!.builtinCode ?? 0],
      );
      assert.ok(names.includes(operator), names.join());
      assert.not.ok(names.includes('DEQUANTIZE'), names.join());
      const session = createSession(await readModel(bytes));
      const [{ name, dims: sizes }] = session.inputs as unknown as [
        { name: string; dims: number[] },
      ];
      const dims = [...sizes];
      const x = new Tensor(
        'float32',
        noise(
          dims.reduce((a, b) => a * b, 1),
          5,
        ),
        dims,
      );
      const own = Object.values(session.run({ [name]: x }))[0]!;
      session.dispose();
      if (!isThere) {
        assert.is(
          await runTflite(bytes, [x]).then(
            () => null,
            (error) => error.stage,
          ),
          'load',
        );
        return;
      }
      const theirs = (await runTflite(bytes, [x])).outputs[0]!;
      assert.ok(sqnr(theirs.data as Float32Array, own.data as Float32Array) > 35);
    });
  }
}

targets.run();
