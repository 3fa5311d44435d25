import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeToBytes } from '../../src/formats/onnx/codec.ts';
import type { TensorProto } from '../../src/formats/onnx/proto.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';
import { main, press } from './press.ts';

const x = suite('command line');
let folder = '';
let model = '';

x.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'modelpress-cli-'));
  model = join(folder, 'model.onnx');
  writeFileSync(
    model,
    modelBytes({
      node: [node('Gemm', ['x', 'w', 'b'], ['a']), node('Softmax', ['a'], ['y'])],
      initializer: [floats('w', [64, 96], noise(64 * 96, 1)), floats('b', [96], noise(96, 2))],
      input: [info('x', ['N', 64])],
      output: [info('y', ['N', 96])],
    }),
  );
});

x.after(() => rmSync(folder, { recursive: true, force: true }));

const files = (): string[] => readdirSync(folder).sort();

x('compress writes the file, the table and the proof', () => {
  const output = join(folder, 'small.onnx');
  const { code, out, err } = press(['compress', model, '-o', output, '--quantize', 'int8']);
  assert.is(code, 0, err);
  assert.is(err, '');
  for (const part of [
    'w ',
    '64',
    'int8',
    'Kept as they were',
    'run by modelpress',
    'output agreement',
  ]) {
    assert.ok(out.includes(part), `${part} in\n${out}`);
  }
  assert.ok(readFileSync(output).length < 0.32 * readFileSync(model).length);
  assert.equal(files(), ['model.onnx', 'small.onnx'], 'no temporary file is left');
  assert.not.ok(out.includes('\u001b'), 'no escape sequences where there is no terminal');
});

