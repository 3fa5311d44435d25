import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CompressReport } from '../../src/report/report.ts';
import { sharedFile } from '../shared.ts';
import { press } from './press.ts';

const x = suite("TFLite's parameters on the command line");

const folder = mkdtempSync(join(tmpdir(), 'converter-'));
const path = (name: string): string => join(folder, name);
x.after(() => rmSync(folder, { recursive: true }));

const files = ['fp32', 'int8'].map((kind) =>
  sharedFile(`tflite-models/mlperf-tiny/ic_resnet8_${kind}.tflite`),
);
const isThere = files.every((bytes) => bytes !== null);

x.before(() => {
  if (!isThere) return;
  writeFileSync(path('float.tflite'), files[0]!);
  writeFileSync(path('twin.tflite'), files[1]!);
});

const run = (output: string, ...args: string[]): ReturnType<typeof press> =>
  press([
    ...['compress', path('float.tflite'), '-o', path(output), '-f', '-q'],
    // The proof is on noise of ±1, where the model takes pixels to 255.
    ...['--force-quality', '--quantize', 'int8', '--scheme', 'tflite', ...args],
  ]);

x('levels of a twin, or of a plan, and integers in and out', () => {
  if (!isThere) return;
  const made = run('a.tflite', '--like', path('twin.tflite'), '--io-types', 'int8', '--json');
  assert.is(made.code, 0, made.err);
  const report = JSON.parse(made.out) as CompressReport;
  assert.equal(report.activations?.real, []);
  // Both models ran: what the second takes was quantized for it.
  assert.is(report.proof?.outputs.length, 1);
  assert.ok(report.bytesAfter! < 0.93 * files[1]!.length);
  const dry = press([
    ...['compress', path('float.tflite'), '--dry-run', '--json', '-q', '--quantize', 'int8'],
    ...['--scheme', 'tflite', '--like', path('twin.tflite')],
  ]);
  assert.is(dry.code, 0, dry.err);
  writeFileSync(path('plan.json'), dry.out);
  const again = run('b.tflite', '--like', path('plan.json'), '--io-types', 'int8');
  assert.is(again.code, 0, again.err);
  assert.equal(readFileSync(path('b.tflite')), readFileSync(path('a.tflite')));
  const short = run('c.tflite', '--like', path('plan.json'), '--short-names');
  assert.is(short.code, 0, short.err);
  assert.ok(readFileSync(path('c.tflite')).length < readFileSync(path('a.tflite')).length);
});

x('what does not go together is said', () => {
  if (!isThere) return;
  const cases: [string[], RegExp][] = [
    [[], /--scheme goes with --calibration or --like/],
    [['--like', path('float.tflite')], /no quantized values/],
    [['--like', path('twin.tflite'), '--io-types', 'int4'], /--io-types takes float32, int8/],
  ];
  for (const [args, message] of cases) {
    const { code, err } = run('d.tflite', ...args);
    assert.is(code, 2, err);
    assert.match(err, message);
  }
});

x.run();
