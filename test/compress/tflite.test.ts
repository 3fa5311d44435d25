import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compress, type QuantizeOption } from '../../src/compress/index.ts';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import { decodeTflite } from '../../src/formats/tflite/codec.ts';
import { builtinOperators } from '../../src/formats/tflite/schema-table.ts';
import { allNodes } from '../../src/ir/index.ts';
import { runnableOf } from '../../src/runtime/own-runner.ts';
import { closeTflite, runTflite } from '../peers/tflite.ts';
import { sharedFile } from '../shared.ts';

/** Compression of TFLite models gives TFLite models, which TFLite's own runtime runs. */

const x = suite('compression of TFLite models');

const image = [1, 96, 96, 3];
const feeds = (): Record<string, Tensor> => {
  const next = random(9);
  const data = Float32Array.from({ length: 96 * 96 * 3 }, () => next.uniform());
  return { input_1: new Tensor('float32', data, image) };
};

interface Small {
  bytes: Uint8Array;
  /** Of the file before. */
  share: number;
  operators: Record<string, number>;
}

async function small(bytes: Uint8Array, quantize: QuantizeOption): Promise<Small> {
  const { model } = await compress(await readModel(bytes), { quantize });
  const written = await writeModel(model);
  const record = decodeTflite(written);
  const operators: Record<string, number> = {};
  for (const { opcodeIndex = 0 } of record.subgraphs![0]!.operators ?? []) {
    const { builtinCode = 0 } = record.operatorCodes![opcodeIndex]!;
    const name = builtinOperators[builtinCode]!;
    operators[name] = (operators[name] ?? 0) + 1;
  }
  return { bytes: written, share: written.length / bytes.length, operators };
}

const cases: readonly {
  name: string;
  quantize: QuantizeOption;
  share: number;
  /** Largest difference from the model as it was, in TFLite's runtime. */
  loss: number;
  /** And between the two runtimes: hybrid kernels round what comes in. */
  runtimes: number;
  hybrid: boolean;
}[] = [
  { name: 'int8', quantize: 'int8', share: 0.33, loss: 0.01, runtimes: 0.005, hybrid: true },
  {
    name: 'uint8',
    quantize: 'uint8',
    share: 0.34,
    loss: 0.01,
    runtimes: 1e-6,
    hybrid: false,
  },
  {
    name: 'float16',
    quantize: 'float16',
    share: 0.55,
    loss: 0.001,
    runtimes: 1e-6,
    hybrid: false,
  },
];

for (const { name, quantize, share, loss, runtimes, hybrid } of cases) {
  x(`${name} weights`, async () => {
    const bytes = sharedFile('tflite-models/mlperf-tiny/vww_mobilenet_fp32.tflite');
    if (bytes === null) return;
    const made = await small(bytes, quantize);
    assert.ok(made.share <= share, `${made.share}`);
    const dequantized = made.operators.DEQUANTIZE ?? 0;
    assert.ok(hybrid ? dequantized <= 1 : dequantized > 10, JSON.stringify(made.operators));
    const model = await readModel(made.bytes);
    assert.is(model.format, 'tflite');
    const [input] = model.graph.inputs;
    const given = { [input!.name]: Object.values(feeds())[0]! };
    const runnable = await runnableOf(model);
    const own = Object.values(await runnable.run(given))[0]!;
    await runnable.dispose();
    const before = (await runTflite(bytes, Object.values(feeds()))).outputs[0]!;
    const after = (await runTflite(made.bytes, Object.values(feeds()))).outputs[0]!;
    const apart = (a: Tensor, b: Tensor): number =>
      Math.max(
        ...Array.from({ length: a.size }, (_, i) =>
          Math.abs(Number(a.data[i]) - Number(b.data[i])),
        ),
      );
    assert.ok(apart(before, after) <= loss, `${apart(before, after)} from the model as it was`);
    assert.ok(apart(own, after) <= runtimes, `${apart(own, after)} between runtimes`);
  });
}

x('a file that is read where it is needed gives the same bytes', async () => {
  const bytes = sharedFile('tflite-models/ultraface/RFB-320_without_postprocessing.tflite');
  if (bytes === null) return;
  const source = {
    size: bytes.length,
    read: (offset: number, length: number) => bytes.slice(offset, offset + length),
  };
  const later = { ...source, read: async (o: number, n: number) => source.read(o, n) };
  for (const options of [{}, { quantize: 'int8' } as const]) {
    const written: Uint8Array[] = [];
    for (const from of [bytes, source, later]) {
      const { model } = await compress(await readModel(from), options);
      written.push(await writeModel(model));
      await readModel(written.at(-1)!);
    }
    assert.equal(written[1], written[0]);
    assert.ok(Math.abs(written[2]!.length - written[0]!.length) < 0.1 * written[0]!.length);
  }
});

x('blocks are not for TFLite files', async () => {
  const bytes = sharedFile('tflite-models/mlperf-tiny/ad_autoencoder_fp32.tflite');
  if (bytes === null) return;
  const model = await readModel(bytes);
  const error = await compress(model, {
    quantize: { weights: 'int8', granularity: 'block' },
  }).catch((e: unknown) => e);
  assert.match(String(error), /tensor \| channel for a TFLite model/);
});

x('int4 is by channel, and stays in half bytes', async () => {
  const bytes = sharedFile('tflite-models/mlperf-tiny/ad_autoencoder_fp32.tflite');
  if (bytes === null) return;
  const made = await small(bytes, 'int4');
  assert.ok(made.share <= 0.17, `${made.share}`);
  const model = await readModel(made.bytes);
  const stored = [...allNodes(model.graph)].flatMap(({ inputs }) =>
    inputs.flatMap((value) => value?.quantization?.storage ?? []),
  );
  assert.ok(stored.filter((storage) => storage === 'int4').length >= 8, stored.join());
});

x.after(closeTflite);
x.run();
