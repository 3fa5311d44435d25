import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compress, type QuantizeOption } from '../../src/compress/index.ts';
import { descend } from '../../src/compress/rounding/descend.ts';
import { gptq } from '../../src/compress/rounding/gptq.ts';
import { type Metric, metricOf, squaresOf } from '../../src/compress/rounding/metric.ts';
import { roundRow } from '../../src/compress/rounding/round.ts';
import { nearestLevels, type RoundedRow, type Row } from '../../src/compress/rounding/rows.ts';
import { Walk } from '../../src/compress/rounding/walk.ts';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { readModel, writeModel } from '../../src/formats/index.ts';
import type { Model } from '../../src/ir/model.ts';
import { compareBytes } from '../../src/runtime/compare.ts';
import { createSession, type Feeds } from '../../src/runtime/index.ts';
import { loadWeights } from '../../src/runtime/prepare.ts';
import { floats, info, modelBytes, node, noise } from '../build-model.ts';
import { runner } from '../ort.ts';
import { sharedFile } from '../shared.ts';
import { mnist } from './classifiers.ts';

const x = suite('rounding');

/** Second moments of vectors whose elements depend on each other. */
function momentsOf(size: number, rows: number, seed: number): Float64Array {
  const mixing = noise(size * size, seed);
  const vectors = noise(rows * size, seed + 1);
  const sums = new Float64Array(size * size);
  for (let row = 0; row < rows; row++) {
    const a = Array.from({ length: size }, (_, i) => {
      let sum = vectors[row * size + i]!;
      for (let j = 0; j < size; j++) sum += 0.3 * mixing[i * size + j]! * vectors[row * size + j]!;
      return sum;
    });
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++) sums[i * size + j]! += (a[i]! * a[j]!) / rows;
  }
  return sums;
}

function rowOf(size: number, seed: number, parts = 1): Row {
  const target = Float64Array.from(noise(size, seed));
  const most = target.reduce((least, t) => Math.max(least, Math.abs(t)), 0);
  return {
    target,
    parts: Int32Array.from({ length: size }, (_, k) => Math.floor((k * parts) / size)),
    scale: new Float64Array(parts).fill(Math.fround(most / 7)),
    low: new Int32Array(parts).fill(-7),
    high: new Int32Array(parts).fill(7),
  };
}

const quadratic = (a: Float64Array, d: readonly number[]): number =>
  d.reduce(
    (sum, x, i) => sum + d.reduce((inner, y, j) => inner + x * y * a[i * d.length + j]!, 0),
    0,
  );

const deviationOf = ({ target, parts }: Row, levels: Float64Array, scale: Float64Array): number[] =>
  [...levels].map((level, k) => level * scale[parts[k]!]! - target[k]!);

function nearestRow(metric: Metric, row: Row): RoundedRow {
  const levels = nearestLevels(row, row.scale);
  const deviations = Float64Array.from(deviationOf(row, levels, row.scale));
  return { levels, scale: row.scale, error: squaresOf(metric, deviations, 1)[0]! };
}

/** The levels of GPTQ as it is published: with the inverse of the moments, of which every rounded element is eliminated. */
function published(moments: Float64Array, row: Row, order: Int32Array): number[] {
  const size = order.length;
  const step = row.scale[0]!;
  const inverse = invert(moments, size);
  const weights = [...row.target];
  const levels = new Array<number>(size).fill(0);
  for (const [at, k] of order.entries()) {
    const level = Math.max(-7, Math.min(7, Math.round(weights[k]! / step)));
    levels[k] = level;
    const pivot = inverse[k * size + k]!;
    const error = (weights[k]! - level * step) / pivot;
    const rest = order.subarray(at + 1);
    for (const j of rest) weights[j]! -= error * inverse[k * size + j]!;
    const column = Float64Array.from({ length: size }, (_, i) => inverse[i * size + k]!);
    for (const i of rest)
      for (const j of rest) inverse[i * size + j]! -= (column[i]! * column[j]!) / pivot;
  }
  return levels;
}

