import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Tensor } from '../../src/core/tensor.ts';
import { readNpy, writeNpy } from '../../src/formats/npy.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';
import { runModel } from '../ort.ts';
import { sharedFile } from '../shared.ts';
import { main, press } from './press.ts';

const x = suite('modelpress run and bench');
let folder = '';
let model = '';
let picture = '';
const feed = new Tensor('float32', noise(2 * 8, 7), [2, 8]);

x.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'modelpress-run-'));
  model = join(folder, 'model.onnx');
  writeFileSync(
    model,
    modelBytes({
      node: [
        node('MatMul', ['x', 'w'], ['a']),
        node('Softmax', ['a'], ['../y']),
        node('ArgMax', ['a'], ['\u001b[2Jclass'], { axis: 1, keepdims: 0 }),
      ],
      initializer: [floats('w', [8, 5], noise(40, 1))],
      input: [info('x', ['N', 8])],
      output: [info('../y', ['N', 5]), info('\u001b[2Jclass', ['N'], 7)],
    }),
  );
  picture = join(folder, 'x.npy');
  writeFileSync(picture, writeNpy(feed));
});

x.after(() => rmSync(folder, { recursive: true, force: true }));

x('quantized models run under either contract', () => {
  const bytes = sharedFile('tflite-models/tflm/hello_world_int8.tflite');
  if (bytes === null) return;
  const path = join(folder, 'hello.tflite');
  writeFileSync(path, bytes);
  for (const contract of ['single', 'reference']) {
    const { code, out, err } = press(['run', path, '--random', '--contract', contract]);
    assert.is(code, 0, err);
    assert.match(out, /int8/);
  }
  const { code, err } = press(['run', path, '--random', '--contract', 'double']);
  assert.is(code, 2);
  assert.match(err, /single \| reference/);
});

