import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as peer from 'onnxruntime-web';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as own from '../../src/ort/index.ts';
import { floats, info, ints, modelBytes, node, noise } from '../build-model.ts';

const x = suite('modelpress/ort');
const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('../../', import.meta.url));
let folder = '';
let path = '';

peer.env.wasm.numThreads = 1;
peer.env.logLevel = 'error';

x.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'modelpress-ort-'));
  path = join(folder, 'model.onnx');
  writeFileSync(
    path,
    modelBytes({
      node: [
        node('Gemm', ['x', 'w', 'b'], ['scores']),
        node('TopK', ['scores', 'k'], ['best', 'classes']),
      ],
      initializer: [
        floats('w', [6, 4], noise(24, 1)),
        floats('b', [4], noise(4, 2)),
        ints('k', [2]),
      ],
      input: [info('x', ['batch', 6])],
      output: [
        info('scores', ['batch', 4]),
        info('best', ['batch', 2]),
        info('classes', ['batch', 2], 7),
      ],
    }),
  );
});

const { log } = console;
x.after.each(() => {
  console.log = log;
});
x.after(() => rmSync(folder, { recursive: true, force: true }));

x('a program gives the same after its import was changed', () => {
  const program = `import * as ort from 'ORT';
import { readFileSync } from 'node:fs';
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths ??= undefined;
ort.env.logLevel = 'error';
const bytes = readFileSync(${JSON.stringify(path)});
const session = await ort.InferenceSession.create(bytes, {
  executionProviders: ['wasm'],
  graphOptimizationLevel: 'all',
});
const x = new ort.Tensor('float32', Float32Array.from({ length: 12 }, (_, i) => i / 4 - 1), [2, 6]);
const all = await session.run({ [session.inputNames[0]]: x });
const some = await session.run({ x }, ['classes']);
const { best } = await session.run({ x }, { best: null }, { tag: 'a' });
const show = ({ type, dims, size, data }) => ({ type, dims, size, data: Array.from(data, (v) => Number(v).toPrecision(4)) });
console.log(JSON.stringify({
  inputs: session.inputNames, outputs: session.outputNames,
  inputMetadata: session.inputMetadata, outputMetadata: session.outputMetadata,
  all: Object.fromEntries(Object.entries(all).map(([name, tensor]) => [name, show(tensor)])),
  some: Object.keys(some), best: show(best),
  flat: show(x.reshape([12])), location: x.location, get: show({ ...show(x), data: await x.getData() }),
}));
await session.release();
process.exit(0);`;
  const run = (module: string): unknown =>
    JSON.parse(
      String(
        execFileSync(
          process.execPath,
          ['--no-warnings', '--input-type=module', '--eval', program.replace('ORT', module)],
          { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
        ),
      ),
    );
  assert.equal(run('modelpress/ort'), run('onnxruntime-web'));
});

interface Silero {
  process(frame: Float32Array): Promise<{ isSpeech: number }>;
  release(): Promise<void>;
}

interface SileroClass {
  new: (ort: unknown, fetcher: () => Promise<ArrayBuffer>) => Promise<Silero>;
}

for (const [file, name, model, samples] of [
  ['legacy', 'SileroLegacy', 'silero_vad_legacy', 1536],
  ['silero', 'Silero', 'silero_vad_v5', 512],
] as const) {
  x(`${name} of @ricky0123/vad-web on both`, async () => {
    console.log = () => {}; // The program under test logs.
    const module = require(`@ricky0123/vad-web/dist/models/${file}.js`) as Record<
      string,
      SileroClass
    >;
    const bytes = readFileSync(require.resolve(`@ricky0123/vad-web/dist/${model}.onnx`));
    const fetcher = async (): Promise<ArrayBuffer> => new Uint8Array(bytes).buffer;
    const results: number[][] = [];
    for (const ort of [peer, own]) {
      const silero = await module[name]!.new(ort, fetcher);
      const heard: number[] = [];
      for (let frame = 0; frame < 4; frame++)
        heard.push((await silero.process(noise(samples, frame + 1, 0.2))).isSpeech);
      await silero.release();
      results.push(heard);
    }
    const [expected, got] = results;
    assert.ok(expected!.some((value) => value > 0));
    got!.forEach((value, i) => {
      assert.ok(Math.abs(value - expected![i]!) < 1e-4, `${value}, expected ${expected![i]}`);
    });
  });
}

const tensors: unknown[][] = [
  ['float32', [1, 2, 3], [3]],
  ['float32', new Float32Array(6), [2, 3]],
  ['float32', new Float32Array(6)],
  ['int64', [16000n]],
  ['int64', [1, 2]],
  ['bool', [true, false]],
  ['bool', new Uint8Array(2)],
  ['uint8', new Uint8ClampedArray([1, 300])],
  ['string', ['a', 'b'], [1, 2]],
  [new Float32Array(2)],
  [new Float64Array(2), [2, 1]],
  [new BigInt64Array(1), []],
  [new Int8Array(3), [3]],
  [new Uint8Array(3)],
  [['a']],
  [[true, false], [2]],
  ['uint4', new Uint8Array(2), [3]],
  ['float32', new Float32Array(6), [2, 2]],
  ['float32', new Int32Array(6), [6]],
  ['float32', new Float32Array(1), [-1]],
  ['float33', [1]],
  [[]],
  [[1]],
  ['string', 'a'],
  ['float32', new Float32Array(6), 6],
];

for (const args of tensors) {
  const text = args.map((arg) =>
    JSON.stringify(arg, (_, v) => (typeof v === 'bigint' ? `${v}n` : v)),
  );
  x(`new Tensor(${text.join(', ')}) is what onnxruntime makes of it`, () => {
    const make = (ort: unknown): unknown => {
      const { Tensor } = ort as { Tensor: new (...args: unknown[]) => own.Tensor };
      try {
        const { type, data, dims, size, location } = new Tensor(...args);
        return {
          type,
          data: [...data].map(String),
          kind: data.constructor.name,
          dims,
          size,
          location,
        };
      } catch {
        return 'refused';
      }
    };
    assert.equal(make(own), make(peer));
  });
}

x('a result goes into the tensor that was given for it', async () => {
  // onnxruntime-web leaves zeros in it; onnxruntime-node does this.
  const session = await own.InferenceSession.create(path);
  const feed = new own.Tensor('float32', noise(12, 5), [2, 6]);
  const mine = new own.Tensor('float32', new Float32Array(4), [2, 2]);
  const { best } = await session.run({ x: feed }, { best: mine });
  assert.is(best, mine);
  assert.equal(mine.data, (await session.run({ x: feed })).best!.data);
  await session.release();
});

x('float16 goes in and out', async () => {
  const bytes = modelBytes({
    node: [node('Neg', ['x'], ['y'])],
    input: [info('x', [2], 10)],
    output: [info('y', [2], 10)],
  });
  const session = await own.InferenceSession.create(bytes);
  const { y } = await session.run({
    x: new own.Tensor('float16', Uint16Array.of(0x3c00, 0xc000), [2]),
  });
  const { buffer, byteOffset } = y!.data as Uint16Array;
  assert.equal([...new Uint16Array(buffer, byteOffset, 2)], [0xbc00, 0x4000]);
  await session.release();
});

x('models by path, URL, buffer and part of a buffer', async () => {
  const bytes = readFileSync(path);
  const padded = new Uint8Array(bytes.length + 7);
  padded.set(bytes, 3);
  const url = `data:application/octet-stream;base64,${bytes.toString('base64')}`;
  const { create } = own.InferenceSession;
  for (const session of [
    await create(path),
    await create(pathToFileURL(path).href),
    await create(url),
    await create(new Uint8Array(bytes).buffer, {}),
    await create(padded.buffer, 3, bytes.length),
    await create(padded.subarray(3, 3 + bytes.length)),
  ]) {
    assert.equal(session.inputNames, ['x']);
    await session.release();
  }
});

x('weights in files that are given', async () => {
  const weights = new Uint8Array(noise(6, 3).buffer);
  const bytes = modelBytes({
    node: [node('Add', ['x', 'w'], ['y'])],
    initializer: [
      {
        name: 'w',
        dims: [6],
        dataType: 1,
        dataLocation: 1,
        externalData: [{ key: 'location', value: 'w.bin' }],
      },
    ],
    input: [info('x', [6])],
    output: [info('y', [6])],
  });
  const options: own.InferenceSession.SessionOptions = {
    executionProviders: ['wasm'],
    externalData: [{ path: './w.bin', data: weights }],
  };
  const type: own.Tensor.Type = 'float32';
  const session = await own.InferenceSession.create(bytes, options);
  const { y } = await session.run({ x: new own.Tensor(type, new Float32Array(6), [6]) });
  assert.equal(y!.data, noise(6, 3));
  await session.release();
});

x('what is wrong is said', async () => {
  const session = await own.InferenceSession.create(path);
  const feed = new own.Tensor('float32', new Float32Array(6), [1, 6]);
  const rejects = async (run: () => Promise<unknown>, message: RegExp): Promise<void> => {
    const error = await run().then(
      () => null,
      (reason: unknown) => reason,
    );
    assert.instance(error, Error);
    assert.match((error as Error).message, message);
  };
  await rejects(() => session.run({}), /feeds\.x/);
  await rejects(() => session.run({ x: feed, z: feed }), /expected inputs x/);
  await rejects(() => session.run({ x: feed }, ['none']), /"fetches" expected scores/);
  await rejects(() => session.run({ x: feed }, []), /at least one/);
  await rejects(() => session.run(feed as never), /"feeds"/);
  await rejects(() => session.run({ x: feed }, { best: feed }), /fetches\.best/);
  await rejects(() => own.InferenceSession.create(join(folder, 'none.onnx')), /can't be read/);
  await rejects(() => own.InferenceSession.create(new Uint8Array(9)), /./);
  feed.dispose();
  await rejects(() => session.run({ x: feed }), /one that lives/);
  await session.release();
  await session.release();
});

x.run();
