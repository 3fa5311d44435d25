import { rangeError } from '../core/errors.ts';
import { sizeOf } from './sizes.ts';

/** Sizes of a convolution. Axes of space are one, two, three or more: what has one number for each has them in the
 *  order of the axes. */
export interface ConvShape {
  /** Sizes of x: [batch, …space, channels]. */
  readonly shape: readonly number[];
  /** Sizes of w: [output channels, …kernel, channels / groups]. */
  readonly weightShape: readonly number[];
  /** Steps between output pixels, default 1. */
  readonly strides?: readonly number[] | undefined;
  /** Padding before each axis, then after each axis, as in ONNX; default 0. */
  readonly pads?: readonly number[] | undefined;
  /** Steps between taps, default 1. */
  readonly dilations?: readonly number[] | undefined;
  /** Groups of channels that are convolved by themselves, default 1. */
  readonly groups?: number | undefined;
}

/** Sizes of a transposed convolution, strides, pads and dilations being those of the convolution that it
 *  reverses. */
export interface ConvTransposeShape extends ConvShape {
  /** Added at the end of each axis of the result, default 0. */
  readonly outputPadding?: readonly number[] | undefined;
}

/** A checked shape with everything that follows from it. */
export interface Geometry {
  readonly batch: number;
  readonly channels: number;
  readonly outChannels: number;
  readonly groups: number;
  readonly input: readonly number[];
  readonly kernel: readonly number[];
  readonly output: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before each axis. */
  readonly begins: readonly number[];
}

/** Output pixels along an axis and the input pixels that their taps take. */
export interface AxisTable {
  readonly size: number;
  readonly taps: number;
  /** [size, taps]: input coordinate times the pixels that a step along this axis spans, −1 outside. */
  readonly rows: Int32Array;
}

/** The geometry of a convolution.
 *  @throws {RangeError} sizes that don't fit each other, steps < 1, padding < 0, a kernel larger than the input */
export function convGeometry(given: ConvShape): Geometry {
  const { ends, ...common } = commonGeometry(given);
  const { input, kernel, strides, dilations, begins } = common;
  const output = input.map((size, axis) => {
    const span = dilations[axis]! * (kernel[axis]! - 1) + 1;
    const room = size + begins[axis]! + ends[axis]! - span;
    if (room < 0)
      throw rangeError('weightShape', `at most ${room + span} along axis ${axis}`, span);
    return Math.floor(room / strides[axis]!) + 1;
  });
  return { ...common, output };
}

/** The geometry of a transposed convolution.
 *  @throws {RangeError} as convGeometry; output padding < 0; nothing left after padding */
export function convTransposeGeometry(given: ConvTransposeShape): Geometry {
  const { ends, ...common } = commonGeometry(given);
  const { input, kernel, strides, dilations, begins } = common;
  const extra = perAxis('outputPadding', given.outputPadding, input.length, 0, 0);
  const output = input.map((size, axis) => {
    const span = dilations[axis]! * (kernel[axis]! - 1) + 1;
    const whole = strides[axis]! * (size - 1) + span + extra[axis]!;
    const left = whole - begins[axis]! - ends[axis]!;
    if (left < 0) throw rangeError('pads', `at most ${whole} along axis ${axis}`, whole - left);
    return left;
  });
  return { ...common, output };
}

function commonGeometry(given: ConvShape): Omit<Geometry, 'output'> & { ends: number[] } {
  const { shape, weightShape, groups = 1 } = given;
  const rank = shape.length - 2;
  if (rank < 1) throw rangeError('shape', '[batch, …space, channels]', `[${shape.join(', ')}]`);
  if (weightShape.length !== shape.length) {
    throw rangeError('weightShape', `${shape.length} axes`, weightShape.length);
  }
  sizeOf('shape', ...shape);
  sizeOf('weightShape', ...weightShape);
  const channels = shape.at(-1)!;
  const outChannels = weightShape[0]!;
  const divides = Number.isInteger(groups) && groups >= 1;
  if (!divides || channels % groups !== 0 || outChannels % groups !== 0) {
    throw rangeError('groups', `a divisor of ${channels} and ${outChannels} channels`, groups);
  }
  if (weightShape.at(-1) !== channels / groups) {
    throw rangeError('weightShape', `${channels / groups} channels`, weightShape.at(-1));
  }
  const kernel = weightShape.slice(1, -1);
  if (kernel.some((size) => size < 1)) {
    throw rangeError('weightShape', 'at least one tap', `[${weightShape.join(', ')}]`);
  }
  const input = shape.slice(1, -1);
  if (input.some((size) => size < 1)) {
    throw rangeError('shape', 'at least one pixel', `[${shape.join(', ')}]`);
  }
  const pads = perAxis('pads', given.pads, 2 * rank, 0, 0);
  return {
    batch: shape[0]!,
    channels,
    outChannels,
    groups,
    input,
    kernel,
    strides: perAxis('strides', given.strides, rank, 1, 1),
    dilations: perAxis('dilations', given.dilations, rank, 1, 1),
    begins: pads.slice(0, rank),
    ends: pads.slice(rank),
  };
}

