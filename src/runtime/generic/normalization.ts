import { random } from '../../core/random.ts';
import { volume } from '../../core/shape.ts';
import type { Tensor } from '../../core/tensor.ts';
import { spread } from './binary.ts';
import { numbersOf, tensorOf, tensorOfTruths, withDims } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { powTo } from './functions.ts';
import { aroundAxis } from './indexing.ts';
import { axesIn, axisIn, dtypeIn, invalid, optionalAt, scalarAt, tensorAt } from './operands.ts';
import { groupsOf } from './reduce.ts';
import { eachRow } from './softmax.ts';

const mean = (row: Float64Array): number => row.reduce((a, b) => a + b, 0) / row.length;

/** Mean and variance (of the whole, not of a sample). */
function momentsOf(row: Float64Array): { center: number; variance: number } {
  const center = mean(row);
  return { center, variance: mean(row.map((v) => (v - center) * (v - center))) };
}

/** One value for each channel, spread over [N, C, …]. */
function perChannel(c: EvaluateContext, parameter: Tensor, dims: readonly number[]): Float64Array {
  const channels = dims[1] ?? 1;
  if (parameter.size !== channels)
    throw invalid(c, 'E_SHAPE_CHANNELS', `${parameter.size} values for ${channels} channels`);
  const upright = withDims(parameter, [channels, ...dims.slice(2).map(() => 1)]);
  return spread(upright, dims);
}

function batchNormalization(c: EvaluateContext): (Tensor | undefined)[] {
  const x = tensorAt(c, 0);
  const epsilon = c.attributes.float('epsilon');
  const [scale, bias] = [1, 2].map((input) => perChannel(c, tensorAt(c, input), x.dims));
  const [givenMean, givenVariance] = [tensorAt(c, 3), tensorAt(c, 4)];
  const apply = (means: Float64Array, variances: Float64Array): Tensor => {
    const { inner } = aroundAxis(x.dims, Math.min(1, x.dims.length - 1));
    const channels = means.length;
    const values = numbersOf(x).map((v, i) => {
      const channel = x.dims.length > 1 ? Math.floor(i / inner) % channels : 0;
      const deviation = Math.sqrt(variances[channel]! + epsilon);
      return ((v - means[channel]!) / deviation) * scale![i]! + bias![i]!;
    });
    return tensorOf(x.type, values, x.dims);
  };
  if (c.attributes.int('training_mode') === 0)
    return [apply(numbersOf(givenMean), numbersOf(givenVariance))];
  const others = [...x.dims.keys()].filter((axis) => axis !== 1);
  const { starts, members } = groupsOf(x.dims, others, false);
  const values = numbersOf(x);
  const moments = Array.from(starts, (start) =>
    momentsOf(members.map((at) => values[start + at]!)),
  );
  const momentum = c.attributes.float('momentum');
  const running = (given: Tensor, current: readonly number[]): Tensor =>
    tensorOf(
      given.type,
      numbersOf(given).map((v, i) => v * momentum + current[i]! * (1 - momentum)),
      given.dims,
    );
  const means = moments.map(({ center }) => center);
  const variances = moments.map(({ variance }) => variance);
  return [
    apply(Float64Array.from(means), Float64Array.from(variances)),
    running(givenMean, means),
    running(givenVariance, variances),
  ];
}

/** Rows to mean 0 and variance 1. */
function standardized(row: Float64Array, epsilon: number): Float64Array {
  const { center, variance } = momentsOf(row);
  const deviation = Math.sqrt(variance + epsilon);
  return row.map((v) => (v - center) / deviation);
}

/** Channels in groups, each standardized over its channels and all positions; InstanceNormalization has groups of
 *  one. */
function groupNormalization(c: EvaluateContext, groups: number): Tensor[] {
  const x = tensorAt(c, 0);
  const [n = 1, channels = 1] = x.dims;
  if (channels % groups !== 0)
    throw invalid(c, 'E_SHAPE_CHANNELS', `${channels} channels don't divide into ${groups} groups`);
  const epsilon = c.attributes.float('epsilon');
  const rows = withDims(x, [n, groups, x.size / (n * groups) || 0]);
  const [scale, bias] = [1, 2].map((input) => perChannel(c, tensorAt(c, input), x.dims));
  const values = eachRow(rows, [2], (row) => standardized(row, epsilon)).map(
    (v, i) => v * scale![i]! + bias![i]!,
  );
  return [tensorOf(x.type, values, x.dims)];
}