x('an existing file is kept without --force', () => {
  const output = join(folder, 'small.onnx');
  const before = readFileSync(output);
  const { code, err } = press(['compress', model, '-o', output, '--quantize', 'int4']);
  assert.is(code, 2);
  assert.match(err, /exists \(use --force/);
  assert.equal(readFileSync(output), before);
  assert.is(press(['compress', model, '-o', output, '--quantize', 'int4', '-f', '-q']).code, 0);
  assert.is.not(Buffer.compare(readFileSync(output), before), 0);
});

x('--json is one JSON document, --dry-run writes nothing', () => {
  const before = files();
  const { code, out } = press(['compress', model, '--quantize', 'uint8', '--dry-run', '--json']);
  assert.is(code, 0);
  const report = JSON.parse(out);
  assert.is(report.kind, 'compress');
  assert.is(report.version, 1);
  assert.is(report.layers.length, 1);
  assert.is(report.plan.weights[0].weight, 'w');
  assert.ok(report.bytesAfter < report.bytesBefore);
  assert.equal(files(), before);
});

x('standard input and output carry models', () => {
  const { code, out, err } = press(['compress', '-', '-o', '-', '--quantize', 'int8'], {
    input: readFileSync(model),
  });
  assert.is(code, 0, err);
  const bytes = Buffer.from(out, 'latin1');
  const again = press(['inspect', '-', '--json'], { input: bytes });
  assert.ok(
    JSON.parse(again.out).operators.some(
      ({ name }: { name: string }) => name === 'DequantizeLinear',
    ),
  );
  assert.match(err, /output agreement/);
});

x('compare runs both', () => {
  const { code, out } = press([
    'compare',
    model,
    join(folder, 'small.onnx'),
    '--samples',
    '2',
    '--json',
  ]);
  assert.is(code, 0);
  const report = JSON.parse(out);
  assert.is(report.outputs.samples, 2);
  assert.is(report.weights.length, 1);
  assert.ok(report.weights[0].sqnrDb > 15);
  assert.ok(report.outputs.outputs[0].sqnrDb > 10);
  assert.is(
    JSON.parse(press(['compare', model, model, '--json']).out).outputs.outputs[0].sqnrDb,
    null,
  );
});

x('inspect --optimized says what a session makes of the graph', () => {
  const { code, out } = press(['inspect', model, '--optimized']);
  assert.is(code, 0);
  assert.match(out, /operator +before +after/);
  assert.match(out, /\d+ nodes before, \d+ after\n$/);
  const { optimized } = JSON.parse(press(['inspect', model, '--optimized', '--json']).out);
  assert.ok(optimized.after.nodes <= optimized.before.nodes);
});

x('--runner onnxruntime proves with the other runtime', () => {
  const args = ['compare', model, join(folder, 'small.onnx'), '--json'];
  const runs = [[], ['--runner', 'modelpress'], ['--runner', 'onnxruntime']].map((more) => {
    const { code, out, err } = press([...args, ...more]);
    assert.is(code, 0, err);
    return JSON.parse(out).outputs;
  });
  assert.equal(
    runs.map(({ runner }) => runner.split(' ')[0]),
    ['modelpress', 'modelpress', 'onnxruntime-node'],
  );
  const [own, , other] = runs.map(({ outputs }) => outputs[0].sqnrDb as number);
  // onnxruntime multiplies dequantized weights with less than float32 precision: 45 dB from the exact product here.
  assert.ok(Math.abs(own! - other!) < 1, `${own} and ${other} dB`);
});

x('inspect counts', () => {
  const { code, out } = press(['inspect', model, '--dim', 'N=3', '--json']);
  assert.is(code, 0);
  const report = JSON.parse(out);
  assert.is(report.macs, 3 * 64 * 96);
  assert.is(report.parameters, 64 * 96 + 96);
  assert.match(press(['inspect', model]).out, /6\.24 k parameters/);
});

const wrong: [string[], RegExp][] = [
  [['compres'], /did you mean compress\?/],
  [['compress'], /takes a model/],
  [['compress', 'a', 'b', '-o', 'c'], /one model/],
  [['compress', 'MODEL'], /where to\?/],
  [['compress', 'MODEL', '-o', 'y', '--quantize', 'int9'], /takes int8, uint8/],
  [['compress', 'MODEL', '-o', 'y', '--quantiz', 'int8'], /did you mean --quantize/],
  [['compress', 'MODEL', '-o', 'y', '--block-size', '32'], /goes with --quantize/],
  [
    ['compress', 'MODEL', '-o', 'y', '--quantize', 'int8', '--block-size', '31'],
    /16, 32, 64, 128 or 256/,
  ],
  [['compress', 'MODEL', '-o', '-', '--json'], /can't both/],
  [['compress', 'MODEL', '-o', 'y', '--samples', 'x', '--quantize', 'int8'], /whole number/],
  [['inspect'], /one model/],
  [['inspect', 'MODEL', '--dim', 'N'], /NAME=SIZE/],
  [['compare', 'MODEL'], /two models/],
  [['compare', 'MODEL', 'MODEL', '--input', 'z=1'], /no input "z"/],
  [['compare', 'MODEL', 'MODEL', '--runner', 'ort'], /--runner takes modelpress, onnxruntime/],
];

for (const [args, message] of wrong) {
  x(`wrong usage: ${args.join(' ')}`, () => {
    const before = files();
    const { code, err, out } = press(args.map((arg) => (arg === 'MODEL' ? model : arg)));
    assert.is(code, 2, err);
    assert.match(err, message);
    assert.is(err.trim().split('\n').length, 1, 'one line');
    assert.is(out, '');
    assert.equal(files(), before);
  });
}

const broken: [string, Uint8Array | null, RegExp][] = [
  ['a missing file', null, /E_NO_FILE: .*there is no such file/],
  ['an empty file', new Uint8Array(0), /E_EMPTY/],
  ['text', new TextEncoder().encode('hello, world'), /modelpress: E_\w+: /],
  ['a torn TFLite file', Uint8Array.of(28, 0, 0, 0, 84, 70, 76, 51), /E_FLATBUFFER/],
  ['an archive', Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0), /E_FORMAT_UNSUPPORTED.*zip/],
];

for (const [what, bytes, message] of broken) {
  x(`${what} is one line with a code, and exit code 1`, () => {
    const path = join(folder, 'broken.bin');
    if (bytes !== null) writeFileSync(path, bytes);
    const { code, err } = press([
      'compress',
      path,
      '-o',
      join(folder, 'never.onnx'),
      '--quantize',
      'int8',
    ]);
    assert.is(code, 1);
    assert.match(err, message);
    assert.is(err.trim().split('\n').length, 1);
    assert.not.ok(existsSync(join(folder, 'never.onnx')));
    rmSync(path, { force: true });
  });
}

x('a truncated model leaves nothing behind', () => {
  const bytes = readFileSync(model);
  const path = join(folder, 'cut.onnx');
  writeFileSync(path, bytes.subarray(0, bytes.length / 2));
  const { code, err } = press(['compress', path, '-o', join(folder, 'never.onnx')]);
  assert.is(code, 1);
  assert.match(err, /E_PROTOBUF_TRUNCATED/);
  rmSync(path);
  assert.not.ok(files().some((name) => name.includes('never')));
});

x('external data are read beside the model and written beside the result', () => {
  const weight = noise(256 * 256, 1);
  const tensor: TensorProto = {
    name: 'w',
    dims: [256, 256],
    dataType: 1,
    dataLocation: 1,
    externalData: [{ key: 'location', value: 'w.bin' }],
  };
  const graph = {
    name: 'g',
    node: [node('MatMul', ['x', 'w'], ['y'])],
    initializer: [tensor],
    input: [info('x', [1, 256])],
    output: [info('y', null)],
  };
  const path = join(folder, 'outside.onnx');
  writeFileSync(
    path,
    encodeToBytes('ModelProto', {
      irVersion: 8,
      opsetImport: [{ domain: '', version: 17 }],
      graph,
    }),
  );
  const missing = press(['inspect', path]);
  assert.is(missing.code, 1);
  assert.match(missing.err, /E_ONNX_EXTERNAL_MISSING/);
  writeFileSync(join(folder, 'w.bin'), new Uint8Array(weight.buffer));
  const output = join(folder, 'outside-small.onnx');
  const { code, err } = press(['compress', path, '-o', output, '--quantize', 'int8']);
  assert.is(code, 0, err);
  assert.ok(readFileSync(`${output}.data`).length > 256 * 256);
  assert.ok(readFileSync(output).length < 2000);
  const described = press(['inspect', output, '--json']);
  assert.is(described.code, 0, described.err);
  assert.is(JSON.parse(described.out).largest[0].dtype, 'int8');
  rmSync(join(folder, 'w.bin'));
  symlinkSync(model, join(folder, 'w.bin'));
  const link = press(['inspect', path]);
  assert.is(link.code, 1);
  assert.match(link.err, /E_EXTERNAL_LINK/);
});

x('help and version', () => {
  assert.is(press(['--help']).code, 0);
  assert.is(press([]).code, 2);
  for (const verb of ['inspect', 'compress', 'compare', 'run', 'bench']) {
    const { code, out } = press([verb, '--help']);
    assert.is(code, 0);
    assert.match(out, new RegExp(`modelpress ${verb} `));
    assert.match(out, /Example: /);
  }
  assert.match(press(['--version']).out, /^\d+\.\d+\.\d+\n$/);
});

x('NO_COLOR and FORCE_COLOR', () => {
  assert.ok(
    press(['nothing'], { env: { FORCE_COLOR: '1', NO_COLOR: '' } }).err.includes('\u001b['),
  );
  assert.not.ok(
    press(['nothing'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } }).err.includes('\u001b['),
  );
});

