// Static int8 against onnxruntime's defaults (one scale for a tensor, plain extremes, nothing done about errors), on the same samples.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compress, type QuantizeSettings } from '../src/compress/index.ts';
import { evaluate, Reference } from '../src/compress/judge/index.ts';
import { readModel, writeModel } from '../src/formats/index.ts';
import { writeNpy } from '../src/formats/npy.ts';
import type { Model } from '../src/ir/model.ts';
import { inputsOf } from '../src/runtime/inputs.ts';
import type { Feeds } from '../src/runtime/runner.ts';
import { accuracy, classesOf, type Images } from '../test/compress/classifiers.ts';
import { sharedData, sharedFile } from '../test/shared.ts';
import { ratioTo } from './comparison.ts';
import type { Bench, BenchOptions } from './lib.ts';
import { comparePeers } from './peers/compare.ts';
import type { NamedTask } from './peers/tasks.ts';
import { calibrationTable } from './quantize/calibration.ts';
import { type Measured, measured, samplesOf } from './quantize/models.ts';
import { latencies } from './quantize/onnxruntime.ts';
import { type Quantized, quantizedTable, type Way } from './quantize/table.ts';

/** What `quantize_static` of onnxruntime does when nothing is asked of it. */
const defaults: QuantizeSettings = {
  weights: 'int8',
  mode: 'static',
  granularity: 'tensor',
  symmetric: true,
  calibrationMethod: 'minmax',
  minSqnrDb: 0,
  minOutputDb: null,
  rounding: 'nearest',
  recover: false,
};
const ours: QuantizeSettings = { weights: 'int8', mode: 'static' };

interface Made {
  readonly way: Way;
  readonly bytes: Uint8Array;
  /** For onnxruntime. */
  readonly onnx: Uint8Array;
}

interface Samples {
  readonly calibration: readonly Feeds[];
  readonly reference: Reference;
  readonly test: readonly Feeds[];
  readonly labeled: { readonly images: Images; readonly count: number } | null;
}

async function samplesFor(
  model: Model,
  item: Measured,
  { quick }: Pick<BenchOptions, 'quick'>,
): Promise<Samples> {
  const input = inputsOf(model)[0]!.name;
  const [learn, tests, labels] = quick ? [16, 8, 200] : [64, 32, 2000];
  const images = item.images('test');
  const calibration = [...samplesOf(input, item.images('train'), learn, 7)];
  const test = [...samplesOf(input, images, tests, 11)];
  return {
    calibration,
    test,
    reference: await Reference.of(model, test),
    labeled: item.labels === true ? { images, count: labels } : null,
  };
}

async function made(
  model: Model,
  quantize: QuantizeSettings,
  { calibration, reference, test, labeled }: Samples,
): Promise<Made> {
  const { model: small, report } = await compress(model, { quantize, calibration, force: true });
  const bytes = await writeModel(small);
  const again = await readModel(bytes);
  const { sqnrDb } = await evaluate(reference, again, test);
  const onnx = model.format === 'onnx' ? bytes : await writeModel(again, { format: 'onnx' });
  const way = {
    size: bytes.length / model.sourceBytes!,
    sqnrDb,
    top1: labeled === null ? null : topOf(again, labeled),
    kept: report.activations?.real.length ?? 0,
    faster: null,
    fasterThere: null,
  };
  return { way, bytes, onnx };
}

const topOf = (model: Model, { images, count }: { images: Images; count: number }): number =>
  accuracy(classesOf(model, images, count), images);

export const quantizeBench: Bench = {
  name: 'quantization',
  async run(options) {
    const root = sharedData();
    if (root === null) return { comparisons: [], groups: [] };
    const folder = mkdtempSync(join(tmpdir(), 'modelpress-bench-'));
    try {
      const found: Quantized[] = [];
      const tasks: NamedTask[] = [];
      for (const item of measured) {
        if (options.quick && item.slow) continue;
        const file = new Uint8Array(sharedFile(item.path)!);
        const model = await readModel(file);
        const samples = await samplesFor(model, item, options);
        const own = await made(model, ours, samples);
        const other = await made(model, defaults, samples);
        const onnx = model.format === 'onnx' ? file : await writeModel(model, { format: 'onnx' });
        const feeds = samples.test[0]!;
        const [float, mine, theirs] = await latencies([onnx, own.onnx, other.onnx], feeds, options);
        const { labeled } = samples;
        found.push({
          model: item.name,
          bytes: file.length,
          top1: labeled === null ? null : topOf(model, labeled),
          ours: { ...own.way, fasterThere: float! / mine! },
          defaults: { ...other.way, fasterThere: float! / theirs! },
        });
        const [name, tensor] = Object.entries(feeds)[0]!;
        const path = join(folder, item.path.replaceAll('/', '_'));
        const npy = `${path}.npy`;
        writeFileSync(path, own.bytes);
        writeFileSync(npy, writeNpy(tensor));
        tasks.push({
          name: `${item.name}, static int8`,
          task: { op: 'model', path, original: `${root}${item.path}`, feeds: [{ name, npy }] },
          asked: { than: { 'own baseline': { baseline: 1.5, relaxed: 3 } } },
        });
      }
      const comparisons = await comparePeers(tasks, ['modelpress', 'own baseline'], options);
      const rows = found.map((each) => {
        const times = comparisons.filter(({ work }) => work === `${each.model}, static int8`);
        // The first Node's: all are in the comparisons.
        const faster = times[0] === undefined ? undefined : ratioTo('own baseline', times[0]);
        return { ...each, ours: { ...each.ours, faster: faster ?? null } };
      });
      const how = `defaults: as onnxruntime's quantize_static; Node ${options.nodes[0]!.version}, onnxruntime-node ${ortVersion()}`;
      return {
        comparisons,
        groups: [],
        tables: [quantizedTable(rows, how), calibrationTable(options.nodes[0]!)],
      };
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

function ortVersion(): string {
  const require = createRequire(import.meta.url);
  return (require('onnxruntime-node/package.json') as { version: string }).version;
}
