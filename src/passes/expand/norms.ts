import { normalizeAxis } from '../../core/shape.ts';
import type { Value } from '../../ir/graph.ts';
import { decompositions } from '../../ops/decompose/index.ts';
import { fromForms } from './forms.ts';
import type { Expansion } from './index.ts';
import type { Parts } from './parts.ts';

/** Values less their mean over some axes, over the root of their variance. */
function standardized(p: Parts, x: Value, axes: readonly number[], epsilon: number): Value {
  const centered = p.sub(x, p.reduce('ReduceMean', x, axes));
  const variance = p.reduce('ReduceMean', p.mul(centered, centered), axes);
  return p.div(centered, p.unary('Sqrt', p.add(variance, epsilon)));
}

/** A parameter of each channel, for [N, C, …]. */
function upright(p: Parts, parameter: Value, rank: number): Value {
  return p.reshape(parameter, [p.dims(parameter)[0]!, ...new Array<number>(rank - 2).fill(1)]);
}

const instanceNormalization: Expansion = (p) => {
  const x = p.in(0);
  const rank = p.dims(x).length;
  const axes = Array.from({ length: rank - 2 }, (_, i) => i + 2);
  const normal = standardized(p, x, axes, p.attributes.float('epsilon'));
  p.end(0, p.add(p.mul(normal, upright(p, p.in(1), rank)), upright(p, p.in(2), rank)));
};

/** With statistics of what is fed, as in training. */
const batchNormalization: Expansion = (p) => {
  if (p.attributes.int('training_mode') === 0) p.stop('it is one line for each channel');
  const x = p.in(0);
  const dims = p.dims(x);
  const axes = dims.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const mean = p.reduce('ReduceMean', x, axes);
  const centered = p.sub(x, mean);
  const variance = p.reduce('ReduceMean', p.mul(centered, centered), axes);
  const deviation = p.unary('Sqrt', p.add(variance, p.attributes.float('epsilon')));
  const scaled = p.mul(p.div(centered, deviation), upright(p, p.in(1), dims.length));
  p.end(0, p.add(scaled, upright(p, p.in(2), dims.length)));
  const momentum = p.attributes.float('momentum');
  const running = (given: Value, current: Value): Value => {
    const now = p.reshape(current, p.dims(given));
    return p.add(p.mul(given, momentum), p.mul(now, 1 - momentum));
  };
  p.end(1, running(p.in(3), mean));
  p.end(2, running(p.in(4), variance));
};

/** x / (bias + alpha · mean of x² over neighboring channels)^beta; what is beyond the channels counts as 0. */
const localResponse: Expansion = (p) => {
  const x = p.in(0);
  const dims = p.dims(x);
  const [batch, channels, ...rest] = dims as [number, number, ...number[]];
  const size = p.attributes.int('size');
  const inner = rest.reduce((product, own) => product * own, 1);
  const before = Math.floor((size - 1) / 2);
  const flat = p.reshape(p.mul(x, x), [batch, 1, channels, inner]);
  const means = p.op('AveragePool', [flat], p.dims(flat), 'float32', {
    kernel_shape: [size, 1],
    pads: [before, 0, size - 1 - before, 0],
    count_include_pad: 1,
  });
  const base = p.add(
    p.mul(p.reshape(means, dims), p.attributes.float('alpha')),
    p.attributes.float('bias'),
  );
  p.end(0, p.div(x, power(p, base, p.attributes.float('beta'))));
};

function power(p: Parts, x: Value, exponent: number): Value {
  if (exponent === 1) return x;
  if (exponent === 2) return p.mul(x, x);
  return exponent === 0.5 ? p.unary('Sqrt', x) : p.binary('Pow', x, exponent);
}

/** (Σ |x|^p)^(1/p) over windows: an average times their size. */
const lpPool: Expansion = (p) => {
  const exponent = p.attributes.int('p');
  const kernel = p.attributes.ints('kernel_shape') ?? p.stop('the window is not known');
  if (p.attributes.int('ceil_mode', 0) !== 0) p.stop('windows stand out of the input');
  const lists = ['strides', 'pads', 'dilations'].flatMap((name) => {
    const list = p.attributes.ints(name);
    return list === null || list.length === 0 ? [] : [[name, list] as const];
  });
  const powers = power(p, p.unary('Abs', p.in(0)), exponent);
  const mean = p.op('AveragePool', [powers], p.dims(p.node.outputs[0]!), 'float32', {
    kernel_shape: kernel,
    count_include_pad: 1,
    auto_pad: p.attributes.string('auto_pad', 'NOTSET'),
    ...Object.fromEntries(lists),
  });
  const count = kernel.reduce((product, size) => product * size, 1);
  p.end(0, power(p, p.mul(mean, count), 1 / exponent));
};

const globalLpPool: Expansion = (p) => {
  const exponent = p.attributes.int('p');
  const axes = p
    .dims(p.in(0))
    .map((_, axis) => axis)
    .slice(2);
  const sum = p.reduce('ReduceSum', power(p, p.unary('Abs', p.in(0)), exponent), axes);
  p.end(0, power(p, sum, 1 / exponent));
};

const lpNormalization: Expansion = (p) => {
  const x = p.in(0);
  const axis = normalizeAxis(p.attributes.int('axis'), p.dims(x).length);
  const op = p.attributes.int('p') === 1 ? 'ReduceL1' : 'ReduceL2';
  const norm = p.reduce(op, x, [axis]);
  p.end(0, p.div(x, p.where(p.test('Equal', norm, 0), 1, norm)));
};

/** 1 at the first of the largest, 0 elsewhere. */
const hardmax: Expansion = (p) => {
  const x = p.in(0);
  const dims = p.dims(x);
  const axis = normalizeAxis(p.attributes.int('axis'), dims.length);
  const kept = dims.map((size, i) => (i === axis ? 1 : size));
  const largest = p.op('ArgMax', [x], kept, 'int64', { axis, keepdims: 1 });
  const ids = Array.from({ length: dims[axis]! }, (_, i) => i);
  const column = p.ints(
    ids,
    dims.map((size, i) => (i === axis ? size : 1)),
  );
  p.end(0, p.cast(p.test('Equal', largest, column), p.dtype(x)));
};

export const normExpansions: Readonly<Record<string, Expansion>> = {
  ...Object.fromEntries(Object.entries(decompositions).map(([op, row]) => [op, fromForms(row)])),
  InstanceNormalization: instanceNormalization,
  BatchNormalization: batchNormalization,
  LRN: localResponse,
  LpPool: lpPool,
  GlobalLpPool: globalLpPool,
  LpNormalization: lpNormalization,
  Hardmax: hardmax,
};
