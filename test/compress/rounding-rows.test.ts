import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { descend } from '../../src/compress/rounding/descend.ts';
import { gptq } from '../../src/compress/rounding/gptq.ts';
import { type Metric, metricOf, squaresOf } from '../../src/compress/rounding/metric.ts';
import { roundRow } from '../../src/compress/rounding/round.ts';
import { nearestLevels, type RoundedRow, type Row } from '../../src/compress/rounding/rows.ts';
import { noise } from '../build-model.ts';

const x = suite('rounding of rows');

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

x.run();
