import { rangeError } from '../../core/errors.ts';
import { checkRank, symmetricEigen } from './eigen.ts';
import {
  type Address,
  checkFloatArray,
  checkSize,
  columnsOf,
  copyIn,
  type FloatArray,
  magnitude,
  normalizer,
  signsOf,
  viewAt,
  withFloats,
} from './matrix.ts';
import { modeGram, modeProduct, volumeOf } from './mode.ts';

/** hosvd: leading vectors of every unfolding of x. st-hosvd: the same, each on what the modes before left, at a
 *  fraction of the cost and about the same error. hooi: alternating improvement of hosvd, the least error. */
export type TuckerMethod = 'hosvd' | 'st-hosvd' | 'hooi';

export interface TuckerOptions {
  /** Default st-hosvd. */
  method?: TuckerMethod;
  /** The axes that `ranks` are for, default the first ones: [0, 1] is Tucker-2 of convolution weights. */
  modes?: readonly number[];
  /** hooi: sweeps over the modes, default 50. */
  maxSweeps?: number;
  /** hooi: ends when a sweep lowers the relative error's square by no more than this, default 1e-9. */
  tolerance?: number;
}

/** x ≈ core ×₁ factors[0] ×₂ factors[1] … along the modes. */
export interface Tucker {
  /** Row-major, of coreShape. */
  core: Float64Array<ArrayBuffer>;
  /** The shape of x with each mode's size replaced by its rank. */
  coreShape: number[];
  /** For each mode [size, rank], orthonormal columns; the largest component of each is positive. */
  factors: Float64Array<ArrayBuffer>[];
  /** Axes of the factors. */
  modes: number[];
  /** ‖x − x̂‖ / ‖x‖. */
  error: number;
}

interface Mode {
  readonly axis: number;
  readonly size: number;
  readonly rank: number;
  /** Rows [rank, size] in wasm memory: the factor's columns. */
  readonly rows: Address;
}

const methods: readonly TuckerMethod[] = ['hosvd', 'st-hosvd', 'hooi'];

/** Tucker decomposition along all axes or some.
 *  @param x      row-major elements of `shape`
 *  @param ranks  one for each mode, 1..its size
 *  @returns      core, factors and relative error, float64 whatever the input
 *  @throws {TypeError} x is no Float32Array or Float64Array
 *  @throws {RangeError} shape, ranks or options that don't fit
 *  @throws {NumericError} NaN or an infinity
 *  Cost O(volume·size) for the Gram matrix and O(size³) for the eigenvectors of each mode, times the sweeps of hooi;
 *  memory about 5 times x in float64. Deterministic.
 *  Source: De Lathauwer, De Moor & Vandewalle 2000; Vannieuwenhoven, Vandebril & Meerbergen 2012. */
export function tucker(
  x: FloatArray,
  shape: readonly number[],
  ranks: readonly number[],
  options: TuckerOptions = {},
): Tucker {
  checkFloatArray('x', x);
  const { method = 'st-hosvd', maxSweeps = 50, tolerance = 1e-9 } = options;
  if (!methods.includes(method)) throw rangeError('method', methods.join(' | '), method);
  if (!Number.isInteger(maxSweeps) || maxSweeps < 1)
    throw rangeError('maxSweeps', 'an integer ≥ 1', maxSweeps);
  if (!(tolerance >= 0)) throw rangeError('tolerance', 'a number ≥ 0', tolerance);
  const axes = checkModes(x.length, shape, ranks, options.modes);
  const factor = normalizer(magnitude('x', x));
  const most = Math.max(x.length, ...steps(shape, axes, ranks));
  return withFloats(
    [x.length, most, most, ...axes.map((axis) => shape[axis]! ** 2)],
    (input, first, second, ...rows) => {
      copyIn(x, input, factor);
      const modes = axes.map((axis, i): Mode => {
        return { axis, size: shape[axis]!, rank: ranks[i]!, rows: rows[i]! };
      });
      const total = squares(input, x.length);
      const work = { input, shape, buffers: [first, second] as const };
      let core = method === 'st-hosvd' ? sequential(work, modes) : simultaneous(work, modes);
      if (method === 'hooi') core = alternate(work, modes, core, total * tolerance, maxSweeps);
      const left = total - squares(core, volumeOf(shapeOf(shape, modes)));
      const parts = result(core, shape, modes, factor);
      if (total === 0) return { ...parts, error: 0 };
      // The difference of two norms has lost its digits when it is small.
      const rest =
        left > 1e-8 * total ? left : squaredDistance(x, tuckerReconstruct(parts), factor);
      return { ...parts, error: Math.sqrt(rest / total) };
    },
  );
}