function layerNormalization(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const from = axisIn(c, c.attributes.int('axis'), x.dims.length);
  const rows = withDims(x, [volume(x.dims.slice(0, from)), volume(x.dims.slice(from))]);
  const epsilon = c.attributes.float('epsilon');
  const scale = spread(tensorAt(c, 1), x.dims);
  const bias = optionalAt(c, 2);
  const biases = bias === undefined ? null : spread(bias, x.dims);
  const means = new Float64Array(rows.dims[0]!);
  const inverses = new Float64Array(rows.dims[0]!);
  const values = eachRow(rows, [1], (row, index) => {
    const { center, variance } = momentsOf(row);
    means[index] = center;
    inverses[index] = 1 / Math.sqrt(variance + epsilon);
    return row.map((v) => (v - center) * inverses[index]!);
  }).map((v, i) => v * scale[i]! + (biases === null ? 0 : biases[i]!));
  const kept = x.dims.map((size, axis) => (axis < from ? size : 1));
  const stash = dtypeIn(c, 'stash_type') ?? 'float32';
  return [
    tensorOf(x.type, values, x.dims),
    tensorOf(stash, means, kept),
    tensorOf(stash, inverses, kept),
  ];
}

function rmsNormalization(c: EvaluateContext): Tensor[] {
  const [x, weight] = [tensorAt(c, 0), tensorAt(c, 1)];
  const from = axisIn(c, c.attributes.int('axis'), x.dims.length);
  const rows = withDims(x, [volume(x.dims.slice(0, from)), volume(x.dims.slice(from))]);
  const epsilon = c.attributes.float('epsilon');
  const scale = spread(weight, x.dims);
  const values = eachRow(rows, [1], (row) => {
    const root = Math.sqrt(mean(row.map((v) => v * v)) + epsilon);
    return row.map((v) => v / root);
  }).map((v, i) => v * scale[i]!);
  return [tensorOf(weight.type, values, x.dims)];
}

/** x / (bias + alpha / size · Σ x² of the neighboring channels)^beta */
function localResponse(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const size = c.attributes.int('size');
  const axis = c.node.domain === 'mp' ? x.dims.length - 1 : 1;
  const { inner } = aroundAxis(x.dims, axis);
  const channels = x.dims[axis]!;
  const values = numbersOf(x);
  const factor = c.attributes.float('alpha') / size;
  const before = Math.floor((size - 1) / 2);
  const after = Math.ceil((size - 1) / 2);
  const sums = values.map((_, i) => {
    const channel = Math.floor(i / inner) % channels;
    let sum = 0;
    for (
      let at = Math.max(0, channel - before);
      at <= Math.min(channels - 1, channel + after);
      at++
    ) {
      const neighbor = values[i + (at - channel) * inner]!;
      sum += neighbor * neighbor;
    }
    return c.attributes.float('bias') + factor * sum;
  });
  const powers = powTo(sums, c.attributes.float('beta'));
  return [
    tensorOf(
      x.type,
      values.map((v, i) => v / powers[i]!),
      x.dims,
    ),
  ];
}

/** Rows over the sum of their magnitudes or over their length; rows of zeros stay. */
function lpNormalization(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const isSum = c.attributes.int('p') === 1;
  const axis = axisIn(c, c.attributes.int('axis'), x.dims.length);
  const values = eachRow(x, [axis], (row) => {
    const total = row.reduce((sum, v) => sum + (isSum ? Math.abs(v) : v * v), 0);
    const norm = isSum ? total : Math.sqrt(total);
    return norm === 0 ? row : row.map((v) => v / norm);
  });
  return [tensorOf(x.type, values, x.dims)];
}

function meanVariance(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const axes = axesIn(c, c.attributes.ints('axes') ?? [], x.dims.length);
  const values = eachRow(x, axes, (row) => {
    const { center, variance } = momentsOf(row);
    return row.map((v) => (v - center) / (Math.sqrt(variance) + 1e-9));
  });
  return [tensorOf(x.type, values, x.dims)];
}

/** When training, drops elements and scales the others up, seeded by the attribute or the session. */
function dropout(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const ratio = scalarAt(c, 1, 0.5);
  if (scalarAt(c, 2, 0) === 0 || ratio === 0)
    return [x, tensorOfTruths(new Array<boolean>(x.size).fill(true), x.dims)];
  const source = c.attributes.has('seed') ? random(c.attributes.int('seed')) : c.random;
  const kept = Array.from({ length: x.size }, () => source.uniform() >= ratio);
  const values = numbersOf(x).map((v, i) => (kept[i] ? v / (1 - ratio) : 0));
  return [tensorOf(x.type, values, x.dims), tensorOfTruths(kept, x.dims)];
}

export const normalizationEvaluators: readonly Evaluator[] = [
  { op: 'BatchNormalization', evaluate: batchNormalization },
  {
    op: 'InstanceNormalization',
    evaluate: (c) => groupNormalization(c, tensorAt(c, 0).dims[1] ?? 1),
  },
  {
    op: 'GroupNormalization',
    evaluate: (c) => groupNormalization(c, c.attributes.int('num_groups')),
  },
  { op: 'LayerNormalization', evaluate: layerNormalization },
  { op: 'RMSNormalization', evaluate: rmsNormalization },
  { op: 'LRN', evaluate: localResponse },
  { op: 'LRN', domain: 'mp', evaluate: localResponse },
  { op: 'LpNormalization', evaluate: lpNormalization },
  { op: 'MeanVarianceNormalization', evaluate: meanVariance },
  { op: 'Dropout', evaluate: dropout },
];
