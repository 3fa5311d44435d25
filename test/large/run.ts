/** `npm run test:large [-- GB]`: makes a model with gigabytes of external data, compresses it with the command line in
 *  a process of its own, and checks that its peak memory stays below 600 MB. Needs 1.3 times the size on disk. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeToBytes } from '../../src/formats/onnx/codec.ts';
import type { TensorProto } from '../../src/formats/onnx/proto.ts';
import { info, node, noise } from '../build-model.ts';

const gigabytes = Number(process.argv[2] ?? 4);
const mostBytes = 600e6;
const rows = 8192;
const columns = 8192;
const weightBytes = rows * columns * 4;
const count = Math.max(1, Math.round((gigabytes * 1e9) / weightBytes));
const folder = mkdtempSync(join(tmpdir(), 'modelpress-large-'));
let failed = 0;

const check = (what: string, ok: boolean): void => {
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${what}`);
  if (!ok) failed++;
};

try {
  console.log(
    `writing ${count} weights of ${rows} × ${columns}: ${((count * weightBytes) / 1e9).toFixed(2)} GB`,
  );
  const data = openSync(join(folder, 'weights.bin'), 'w');
  const block = new Uint8Array(noise(columns * 128, 1, 0.02).buffer);
  // Equal weights would be stored once: each ends in another block.
  for (let weight = 0; weight < count; weight++) {
    for (let at = block.length; at < weightBytes; at += block.length) writeSync(data, block);
    writeSync(data, new Uint8Array(noise(columns * 128, 2 + weight, 0.02).buffer));
  }
  closeSync(data);
  const tensors = Array.from(
    { length: count },
    (_, i): TensorProto => ({
      name: `w${i}`,
      dims: [rows, columns],
      dataType: 1,
      dataLocation: 1,
      externalData: [
        { key: 'location', value: 'weights.bin' },
        { key: 'offset', value: String(i * weightBytes) },
        { key: 'length', value: String(weightBytes) },
      ],
    }),
  );
  const nodes = tensors.map((_, i) =>
    node('MatMul', [i === 0 ? 'x' : `h${i}`, `w${i}`], [i === count - 1 ? 'y' : `h${i + 1}`]),
  );
  const graph = {
    name: 'large',
    node: nodes,
    initializer: tensors,
    input: [info('x', [1, rows])],
    output: [info('y', null)],
  };
  writeFileSync(
    join(folder, 'large.onnx'),
    encodeToBytes('ModelProto', {
      irVersion: 8,
      opsetImport: [{ domain: '', version: 17 }],
      graph,
    }),
  );
  const start = performance.now();
  const peak = join(folder, 'peak');
  const run = spawnSync(
    process.execPath,
    [
      '--import',
      `data:text/javascript,import {writeFileSync} from 'node:fs'; process.on('exit', () => writeFileSync(${JSON.stringify(peak)}, String(process.resourceUsage().maxRSS)));`,
      'dist/node/cli/main.js',
      'compress',
      join(folder, 'large.onnx'),
      '-o',
      join(folder, 'small.onnx'),
      '--quantize',
      'int8',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const seconds = (performance.now() - start) / 1000;
  check(`the command ends well (${seconds.toFixed(0)} s)`, run.status === 0);
  const kilobytes = Number(readFileSync(peak, 'utf8'));
  check(
    `peak memory ${(kilobytes / 1000).toFixed(0)} MB ≤ ${mostBytes / 1e6} MB`,
    kilobytes * 1024 <= mostBytes,
  );
  const small = statSync(join(folder, 'small.onnx.data')).size;
  const share = small / (count * weightBytes);
  check(`external data shrank to ${(share * 100).toFixed(1)} %`, share > 0.24 && share < 0.26);
  const described = execFileSync(process.execPath, [
    'dist/node/cli/main.js',
    'compress',
    join(folder, 'small.onnx'),
    '--dry-run',
    '--json',
  ]);
  check('the new model reads again', JSON.parse(described.toString()).kind === 'compress');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`\n${4 - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