x('outputs are what onnxruntime gives, in files with harmless names', async () => {
  const results = join(folder, 'results', 'deep');
  const { code, out, err } = press([
    'run',
    model,
    '--input',
    `x=${picture}`,
    '--output-dir',
    results,
  ]);
  assert.is(code, 0, err);
  assert.not.ok(out.includes('\u001b'));
  assert.match(Buffer.from(out, 'latin1').toString(), /float32 +2×5/);
  assert.equal(readdirSync(results).sort(), ['__2Jclass.npy', '__y.npy']);
  const expected = await runModel(readFileSync(model), { x: feed });
  const y = readNpy(readFileSync(join(results, '__y.npy')));
  assert.equal(y.dims, [2, 5]);
  (expected['../y']!.data as Float32Array).forEach((value, i) => {
    assert.ok(Math.abs((y.data[i] as number) - value) < 1e-6);
  });
  const classes = readNpy(readFileSync(join(results, '__2Jclass.npy')));
  assert.equal(classes.data, expected['\u001b[2Jclass']!.data);
  const again = press(['run', model, '--input', `x=${picture}`, '--output-dir', results]);
  assert.is(again.code, 2);
  assert.match(again.err, /exists \(use --force/);
});

x('--json, --random, --seed, --profile', () => {
  const run = (seed: string) => {
    const { code, out, err } = press([
      ...['run', model, '--random', '--seed', seed, '--dim', 'N=3', '--json', '--profile'],
    ]);
    assert.is(code, 0, err);
    return JSON.parse(out);
  };
  const report = run('1');
  assert.is(report.kind, 'run');
  assert.equal(report.inputs, [{ name: 'x', type: 'float32', dims: [3, 8], from: 'random' }]);
  assert.equal(report.outputs[0].dims, [3, 5]);
  assert.ok(Math.abs(report.outputs[0].mean - 0.2) < 1e-6, 'probabilities of five classes');
  assert.is(report.nodes.length, 3);
  assert.ok(report.memory.weights > 0);
  assert.equal(run('1').outputs, report.outputs);
  assert.not.equal(run('2').outputs, report.outputs);
});

x('bench takes several models in turns', () => {
  const { code, out, err } = press(['bench', model, model, '--runs', '7', '--json']);
  assert.is(code, 0, err);
  const report = JSON.parse(out);
  assert.is(report.models.length, 2);
  for (const row of report.models) {
    assert.is(row.runs, 7);
    assert.ok(row.bestMs > 0 && row.bestMs <= row.medianMs);
    assert.is(row.macs, 40);
    assert.is(row.nodes.length, 3);
  }
  assert.match(press(['bench', model, '--runs', '2']).out, /median[\s\S]*MatMul/);
});

const wrong: [string[], RegExp][] = [
  [['run'], /one model/],
  [['run', 'MODEL', 'MODEL'], /one model/],
  [['run', 'MODEL'], /no value for "x" \(give --input/],
  [['run', 'MODEL', '--input', 'x'], /NAME=FILE\.npy/],
  [['run', 'MODEL', '--input', 'z=1'], /no input "z"/],
  [['run', 'MODEL', '--random', '--seed', '-1'], /whole number|argument/],
  [['run', 'MODEL', '--randon'], /did you mean --random/],
  [['bench'], /takes models/],
  [['bench', 'MODEL', '--runs', '0'], /at least 1/],
];

for (const [args, message] of wrong) {
  x(`wrong usage: ${args.join(' ')}`, () => {
    const { code, err, out } = press(args.map((arg) => (arg === 'MODEL' ? model : arg)));
    assert.is(code, 2, err);
    assert.match(err, message);
    assert.is(err.trim().split('\n').length, 1, 'one line');
    assert.is(out, '');
  });
}

x('what does not fit or is broken is one line, and nothing is written', () => {
  const results = join(folder, 'never');
  const broken = join(folder, 'broken.onnx');
  writeFileSync(broken, readFileSync(model).subarray(0, 100));
  const narrow = join(folder, 'narrow.npy');
  writeFileSync(narrow, writeNpy(new Tensor('float32', new Float32Array(6), [2, 3])));
  const short = join(folder, 'short.npy');
  writeFileSync(short, readFileSync(picture).subarray(0, 130));
  const cases: [string[], RegExp][] = [
    [[broken, '--random'], /E_PROTOBUF/],
    [[join(folder, 'missing.onnx'), '--random'], /E_NO_FILE/],
    [[model, '--input', `x=${narrow}`], /sizes \[N, 8\]/],
    [[model, '--input', `x=${short}`], /E_NPY.*cut off/],
    [[model, '--input', `x=${join(folder, 'none.npy')}`], /E_NO_FILE/],
  ];
  for (const [args, message] of cases) {
    const { code, err } = press(['run', ...args, '--output-dir', results]);
    assert.is(code, 1, err);
    assert.match(err, message);
    assert.is(err.trim().split('\n').length, 1);
    assert.not.ok(existsSync(results));
  }
  const file = press(['run', model, '--input', `x=${picture}`, '--output-dir', model]);
  assert.is(file.code, 1);
  assert.match(file.err, /E_FILE_WRITE/);
});

x('an interrupt leaves nothing half-written', async () => {
  const slow = join(folder, 'slow.onnx');
  const count = 400;
  writeFileSync(
    slow,
    modelBytes({
      node: Array.from({ length: count }, (_, i) =>
        node('MatMul', [i === 0 ? 'x' : `h${i}`, 'w'], [`h${i + 1}`]),
      ),
      initializer: [floats('w', [512, 512], noise(512 * 512, 1, 0.05))],
      input: [info('x', [512, 512])],
      output: [info(`h${count}`, [512, 512]), info('h1', [512, 512])],
    }),
  );
  for (const wait of [500, 1200]) {
    const results = join(folder, `interrupted-${wait}`);
    const args = [main, 'run', slow, '--random', '--output-dir', results];
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    await new Promise((resolve) => setTimeout(resolve, wait));
    child.kill('SIGINT');
    const code = await new Promise<number | null>((resolve) => child.on('exit', resolve));
    const there = existsSync(results) ? readdirSync(results) : [];
    assert.is(there.length, code === 0 ? 2 : 0, `exit ${code}: ${there}`);
  }
});

x.run();