x('a name in the file cannot drive the terminal', () => {
  const path = join(folder, 'escape.onnx');
  const name = 'w\u001b[2J';
  writeFileSync(
    path,
    modelBytes({
      node: [node('MatMul', ['x', name], ['y'])],
      initializer: [floats(name, [64, 64], noise(4096, 1))],
      input: [info('x', [1, 64])],
      output: [info('y', null)],
    }),
  );
  for (const args of [
    ['inspect', path, '--full'],
    ['compress', path, '--dry-run', '--quantize', 'int8', '--full'],
  ]) {
    const { out, code, err } = press(args);
    assert.is(code, 0, err);
    assert.not.ok(out.includes('\u001b'));
    assert.ok(out.includes('\\u001b'));
  }
});

x('an interrupt leaves no file', async () => {
  const big = join(folder, 'big.onnx');
  const weights = Array.from({ length: 24 }, (_, i) =>
    floats(`w${i}`, [1024, 1024], noise(1024 * 1024, i)),
  );
  const nodes = weights.map((_, i) =>
    node('MatMul', [i === 0 ? 'x' : `h${i}`, `w${i}`], [`h${i + 1}`]),
  );
  writeFileSync(
    big,
    modelBytes({
      node: nodes,
      initializer: weights,
      input: [info('x', [1, 1024])],
      output: [info('h24', null)],
    }),
  );
  for (const wait of [350, 600]) {
    const output = join(folder, 'interrupted.onnx');
    const child = spawn(process.execPath, [
      main,
      'compress',
      big,
      '-o',
      output,
      '--quantize',
      'int8',
      '--no-proof',
    ]);
    await new Promise((resolve) => setTimeout(resolve, wait));
    child.kill('SIGINT');
    const code = await new Promise<number | null>((resolve) => child.on('exit', resolve));
    const there = files().filter((name) => name.includes('interrupted'));
    // Either it was stopped, and nothing is there, or it was done before.
    assert.equal(there, code === 0 ? ['interrupted.onnx'] : []);
    rmSync(output, { force: true });
  }
});

x.run();