/** By Gauss–Jordan elimination. */
function invert(a: Float64Array, size: number): Float64Array {
  const left = Float64Array.from(a);
  const right = Float64Array.from(a, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
  for (let k = 0; k < size; k++) {
    const pivot = left[k * size + k]!;
    for (let j = 0; j < size; j++) {
      left[k * size + j]! /= pivot;
      right[k * size + j]! /= pivot;
    }
    for (let i = 0; i < size; i++) {
      const factor = left[i * size + k]!;
      if (i === k) continue;
      for (let j = 0; j < size; j++) {
        left[i * size + j]! -= factor * left[k * size + j]!;
        right[i * size + j]! -= factor * right[k * size + j]!;
      }
    }
  }
  return right;
}

x('gptq gives the levels of the published elimination, and says its error', () => {
  for (let seed = 1; seed < 9; seed++) {
    const size = 3 + 4 * seed;
    const metric = metricOf(momentsOf(size, 60, seed), size);
    const row = rowOf(size, seed + 50);
    const { levels, error } = gptq(metric, row, row.scale)!;
    assert.equal([...levels], published(metric.matrix!, row, metric.order), `${size}`);
    const expected = quadratic(metric.matrix!, deviationOf(row, levels, row.scale));
    assert.ok(Math.abs(error - expected) < 1e-9 * expected, `${error} of ${expected}`);
  }
});

x('descent comes to where no single change of a level helps, with the best scales', () => {
  for (let seed = 1; seed < 9; seed++) {
    const size = 24;
    const metric = metricOf(momentsOf(size, 80, seed), size);
    const row = rowOf(size, seed + 50, seed % 2 === 0 ? 3 : 1);
    const start = nearestRow(metric, row);
    const fixed = descend(metric, row, start, false);
    assert.ok(fixed.error < start.error);
    for (let k = 0; k < size; k++)
      for (const level of [fixed.levels[k]! - 1, fixed.levels[k]! + 1]) {
        if (Math.abs(level) > 7) continue;
        const levels = Float64Array.from(fixed.levels, (old, i) => (i === k ? level : old));
        const error = quadratic(metric.matrix!, deviationOf(row, levels, row.scale));
        assert.ok(error >= fixed.error * (1 - 1e-9), `${k}: ${error} < ${fixed.error}`);
      }
    const free = descend(metric, row, start, true);
    assert.ok(free.error <= fixed.error * 1.05 && free.error < start.error);
    const base = quadratic(metric.matrix!, deviationOf(row, free.levels, free.scale));
    assert.ok(Math.abs(base - free.error) < 1e-9 * base);
    for (const factor of [0.99, 1.01]) {
      const scale = free.scale.map((s) => s * factor);
      assert.ok(quadratic(metric.matrix!, deviationOf(row, free.levels, scale)) > base);
    }
  }
});

x(
  'the best of all roundings of a short row is hardly ever missed, and nearest never beats it',
  () => {
    let missed = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const size = 6;
      const metric = metricOf(momentsOf(size, 40, seed), size);
      const row = rowOf(size, seed + 90);
      const nearest = nearestRow(metric, row);
      const { error } = roundRow(metric, row, nearest, 'adaround', false);
      assert.ok(error <= nearest.error);
      let least = Infinity;
      for (let choice = 0; choice < 3 ** size; choice++) {
        const levels = Float64Array.from(nearest.levels, (level, k) => {
          const change = (Math.floor(choice / 3 ** k) % 3) - 1;
          return Math.max(-7, Math.min(7, level + change));
        });
        least = Math.min(least, quadratic(metric.matrix!, deviationOf(row, levels, row.scale)));
      }
      if (error > least * (1 + 1e-9)) missed++;
    }
    assert.ok(missed <= 8, `${missed} of 40`);
  },
);

const side = 10;