function squaredDistance(x: FloatArray, y: FloatArray, factor: number): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) {
    const difference = (x[i]! - y[i]!) * factor;
    sum += difference * difference;
  }
  return sum;
}

/** x̂ = core ×₁ factors[0] ×₂ factors[1] …
 *  @param parts  what `tucker` returns; modes may be left out when they are the first axes
 *  @returns      row-major, float64; its shape is coreShape with each mode's rank replaced by its size
 *  @throws {TypeError} core or a factor is no float array
 *  @throws {RangeError} sizes that don't fit
 *  Cost O(volume·rank) for each mode. Deterministic. */
export function tuckerReconstruct(
  parts: Pick<Tucker, 'coreShape'> & {
    core: FloatArray;
    factors: readonly FloatArray[];
    modes?: readonly number[];
  },
): Float64Array<ArrayBuffer> {
  const { core, coreShape, factors } = parts;
  checkFloatArray('core', core);
  const ranks = factors.map((_, i) => coreShape[parts.modes?.[i] ?? i] ?? 0);
  const axes = checkModes(core.length, coreShape, ranks, parts.modes);
  const sizes = factors.map((factor, i) => {
    checkFloatArray(`factors[${i}]`, factor);
    const size = factor.length / ranks[i]!;
    if (!Number.isInteger(size) || size < 1)
      throw rangeError(`factors[${i}]`, `rows of ${ranks[i]}`, `${factor.length} elements`);
    return size;
  });
  const most = Math.max(core.length, ...steps(coreShape, axes, sizes));
  checkSize('volume', most);
  return withFloats([most, most, ...factors.map((each) => each.length)], (a, b, ...at) => {
    copyIn(core, a);
    let [from, to] = [a, b];
    const dims = [...coreShape];
    axes.forEach((axis, i) => {
      copyIn(factors[i]!, at[i]!);
      modeProduct(from, to, dims, axis, at[i]!, sizes[i]!);
      dims[axis] = sizes[i]!;
      [from, to] = [to, from];
    });
    return viewAt(from, volumeOf(dims)).slice();
  });
}

function checkModes(
  length: number,
  shape: readonly number[],
  ranks: readonly number[],
  modes: readonly number[] = ranks.map((_, i) => i),
): readonly number[] {
  for (const size of shape) checkSize('shape', size);
  const volume = volumeOf(shape);
  checkSize('volume of shape', volume);
  if (length !== volume) throw rangeError('x', `${volume} elements`, `${length} elements`);
  if (ranks.length !== modes.length)
    throw rangeError('ranks', `${modes.length} ranks, one for each mode`, ranks.length);
  modes.forEach((axis, i) => {
    if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length || modes.indexOf(axis) !== i)
      throw rangeError('modes', `different axes 0..${shape.length - 1}`, axis);
    checkRank(`ranks[${i}]`, ranks[i]!, shape[axis]!);
  });
  return modes;
}

/** Volumes while one mode after the other changes its size. */
function steps(
  shape: readonly number[],
  axes: readonly number[],
  sizes: readonly number[],
): number[] {
  const dims = [...shape];
  return axes.map((axis, i) => {
    dims[axis] = sizes[i]!;
    return volumeOf(dims);
  });
}

const shapeOf = (shape: readonly number[], modes: readonly Mode[]): number[] =>
  shape.map((size, axis) => modes.find((mode) => mode.axis === axis)?.rank ?? size);

