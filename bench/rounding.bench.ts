// 4-bit weights: what each step of rounding takes of the error of the network's outputs, on images that it has not seen.
import { affineParameters } from '../src/compress/affine.ts';
import { compress } from '../src/compress/index.ts';
import { evaluate, Reference } from '../src/compress/judge/index.ts';
import { resolveQuantize } from '../src/compress/options.ts';
import { Decisions } from '../src/compress/pipeline/decide.ts';
import { quantizeWeights, wishesFor } from '../src/compress/quantize.ts';
import { extremesOf, quantizedConstant } from '../src/compress/quantized.ts';
import type { Rounding } from '../src/compress/rounding/round.ts';
import {
  type RoundedWeight,
  type RoundOptions,
  roundLayers,
  type Wish,
} from '../src/compress/rounding/sequential.ts';
import type { Granularity } from '../src/compress/scheme.ts';
import { readModel } from '../src/formats/index.ts';
import { clone } from '../src/ir/clone.ts';
import { constantOfValue } from '../src/ir/constant.ts';
import { elementsOf } from '../src/ir/levels.ts';
import type { Model } from '../src/ir/model.ts';
import { exportQuantization } from '../src/passes/export-quantization.ts';
import { inputsOf } from '../src/runtime/inputs.ts';
import { loadWeights } from '../src/runtime/prepare.ts';
import type { Feeds } from '../src/runtime/runner.ts';
import { accuracy, classesOf } from '../test/compress/classifiers.ts';
import { sharedData, sharedFile } from '../test/shared.ts';
import type { Bench } from './lib.ts';
import { type Measured, measured, samplesOf } from './quantize/models.ts';

interface Step {
  readonly name: string;
  readonly rounding: Rounding;
  readonly options?: RoundOptions;
  /** Whether scales span all of the weights. */
  readonly isWhole?: boolean;
}

const steps: readonly Step[] = [
  { name: 'nearest, whole range', rounding: 'nearest', isWhole: true },
  { name: 'nearest', rounding: 'nearest' },
  { name: 'gptq', rounding: 'gptq', options: { prefix: false, biases: false } },
  { name: '+ biases', rounding: 'gptq', options: { prefix: false } },
  { name: '+ layers before', rounding: 'gptq' },
  { name: '+ descent', rounding: 'adaround' },
];

/** What is asked of the last step: of nearest rounding's error, and points of accuracy. */
const mostError = 0.15;
const mostPoints = 1;

const all: readonly { name: string; granularity: readonly Granularity[]; slow?: boolean }[] = [
  { name: 'MNIST conv', granularity: ['block'] },
  { name: 'ResNet-20, 32²', granularity: ['channel', 'block'] },
  { name: 'ResNet-32, 32²', granularity: ['block'], slow: true },
  { name: 'MLPerf visual wake words', granularity: ['channel'] },
];

interface Row {
  error: number;
  top1: number | null;
  seconds: number;
}

export const roundingBench: Bench = {
  name: 'rounding',
  async run({ quick }) {
    const rows: string[][] = [];
    const notes: string[] = [];
    for (const { name, granularity, slow = false } of all) {
      const item = measured.find((each) => each.name === name);
      if (item === undefined || sharedData() === null || (quick && slow)) continue;
      for (const each of quick ? granularity.slice(0, 1) : granularity) {
        const { real, made } = await rounded(item, each, quick);
        const work = `${name}, int4 by ${each}`;
        const base = made[1]!.error;
        const last = made.at(-1)!;
        made.forEach(({ error, top1, seconds }, i) => {
          rows.push([
            i === 0 ? work : '',
            steps[i]!.name,
            (error / base).toFixed(3),
            top1 === null ? '' : (100 * top1).toFixed(2),
            i < 2 ? '' : seconds.toFixed(1),
          ]);
        });
        if (real !== null) rows.push(['', 'float32', '0', (100 * real).toFixed(2), '']);
        if (last.error > mostError * base)
          notes.push(`${work}: ${(last.error / base).toFixed(3)} of the error is left`);
        if (real !== null && last.top1! < real - mostPoints / 100)
          notes.push(`${work}: ${(100 * (real - last.top1!)).toFixed(2)} points are lost`);
      }
    }
    const head = ['4-bit weights', 'rounding', 'error of nearest', 'top-1', 's'];
    const title = `rounding (power of the error of the outputs, of that with nearest levels${quick ? '; a quick run' : ''})`;
    return { comparisons: [], groups: [], tables: [{ title, head, rows, notes }] };
  },
};

async function rounded(
  item: Measured,
  granularity: Granularity,
  quick: boolean,
): Promise<{ real: number | null; made: Row[] }> {
  const given = await readModel(sharedFile(item.path)!);
  const { model } = await compress(given);
  await loadWeights(model);
  const settings = { weights: 'int4', mode: 'weight-only', granularity } as const;
  const decisions = new Decisions(resolveQuantize(settings, model.format, true));
  const wishes = await wishesFor(model, decisions);
  const input = inputsOf(model)[0]!.name;
  const images = item.images('test');
  const calibration = [...samplesOf(input, item.images('train'), quick ? 64 : 256, 7)];
  const test = [...samplesOf(input, images, quick ? 100 : 400, 4)];
  const reference = await Reference.of(model, test);
  const labeled = item.labels === true ? (quick ? 500 : 2000) : 0;
  const top1 = (of: Model): number | null =>
    labeled === 0 ? null : accuracy(classesOf(of, images, labeled), images);
  const made: Row[] = [];
  for (const step of steps) {
    const began = performance.now();
    const levels = await levelsOf(model, wishes, step, calibration);
    const copy = clone(model);
    await quantizeWeights(copy, decisions, {}, levels);
    exportQuantization(copy);
    await loadWeights(copy);
    const seconds = (performance.now() - began) / 1000;
    const { outputs } = await evaluate(reference, copy, test);
    const error = outputs.reduce((sum, { noise }) => sum + noise, 0);
    made.push({ error, top1: top1(copy), seconds });
  }
  return { real: top1(model), made };
}

async function levelsOf(
  model: Model,
  wishes: ReadonlyMap<string, Wish>,
  { rounding, options = {}, isWhole = false }: Step,
  calibration: readonly Feeds[],
): Promise<ReadonlyMap<string, RoundedWeight>> {
  if (isWhole) return wholeRange(model, wishes);
  if (rounding === 'nearest') return new Map();
  const own = new Map([...wishes].map(([name, wish]) => [name, { ...wish, rounding }]));
  const samples = {
    async *[Symbol.asyncIterator](): AsyncGenerator<Feeds> {
      yield* calibration;
    },
  };
  return roundLayers(model, own, samples, model.format !== 'tflite', options);
}

/** Nearest levels with scales over all that the weights are. */
async function wholeRange(
  model: Model,
  wishes: ReadonlyMap<string, Wish>,
): Promise<Map<string, RoundedWeight>> {
  const levels = new Map<string, RoundedWeight>();
  const values = [...model.graph.constants, ...model.graph.nodes.flatMap((node) => node.outputs)];
  for (const value of values) {
    const wish = wishes.get(value.name);
    const constant = constantOfValue(value);
    if (wish === undefined || constant === null) continue;
    const { min, max } = await extremesOf(constant, wish.scheme);
    const parameters = affineParameters(min, max, wish.scheme);
    const stored = quantizedConstant(constant, wish.scheme, parameters);
    levels.set(value.name, {
      method: 'gptq',
      levels: Int16Array.from(elementsOf(stored)),
      parameters,
      nearestDb: null,
      outputDb: null,
      bias: null,
    });
  }
  return levels;
}
