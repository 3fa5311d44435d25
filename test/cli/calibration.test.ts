import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSamples } from '../../src/cli/samples.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { writeNpy } from '../../src/formats/npy.ts';
import type { CompressReport } from '../../src/report/report.ts';
import type { ValueInfo } from '../../src/runtime/runner.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';
import { input, runModel, sqnr } from '../ort.ts';
import { press } from './press.ts';

const x = suite('calibration from files');

const folder = mkdtempSync(join(tmpdir(), 'calibration-'));
const path = (name: string): string => join(folder, name);
x.after(() => rmSync(folder, { recursive: true }));

const model = modelBytes({
  input: [info('x', ['n', 32])],
  output: [info('y', ['n', 48])],
  initializer: [floats('w', [32, 64], noise(2048, 1)), floats('v', [64, 48], noise(3072, 2))],
  node: [
    node('MatMul', ['x', 'w'], ['p']),
    node('Relu', ['p'], ['h']),
    node('MatMul', ['h', 'v'], ['y']),
  ],
});
const samples = noise(32 * 40, 3);
const written = (dims: number[], values: ArrayLike<number>): Uint8Array =>
  writeNpy(new Tensor('float32', Float32Array.from(values), dims));

x.before(() => {
  writeFileSync(path('model.onnx'), model);
  writeFileSync(path('all.npy'), written([40, 32], samples));
  writeFileSync(path('wide.npy'), written([4, 33], new Float32Array(132)));
  mkdirSync(path('parts'));
  writeFileSync(path('parts/a.npy'), written([10, 32], samples.subarray(0, 320)));
  writeFileSync(path('parts/b.npy'), written([30, 32], samples.subarray(320)));
});

const run = (...args: string[]): ReturnType<typeof press> =>
  press(['compress', path('model.onnx'), '-f', '-q', ...args]);

x('activations become int8, proved on the samples, the same from a file and a folder', async () => {
  const files: Uint8Array[] = [];
  for (const data of ['all.npy', 'parts']) {
    const { code, out, err } = run(
      '-o',
      path('small.onnx'),
      '--quantize',
      'int8',
      '--calibration',
      path(data),
      '--json',
    );
    assert.is(code, 0, err);
    const report = JSON.parse(out) as CompressReport;
    assert.match(report.method, /^static/);
    assert.is(report.proof?.inputs, 'given');
    files.push(new Uint8Array(readFileSync(path('small.onnx'))));
  }
  assert.equal(files[0], files[1]);
  const feeds = { x: input(samples, [40, 32]) };
  const [before, after] = [await runModel(model, feeds), await runModel(files[0]!, feeds)];
  assert.ok(sqnr(before.y!.data as Float32Array, after.y!.data as Float32Array) > 30);
});

x('weights of 4 bits are rounded on the samples', () => {
  const errors = ['nearest', 'adaround'].map((rounding) => {
    const file = path('four.onnx');
    const calibration = ['--calibration', path('all.npy'), '--rounding', rounding];
    const { code, out, err } = run(
      '--quantize',
      'int4',
      ...calibration,
      '-o',
      file,
      '-f',
      '--json',
    );
    assert.is(code, 0, err);
    const report = JSON.parse(out) as CompressReport;
    for (const layer of report.layers)
      assert.is(layer.rounding !== undefined, rounding !== 'nearest');
    return report.proof!.outputs[0]!.sqnrDb!;
  });
  assert.ok(errors[1]! > errors[0]! + 2, `${errors} dB`);
});

x('what does not fit is said', () => {
  const said = (pattern: RegExp, ...args: string[]): void => {
    const { code, err } = run('-o', path('no.onnx'), ...args);
    assert.is(code, 2, err);
    assert.match(err, pattern);
  };
  said(
    /samples of \[1, 33\], but "x" takes \[n, 32\]/,
    '--quantize',
    'int8',
    '--calibration',
    path('wide.npy'),
  );
  said(/there is no /, '--quantize', 'int8', '--calibration', path('none.npz'));
  said(/goes with integers/, '--quantize', 'float16', '--calibration', path('all.npy'));
  said(/goes with --calibration/, '--quantize', 'int4', '--rounding', 'gptq');
  said(/goes with --quantize/, '--calibration', path('all.npy'));
  said(/goes with --calibration/, '--quantize', 'int8', '--calibration-method', 'mse');
});

const take = async (data: string, info: ValueInfo, limit: number): Promise<Tensor[]> => {
  const taken: Tensor[] = [];
  for await (const feeds of readSamples(path(data), [info], limit)) taken.push(feeds[info.name]!);
  return taken;
};

x('samples as the input takes them', async () => {
  const one = await take('all.npy', { name: 'x', type: 'float32', dims: ['n', 32] }, 5);
  assert.equal(
    one.map(({ dims }) => [...dims]),
    Array.from({ length: 5 }, () => [1, 32]),
  );
  assert.equal(one[4]!.data, samples.slice(128, 160));
  const flat = await take('all.npy', { name: 'x', type: 'float32', dims: [32] }, 2);
  assert.equal(
    flat.map(({ dims }) => [...dims]),
    [[32], [32]],
  );
  // Whole batches of the size that the input declares.
  const sixteen = await take('all.npy', { name: 'x', type: 'float32', dims: [16, 32] }, 256);
  assert.equal(
    sixteen.map(({ dims }) => [...dims]),
    [
      [16, 32],
      [16, 32],
    ],
  );
});

x.run();
