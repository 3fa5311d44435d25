import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeToBytes } from '../../src/formats/onnx/codec.ts';
import { floats, info, modelBytes, node } from '../build-model.ts';
import { onnxCases } from '../onnx-cases.ts';
import { type Judgement, judge } from './judge.ts';

const x = suite('conformance of sessions');

/** Of all cases, those out of scope among them. */
const leastPercent = 97;

x(`no case crashes, and at least ${leastPercent} % pass`, async () => {
  const judgements: Judgement[] = [];
  for (const item of onnxCases()) judgements.push(await judge(item));
  if (judgements.length === 0) return;
  const crashes = judgements.filter(({ status }) => status === 'crash');
  assert.equal(
    crashes.map(({ name, reason }) => `${name}: ${reason}`),
    [],
  );
  const passed = judgements.filter(({ status }) => status === 'pass').length;
  const percent = (passed * 100) / judgements.length;
  const failed = judgements.filter(({ status }) => status === 'fail').map(({ name }) => name);
  assert.ok(percent >= leastPercent, `${passed} of ${judgements.length} pass; ${failed.join(' ')}`);
});

x('the command judges every case of a folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'modelpress-conformance-'));
  const negation = (op: string): Uint8Array =>
    modelBytes({
      node: [node(op, ['x'], ['y'])],
      input: [info('x', [2])],
      output: [info('y', [2])],
    });
  const tensor = (...values: number[]): Uint8Array =>
    encodeToBytes('TensorProto', floats('', [values.length], values));
  const write = (name: string, model: Uint8Array, ...sets: [Uint8Array, Uint8Array][]): void => {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, 'model.onnx'), model);
    for (const [i, [input, output]] of sets.entries()) {
      const set = join(folder, name, `test_data_set_${i}`);
      mkdirSync(set);
      writeFileSync(join(set, 'input_0.pb'), input);
      writeFileSync(join(set, 'output_0.pb'), output);
    }
  };
  write('good', negation('Neg'), [tensor(1, 2), tensor(-1, -2)], [tensor(0, 3), tensor(0, -3)]);
  write('wrong', negation('Neg'), [tensor(1, 2), tensor(-1, -2)], [tensor(0, 3), tensor(0, 3)]);
  write('deep/unknown', negation('Nag'), [tensor(1, 2), tensor(-1, -2)]);
  write('broken', Uint8Array.of(58, 200), [tensor(1, 2), tensor(-1, -2)]);
  write('empty', negation('Neg'));
  const script = fileURLToPath(new URL('run.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [
    ...['--import', 'tsx', script, folder, '--json'],
  ]);
  rmSync(folder, { recursive: true });
  assert.is(status, 1, String(stderr));
  const report = JSON.parse(String(stdout));
  assert.equal(
    Object.fromEntries(
      report.cases.map((item: { name: string; status: string }) => [item.name, item.status]),
    ),
    { good: 'pass', wrong: 'fail', 'deep/unknown': 'fail', broken: 'fail', empty: 'fail' },
  );
  assert.is(report.pass, 1);
  assert.is(report.fail, 4);
});

x.run();
