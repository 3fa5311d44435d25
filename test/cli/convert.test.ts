import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';
import { press } from './press.ts';

const x = suite('convert on the command line');
let folder = '';
const path = (name: string): string => join(folder, name);

x.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'modelpress-convert-'));
  writeFileSync(
    path('model.onnx'),
    modelBytes({
      node: [
        node('Conv', ['x', 'w'], ['a'], { pads: [1, 1, 1, 1] }),
        node('Relu', ['a'], ['b']),
        node('Conv', ['b', 'v'], ['y']),
      ],
      initializer: [
        floats('w', [16, 3, 3, 3], noise(432, 1)),
        floats('v', [64, 16, 3, 3], noise(9216, 2)),
      ],
      input: [info('x', [1, 3, 8, 8])],
      output: [info('y', [1, 64, 6, 6])],
    }),
  );
  writeFileSync(
    path('odd.onnx'),
    modelBytes({
      node: [node('Unheard', ['x'], ['a']), node('Unsaid', ['a'], ['y'])],
      input: [info('x', [2])],
      output: [info('y', [2])],
    }),
  );
});

x.after(() => rmSync(folder, { recursive: true, force: true }));

x('the ending of the name says the format; the proof is printed', () => {
  const { code, out, err } = press([
    'convert',
    path('model.onnx'),
    '-o',
    path('model.tflite'),
    '--layout',
    'NHWC',
    '--layers',
  ]);
  assert.is(code, 0, err);
  assert.is(readFileSync(path('model.tflite')).subarray(4, 8).toString(), 'TFL3');
  for (const part of ['tflite', 'least there can be: 0', 'Proof', 'Layers: 2 compared, 2 agree'])
    assert.ok(out.includes(part), `${part} in\n${out}`);
});

x('a TFLite file is inspected, run, compared, measured and compressed', () => {
  const model = path('model.tflite');
  const inspected = press(['inspect', model]);
  assert.is(inspected.code, 0, inspected.err);
  assert.ok(inspected.out.startsWith('tflite,'), inspected.out);
  const ran = press(['run', model, '--random']);
  assert.is(ran.code, 0, ran.err);
  assert.match(ran.out, /1\D+6\D+6\D+64/);
  const compared = press(['compare', path('model.onnx'), model]);
  assert.is(compared.code, 0, compared.err);
  assert.match(compared.out, /y +9\.22 k +(0|[\d.e-]+) /);
  const timed = press(['bench', model, '--runs', '2']);
  assert.is(timed.code, 0, timed.err);
  const small = press(['compress', model, '-o', path('small.tflite'), '--quantize', 'int8']);
  assert.is(small.code, 0, small.err);
  assert.is(readFileSync(path('small.tflite')).subarray(4, 8).toString(), 'TFL3');
  assert.ok(readFileSync(path('small.tflite')).length < 0.45 * readFileSync(model).length);
});

x('back to ONNX with --to, and as JSON', () => {
  const { code, out, err } = press([
    'convert',
    path('model.tflite'),
    '-o',
    path('back'),
    '--to',
    'onnx',
    '--layout',
    'NCHW',
    '--json',
  ]);
  assert.is(code, 0, err);
  const report = JSON.parse(out);
  assert.equal([report.from, report.to, report.layers.firstDifferent], ['tflite', 'onnx', null]);
  assert.equal(report.transposes, { count: 0, least: 0 });
});

x('what is in the way is listed, and nothing is written', () => {
  const { code, err } = press(['convert', path('odd.onnx'), '-o', path('odd.tflite')]);
  assert.is(code, 1);
  const lines = err.trim().split('\n');
  assert.match(lines[0]!, /2 things are in the way; nothing was written/);
  assert.match(lines[1]!, /E_TFLITE_\w+: .*Unheard/);
  assert.match(lines[2]!, /E_TFLITE_\w+: .*Unsaid/);
  assert.not.ok(readdirSync(folder).some((name) => name.includes('odd.tflite')));
});

x('wrong usage says what is right', () => {
  const model = path('model.onnx');
  const cases: [string[], RegExp][] = [
    [['-o', path('a.tflite'), '--layout', 'CHWN'], /--layout takes NCHW, NHWC/],
    [
      ['-o', path('a.tflite'), '--min-runtime', 'new'],
      /--min-runtime takes a release such as 2\.3/,
    ],
    [['-o', path('a'), '--to', 'pb'], /--to takes tflite, onnx/],
  ];
  for (const [args, message] of cases) {
    const { code, err } = press(['convert', model, ...args]);
    assert.is(code, 2);
    assert.match(err, message);
  }
});

x.run();