interface Work {
  readonly input: Address;
  readonly shape: readonly number[];
  readonly buffers: readonly [Address, Address];
}

/** The leading vectors of a mode's unfolding become the mode's rows. */
function leading(x: Address, dims: readonly number[], mode: Mode): void {
  withFloats([mode.size * mode.size], (square) => {
    modeGram(x, dims, mode.axis, square);
    symmetricEigen(square, mode.rows, mode.size, () => mode.rank);
  });
}

/** x times the transposed factors of some modes, in one of the buffers; the input itself for none. */
function shrink(
  { input, shape, buffers }: Work,
  modes: readonly Mode[],
): { at: Address; dims: number[] } {
  const dims = [...shape];
  let at = input;
  // What shrinks most goes first: the rest is cheaper then.
  for (const { axis, rank, rows } of byGain(modes)) {
    const to = at === buffers[0] ? buffers[1] : buffers[0];
    modeProduct(at, to, dims, axis, rows, rank);
    dims[axis] = rank;
    at = to;
  }
  return { at, dims };
}

const byGain = (modes: readonly Mode[]): Mode[] =>
  [...modes].sort((p, q) => q.size / q.rank - p.size / p.rank || p.axis - q.axis);

function simultaneous(work: Work, modes: readonly Mode[]): Address {
  for (const mode of modes) leading(work.input, work.shape, mode);
  return shrink(work, modes).at;
}

function sequential(work: Work, modes: readonly Mode[]): Address {
  const done: Mode[] = [];
  let { at, dims } = shrink(work, []);
  for (const mode of byGain(modes)) {
    leading(at, dims, mode);
    const to = at === work.buffers[0] ? work.buffers[1] : work.buffers[0];
    modeProduct(at, to, dims, mode.axis, mode.rows, mode.rank);
    at = to;
    done.push(mode);
    dims = shapeOf(work.shape, done);
  }
  return at;
}

/** Each mode's leading vectors of x shrunk along the others, in turn, while the core's norm grows. */
function alternate(
  work: Work,
  modes: readonly Mode[],
  start: Address,
  least: number,
  maxSweeps: number,
): Address {
  const size = volumeOf(shapeOf(work.shape, modes));
  let core = start;
  let kept = squares(core, size);
  for (let sweep = 0; sweep < maxSweeps && modes.length > 1; sweep++) {
    for (const mode of modes) {
      const { at, dims } = shrink(
        work,
        modes.filter((other) => other !== mode),
      );
      leading(at, dims, mode);
      core = at === work.buffers[0] ? work.buffers[1] : work.buffers[0];
      modeProduct(at, core, dims, mode.axis, mode.rows, mode.rank);
    }
    const now = squares(core, size);
    if (!(now - kept > least)) break;
    kept = now;
  }
  return core;
}

function squares(at: Address, count: number): number {
  const x = viewAt(at, count);
  let sum = 0;
  for (let i = 0; i < count; i++) sum += x[i]! * x[i]!;
  return sum;
}

/** Arrays of what is in wasm memory, signs by rule: a factor's column and the core's slice change together. */
function result(
  core: Address,
  shape: readonly number[],
  modes: readonly Mode[],
  factor: number,
): Omit<Tucker, 'error'> {
  const coreShape = shapeOf(shape, modes);
  const values = viewAt(core, volumeOf(coreShape)).slice();
  const factors = modes.map(({ axis, size, rank, rows }) => {
    const order = Array.from({ length: rank }, (_, i) => i);
    const signs = signsOf(rows, rank, size);
    const inner = volumeOf(coreShape.slice(axis + 1));
    for (let i = 0; i < values.length; i++) {
      values[i] = values[i]! * signs[Math.floor(i / inner) % rank]!;
    }
    return columnsOf(rows, size, order, signs);
  });
  return {
    core: values.map((value) => value / factor),
    coreShape,
    factors,
    modes: modes.map(({ axis }) => axis),
  };
}
