import { integerRange } from '../../../core/dtype.ts';
import { type Dim, isStatic } from '../../../core/shape.ts';
import { binary, pad, reduce, reshape, unary } from './blocks.ts';
import { type Emitter, knownRank, knownSizes, type Row } from './emitter.ts';
import type { Operand } from './operand.ts';
import { paddingOf, type WindowAxis, windowOf } from './window.ts';

/** Pools of images [N, …, C]. */
type Kind = 'MAX_POOL_2D' | 'AVERAGE_POOL_2D';

/** Where windows go beyond the end with ceil_mode, the padding is as much longer. */
function poolAxes(e: Emitter, x: Operand, out: Operand): WindowAxis[] {
  const kernel = e.attributes.ints('kernel_shape')!;
  const axes = windowOf(e, x.shape?.slice(1, -1) ?? [], kernel);
  if (e.attributes.int('ceil_mode', 0) === 0) return axes;
  const sizes = out.shape?.slice(1, -1) ?? [];
  return axes.map((axis, index) => {
    const size = sizes[index];
    if (typeof size !== 'number' || typeof axis.size !== 'number')
      throw e.fail('SHAPE', 'ceil_mode with sizes that are not known');
    const needed = (size - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1;
    const after = Math.max(needed - axis.size - axis.before, axis.after);
    return { ...axis, after };
  });
}

/** A pool over any number of axes in space: two at a time, the others being the batch's. */
function pool(
  e: Emitter,
  kind: Kind,
  x: Operand,
  axes: readonly WindowAxis[],
  out: Operand,
): Operand {
  if (axes.length === 2) return pool2d(e, kind, x, axes, out);
  if (axes.length === 1) {
    const [n, l, c] = x.shape as readonly Dim[];
    const image = reshape(e, x, [n!, 1, l!, c!]);
    const sizes = out.shape as readonly Dim[];
    const flat = like(e, out, [sizes[0]!, 1, sizes[1]!, sizes[2]!]);
    pool2d(e, kind, image, [unit, axes[0]!], flat);
    return reshape(e, flat, sizes, out);
  }
  if (axes.length !== 3) throw e.fail('RANK', `TFLite has no pool over ${axes.length} axes`);
  const [n, d, h, w, c] = knownSizes(e, x) as readonly [number, number, number, number, number];
  const [, dOut, hOut, wOut] = knownSizes(e, out) as readonly [number, number, number, number];
  const planes = like(e, out, [n * d, hOut, wOut, c]);
  pool2d(e, kind, reshape(e, x, [n * d, h, w, c]), axes.slice(1), planes);
  const columns = like(e, out, [n, dOut, hOut * wOut, c]);
  pool2d(e, kind, reshape(e, planes, [n, d, hOut * wOut, c]), [axes[0]!, unit], columns);
  return reshape(e, columns, out.shape!, out);
}

const unit: WindowAxis = { size: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0 };

function like(e: Emitter, out: Operand, shape: readonly Dim[]): Operand {
  const made = e.temp(out.dtype, shape);
  return e.isInteger ? { ...made, quantization: out.quantization } : made;
}

function pool2d(
  e: Emitter,
  kind: Kind,
  x: Operand,
  axes: readonly WindowAxis[],
  out: Operand,
): Operand {
  if (axes.some(({ dilation, kernel }) => dilation > 1 && kernel > 1)) {
    return dilatedPool(e, kind, x, axes, out);
  }
  const { padding, explicit } = paddingOf(axes);
  const [h, w] = axes as readonly [WindowAxis, WindowAxis];
  const value = {
    padding,
    strideH: h.stride,
    strideW: w.stride,
    filterHeight: h.kernel,
    filterWidth: w.kernel,
  };
  let input = x;
  if (explicit !== null) {
    const lowest = kind === 'MAX_POOL_2D' ? lowestOf(e, x) : null;
    input = pad(e, x, [[0, 0], ...explicit, [0, 0]], lowest);
  }
  e.op(kind, [input], [out], { type: 'Pool2DOptions', value });
  return out;
}

/** What no element is less than. */
function lowestOf(e: Emitter, x: Operand): Operand {
  if (!e.isInteger || x.quantization === null) return e.scalar(-Infinity, x.dtype);
  const { storage } = x.quantization;
  const lowest = e.scalar(integerRange(storage).min, storage);
  return { ...lowest, dtype: x.dtype, quantization: x.quantization };
}

/** The largest, or the mean, of what each place in a window sees. */
function dilatedPool(
  e: Emitter,
  kind: Kind,
  x: Operand,
  axes: readonly WindowAxis[],
  out: Operand,
): Operand {
  const isMean = kind === 'AVERAGE_POOL_2D';
  const sides = axes.map(({ before, after }): [number, number] => [before, after]);
  const image = pad(e, x, [[0, 0], ...sides, [0, 0]], isMean ? null : lowestOf(e, x));
  const [, height, width] = knownSizes(e, out) as readonly [number, number, number];
  const [h, w] = axes as readonly [WindowAxis, WindowAxis];
  const shape = out.shape!;
  let all: Operand | null = null;
  const count = h.kernel * w.kernel;
  for (let at = 0; at < count; at++) {
    const top = Math.floor(at / w.kernel) * h.dilation;
    const left = (at % w.kernel) * w.dilation;
    const part = like(e, out, shape);
    const ends = [0, top + (height - 1) * h.stride + 1, left + (width - 1) * w.stride + 1, 0];
    const value = { beginMask: 9, endMask: 9 };
    e.op(
      'STRIDED_SLICE',
      [image, e.ints([0, top, left, 0]), e.ints(ends), e.ints([1, h.stride, w.stride, 1])],
      [part],
      { type: 'StridedSliceOptions', value },
    );
    const isLast = !isMean && at === count - 1;
    const name = isMean ? 'ADD' : 'MAXIMUM';
    all = all === null ? part : binary(e, name, all, part, isLast ? out : undefined);
  }
  return isMean ? binary(e, 'MUL', all!, e.scalar(1 / count), out) : all!;
}

const maxPool: Row = (e) => {
  if (e.isWanted(1)) throw e.fail('OUTPUT', 'TFLite gives no indices of maxima');
  const [x, out] = [e.in(0), e.out()];
  pool(e, 'MAX_POOL_2D', x, poolAxes(e, x, out), out);
};

/** TFLite's own SAME padding doesn't count; what is padded explicitly does, until it is divided out again. */
const averagePool: Row = (e) => {
  const [x, out] = [e.in(0), e.out()];
  const axes = poolAxes(e, x, out);
  const declared = windowOf(e, x.shape?.slice(1, -1) ?? [], e.attributes.ints('kernel_shape')!);
  const countsPads = e.attributes.int('count_include_pad', 0) !== 0;
  const factor = countFactor(e, axes, declared, countsPads, out);
  if (factor === null) {
    pool(e, 'AVERAGE_POOL_2D', x, axes, out);
    return;
  }
  const sides = axes.map(({ before, after }): [number, number] => [before, after]);
  const padded = pad(e, x, [[0, 0], ...sides, [0, 0]]);
  const inside = axes.map((axis) => ({
    ...axis,
    size: typeof axis.size === 'number' ? axis.size + axis.before + axis.after : null,
    before: 0,
    after: 0,
  }));
  if (factor.every((line) => line.every((x) => x === 1))) {
    pool(e, 'AVERAGE_POOL_2D', padded, inside, out);
    return;
  }
  const mean = pool(e, 'AVERAGE_POOL_2D', padded, inside, e.temp(out.dtype, out.shape));
  let numbers = [1];
  for (const line of factor) numbers = numbers.flatMap((a) => line.map((b) => a * b));
  const shape = [1, ...factor.map((line) => line.length), 1];
  binary(e, 'MUL', mean, e.floats(numbers, shape), out);
};

/** For each axis, window size over elements that count at each place; null where TFLite counts alike. */
function countFactor(
  e: Emitter,
  axes: readonly WindowAxis[],
  declared: readonly WindowAxis[],
  countsPads: boolean,
  out: Operand,
): number[][] | null {
  const isPadded = axes.some(({ before, after }) => before > 0 || after > 0);
  if (!isPadded) return null;
  if (!countsPads && paddingOf(axes).explicit === null && axes.length < 3) return null;
  const sizes = out.shape?.slice(1, -1);
  if (!isStatic(sizes ?? null)) throw e.fail('SHAPE', 'padding of an average of unknown size');
  return axes.map((axis, index) => {
    const { size, kernel, stride, dilation, before } = axis;
    if (typeof size !== 'number') throw e.fail('SHAPE', 'padding of an average of unknown size');
    const [low, high] = countsPads ? [-before, size + declared[index]!.after] : [0, size];
    return Array.from({ length: sizes![index] as number }, (_, place) => {
      let count = 0;
      for (let k = 0; k < kernel; k++) {
        const at = place * stride - before + k * dilation;
        if (at >= low && at < high) count++;
      }
      return kernel / count;
    });
  });
}

/** (Σ|x|^p)^(1/p) */
const lpPool: Row = (e) => {
  const [x, out] = [e.in(0), e.out()];
  const p = e.attributes.int('p', 2);
  const axes = poolAxes(e, x, out);
  const sides = axes.map(({ before, after }): [number, number] => [before, after]);
  const powered = power(e, x, p);
  const padded = pad(e, powered, [[0, 0], ...sides, [0, 0]]);
  const inside = axes.map((axis) => ({
    ...axis,
    size: typeof axis.size === 'number' ? axis.size + axis.before + axis.after : null,
    before: 0,
    after: 0,
  }));
  const mean = pool(e, 'AVERAGE_POOL_2D', padded, inside, e.temp(out.dtype, out.shape));
  const count = axes.reduce((product, { kernel }) => product * kernel, 1);
  root(e, binary(e, 'MUL', mean, e.scalar(count)), p, out);
};

/** |x|^p */
export function power(e: Emitter, x: Operand, p: number): Operand {
  if (p === 2) return unary(e, 'SQUARE', x);
  const size = unary(e, 'ABS', x);
  return p === 1 ? size : binary(e, 'POW', size, e.scalar(p));
}

/** x^(1/p) */
export function root(e: Emitter, x: Operand, p: number, out?: Operand): Operand {
  if (p === 2) return unary(e, 'SQRT', x, out);
  return binary(e, 'POW', x, e.scalar(1 / p), out);
}

const globalPool =
  (name: string): Row =>
  (e) => {
    const x = e.in(0);
    const axes = Array.from({ length: knownRank(e, x) - 2 }, (_, axis) => axis + 1);
    reduce(e, name, x, axes, true, e.out());
  };

/** ai.onnx has it with channels first only. */
const globalLpPool: Row = (e) => {
  const x = e.in(0);
  const p = e.attributes.int('p', 2);
  const axes = Array.from({ length: knownRank(e, x) - 2 }, (_, axis) => axis + 2);
  root(e, reduce(e, 'SUM', power(e, x, p), axes, true), p, e.out());
};

/** DCR: the depth in blocks; CRD: the depth within a block of places. */
const depthToSpace: Row = (e) => {
  const x = e.in(0);
  const b = e.attributes.int('blocksize');
  let input = x;
  if (e.attributes.string('mode', 'DCR') === 'CRD') {
    const [, h, w, c] = x.shape as readonly Dim[];
    if (typeof c !== 'number') throw e.fail('SHAPE', 'the number of channels is not known');
    const depth = c / (b * b);
    // Channel [depth, b·b] → [b·b, depth].
    const order = Array.from(
      { length: c },
      (_, to) => (to % depth) * b * b + Math.floor(to / depth),
    );
    if (h === null || w === null) throw e.fail('SHAPE', 'the size of an image is not known');
    input = e.temp(x.dtype, x.shape);
    e.op('GATHER', [x, e.ints(order)], [input], { type: 'GatherOptions', value: { axis: 3 } });
  }
  const value = { blockSize: b };
  e.op('DEPTH_TO_SPACE', [input], [e.out()], { type: 'DepthToSpaceOptions', value });
};

const spaceToDepth: Row = (e) => {
  const value = { blockSize: e.attributes.int('blocksize') };
  e.op('SPACE_TO_DEPTH', [e.in(0)], [e.out()], { type: 'SpaceToDepthOptions', value });
};

export const poolRows: Readonly<Record<string, Row>> = {
  'mp.MaxPool': maxPool,
  'mp.AveragePool': averagePool,
  'mp.LpPool': lpPool,
  'mp.GlobalAveragePool': globalPool('MEAN'),
  'mp.GlobalMaxPool': globalPool('REDUCE_MAX'),
  GlobalLpPool: globalLpPool,
  'mp.DepthToSpace': depthToSpace,
  'mp.SpaceToDepth': spaceToDepth,
};