async function smallModel(): Promise<Model> {
  const nodes = [
    node('Conv', ['x', 'w0', 'b0'], ['a'], { pads: [1, 1, 1, 1] }),
    node('Relu', ['a'], ['r']),
    node('Conv', ['r', 'w1', 'b1'], ['c'], { group: 12, pads: [1, 1, 1, 1] }),
    node('Relu', ['c'], ['d']),
    node('Conv', ['d', 'w2'], ['e'], { pads: [1, 1, 1, 1], strides: [2, 2] }),
    node('Add', ['e', 'shift'], ['f']),
    node('Relu', ['f'], ['g']),
    node('GlobalAveragePool', ['g'], ['p']),
    node('Flatten', ['p'], ['q']),
    node('Gemm', ['q', 'w3', 'b3'], ['s'], { transB: 1 }),
    node('MatMul', ['s', 'w4'], ['y']),
  ];
  const weights: [string, number[]][] = [
    ['w0', [12, 3, 3, 3]],
    ['b0', [12]],
    ['w1', [12, 1, 3, 3]],
    ['b1', [12]],
    ['w2', [20, 12, 3, 3]],
    ['shift', [1, 20, 1, 1]],
    ['w3', [16, 20]],
    ['b3', [16]],
    ['w4', [16, 10]],
  ];
  const initializer = weights.map(([name, dims], i) =>
    floats(
      name,
      dims,
      noise(
        dims.reduce((a, b) => a * b, 1),
        i + 1,
        0.4,
      ),
    ),
  );
  const graph = { node: nodes, initializer, input: [info('x', ['n', 3, side, side])] };
  return readModel(modelBytes({ ...graph, output: [info('y', ['n', 10])] }, { opset: 17 }));
}

/** Samples whose pixels depend on their neighbors. */
function samples(count: number, seed: number, each = 8): Feeds[] {
  const size = 3 * side * side;
  const data = noise(count * size, seed);
  for (let i = 1; i < data.length; i++) data[i] = 0.8 * data[i - 1]! + 0.6 * data[i]! + 0.05;
  const feeds: Feeds[] = [];
  for (let at = 0; at < count; at += each) {
    const part = data.slice(at * size, Math.min(count, at + each) * size);
    feeds.push({ x: new Tensor('float32', part, [part.length / size, 3, side, side]) });
  }
  return feeds;
}

async function errorOf(model: Model, reference: Model, feeds: readonly Feeds[]): Promise<number> {
  for (const each of [model, reference]) await loadWeights(each);
  const [own, other] = [createSession(model), createSession(reference)];
  let error = 0;
  for (const feed of feeds) {
    const [name] = own.outputs.map((output) => output.name);
    const a = own.run(feed)[name!]!.data as Float32Array;
    const b = other.run(feed)[name!]!.data as Float32Array;
    a.forEach((value, i) => {
      error += (value - b[i]!) ** 2;
    });
  }
  own.dispose();
  other.dispose();
  return error;
}

const weightOnly = { weights: 'int4', mode: 'weight-only', minElements: 1 } as const;

x(
  'layer by layer the output’s error shrinks, and the model’s, on samples that it has not seen',
  async () => {
    const model = await smallModel();
    const fresh = samples(64, 99);
    for (const granularity of ['tensor', 'channel', 'block'] as const) {
      const errors: number[] = [];
      for (const rounding of ['nearest', 'gptq', 'adaround'] as const) {
        const quantize: QuantizeOption = { ...weightOnly, granularity, rounding };
        const { model: small, report } = await compress(model, {
          quantize,
          calibration: samples(128, 5),
        });
        errors.push(await errorOf(small, model, fresh));
        for (const layer of report.layers) {
          if (rounding === 'nearest') assert.is(layer.rounding, undefined);
          else {
            assert.is(layer.rounding!.method, rounding);
            assert.ok(layer.rounding!.outputDb! >= layer.rounding!.nearestDb!, layer.weight);
          }
        }
        assert.is(report.layers.length, 5);
      }
      const [nearest, ...others] = errors;
      for (const error of others) assert.ok(error < 0.5 * nearest!, `${granularity}: ${errors}`);
    }
  },
);

x('8 bits, too, and unsigned integers with their zero points', async () => {
  const model = await smallModel();
  const fresh = samples(64, 99);
  for (const weights of ['int8', 'uint8', 'uint4'] as const) {
    const errors: number[] = [];
    for (const rounding of ['nearest', 'adaround'] as const) {
      const quantize: QuantizeOption = { ...weightOnly, weights, rounding };
      const result = await compress(model, { quantize, calibration: samples(128, 5) });
      errors.push(await errorOf(result.model, model, fresh));
    }
    assert.ok(errors[1]! < 0.6 * errors[0]!, `${weights}: ${errors}`);
  }
});