function perAxis(
  name: string,
  given: readonly number[] | undefined,
  count: number,
  least: number,
  usual: number,
): number[] {
  if (given === undefined) return new Array<number>(count).fill(usual);
  if (given.length !== count) throw rangeError(name, `${count} numbers`, given.length);
  for (const value of given) {
    if (!Number.isInteger(value) || value < least || value > 2 ** 30) {
      throw rangeError(name, `integers ≥ ${least}`, value);
    }
  }
  return [...given];
}

/** What every output pixel of a convolution takes, axis by axis. */
export function convTables(geometry: Geometry): AxisTable[] {
  const { output, kernel, strides, dilations, begins } = geometry;
  return output.map((size, axis) =>
    axisTable(geometry, axis, size, kernel[axis]!, (at, tap) => {
      return at * strides[axis]! + tap * dilations[axis]! - begins[axis]!;
    }),
  );
}

/** A table from the input coordinate of each output pixel's taps, which may be outside. */
export function axisTable(
  { input }: Geometry,
  axis: number,
  size: number,
  taps: number,
  coordinate: (at: number, tap: number) => number,
): AxisTable {
  const span = input.slice(axis + 1).reduce((a, b) => a * b, 1);
  const rows = new Int32Array(size * taps);
  for (let at = 0; at < size; at++) {
    for (let tap = 0; tap < taps; tap++) {
      const from = coordinate(at, tap);
      rows[at * taps + tap] = from >= 0 && from < input[axis]! ? from * span : -1;
    }
  }
  return { size, taps, rows };
}

/** Writes the indirection of output pixels `from` … `to` − 1 as the kernels read it: input pixels
 *  [ceil(pixels/4)][taps][4], −1 for padding. Pixels beyond the last repeat it. */
export function fillIndirection(
  tables: readonly AxisTable[],
  from: number,
  to: number,
  target: Int32Array,
  start: number,
): void {
  const inner = tables.at(-1)!;
  const outer = tables.slice(0, -1);
  const taps = tables.reduce((product, table) => product * table.taps, 1);
  let line = -1;
  let prefix: number[] = [];
  const end = from + Math.ceil((to - from) / 4) * 4;
  for (let i = from; i < end; i++) {
    const pixel = Math.min(i, to - 1);
    const column = pixel % inner.size;
    const ofLine = (pixel - column) / inner.size;
    if (ofLine !== line) {
      line = ofLine;
      prefix = outerRows(outer, line);
    }
    const own = i - from;
    let at = start + (own - (own & 3)) * taps + (own & 3);
    const first = column * inner.taps;
    for (const base of prefix) {
      for (let tap = 0; tap < inner.taps; tap++) {
        const row = inner.rows[first + tap]!;
        target[at] = base < 0 || row < 0 ? -1 : base + row;
        at += 4;
      }
    }
  }
}

/** Taps of all axes but the last at one of their places, −1 where any is outside. */
export function outerRows(tables: readonly AxisTable[], place: number): number[] {
  let rows = [0];
  let span = tables.reduce((product, { size }) => product * size, 1);
  let rest = place;
  for (const table of tables) {
    span /= table.size;
    const at = Math.floor(rest / span);
    rest -= at * span;
    const own = table.rows.subarray(at * table.taps, (at + 1) * table.taps);
    rows = rows.flatMap((base) =>
      Array.from(own, (row) => (base < 0 || row < 0 ? -1 : base + row)),
    );
  }
  return rows;
}