x('weights of networks that run on integers, biases in their steps', async () => {
  const model = await smallModel();
  const fresh = samples(64, 99);
  for (const activations of ['int8', 'int16'] as const) {
    const errors: number[] = [];
    for (const rounding of ['nearest', 'adaround'] as const) {
      const { model: small, report } = await compress(model, {
        quantize: { weights: 'int4', mode: 'static', activations, rounding, minElements: 1 },
        calibration: samples(128, 5),
      });
      assert.is(
        report.layers.filter((layer) => layer.rounding !== undefined).length > 2,
        rounding !== 'nearest',
      );
      errors.push(await errorOf(small, model, fresh));
    }
    assert.ok(errors[1]! < 0.6 * errors[0]!, `${activations}: ${errors}`);
  }
});

x('how samples are cut into batches changes no byte; onnxruntime takes the file', async () => {
  const model = await smallModel();
  const files: Uint8Array[] = [];
  for (const each of [1, 7, 64]) {
    const { model: small } = await compress(model, {
      quantize: weightOnly,
      calibration: samples(64, 5, each),
    });
    files.push(await writeModel(small));
  }
  for (const file of files) assert.equal(file, files[0]);
  const bytes = await writeModel(model);
  const { outputs } = await compareBytes({ model, bytes }, files[0]!, {
    runner,
    inputs: [samples(8, 77)[0]!],
  });
  assert.ok(outputs[0]!.sqnrDb! > 20, `${outputs[0]!.sqnrDb} dB`);
});

x('a walk gives what a run gives, and later nodes read what was put in', async () => {
  const model = await smallModel();
  await loadWeights(model);
  const feeds = samples(12, 3, 5);
  const walk = new Walk(model, feeds);
  for (const each of model.graph.nodes) await walk.before(each, each.inputs[0]!);
  const got = (await walk.finish()).get('y')!;
  const session = createSession(model);
  for (const [i, feed] of feeds.entries()) {
    const expected = session.run(feed).y!;
    const most = (expected.data as Float32Array).reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    (got[i]!.data as Float32Array).forEach((value, at) => {
      assert.ok(Math.abs(value - (expected.data as Float32Array)[at]!) <= 1e-5 * most);
    });
  }
  session.dispose();
});

x('refused: another word, no calibration, half floats; aborted', async () => {
  const model = await smallModel();
  const fails = async (pattern: RegExp, options: Parameters<typeof compress>[1]): Promise<void> => {
    try {
      await compress(model, options);
    } catch (error) {
      return assert.match(String(error), pattern);
    }
    assert.unreachable(String(pattern));
  };
  const calibration = samples(8, 1);
  const rounding = 'gptq' as const;
  await fails(/nearest \| gptq/, {
    quantize: { weights: 'int4', rounding: 'up' as 'gptq' },
    calibration,
  });
  await fails(/calibration/, { quantize: { weights: 'int4', rounding } });
  await fails(/float16/, { quantize: { weights: 'float16', rounding }, calibration });
  const abort = new AbortController();
  const next = random(1);
  await fails(/abort/i, {
    quantize: weightOnly,
    calibration,
    signal: abort.signal,
    onProgress: ({ stage }) => {
      if (stage === 'round' && next.uniform() >= 0) abort.abort();
    },
  });
});

const network = sharedFile('onnx-models/mnist_conv3_burn.onnx');

if (network !== null)
  x(
    'MNIST at 4 bits with 64 images: four fifths of nearest rounding’s error are gone',
    async () => {
      const model = await readModel(network);
      const [train, test] = [mnist('train'), mnist('t10k')];
      const errors: number[] = [];
      for (const rounding of ['nearest', 'adaround'] as const) {
        const { model: small, report } = await compress(model, {
          quantize: { weights: 'int4', rounding },
          calibration: [{ input: train.batch(0, 64) }],
        });
        for (const { rounding: done } of report.layers)
          assert.ok(done === undefined || done.outputDb! >= done.nearestDb!);
        errors.push(await errorOf(small, model, [{ input: test.batch(0, 500) }]));
      }
      assert.ok(errors[1]! < 0.2 * errors[0]!, `${errors}`);
    },
  );

x.run();
