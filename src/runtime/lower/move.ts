import { ShapeError } from '../../core/errors.ts';
import { realOf } from '../real.ts';
import { copyStep, rowMajor, type StridedCopy, widthOf } from './copy.ts';
import { levelOf, meaningOf } from './int8/levels.ts';
import type { LowerContext, Lowered, Lowering, Operand } from './lowering.ts';
import { around, frontAxis, numbersOf, product } from './operands.ts';

/** Quantized operands may be moved as they are where all have the same parameters. */
export function sameQuantization(operands: readonly (Operand | null)[]): boolean {
  const [first, ...rest] = operands.filter((operand) => operand !== null);
  return rest.every((operand) => {
    const [a, b] = [first!.quantization, operand.quantization];
    if (a === null || b === null) return a === b;
    if (a === b) return true;
    const isWhole = a.scale.length === 1 && b.scale.length === 1;
    return (
      isWhole &&
      a.storage === b.storage &&
      a.scale[0] === b.scale[0] &&
      (a.zeroPoint?.[0] ?? 0) === (b.zeroPoint?.[0] ?? 0)
    );
  });
}

const isWhole = (operand: Operand): boolean =>
  operand.quantization === null || operand.quantization.scale.length === 1;

/** One input, one output, one copy. */
function moving(
  op: string,
  plan: (c: LowerContext, x: Operand, y: Operand) => StridedCopy | null,
  domain = '',
): Lowering {
  return {
    op,
    domain,
    lower(c): Lowered | null {
      const [x] = c.inputs;
      const [y] = c.outputs;
      if (x == null || y == null || !isWhole(x) || !sameQuantization([x, y])) return null;
      const width = widthOf(x.storage);
      const copy = width === null ? null : plan(c, x, y);
      if (copy === null) return null;
      return {
        kernel: `x${8 * width!}_copy`,
        reads: [0],
        bind: (at) => copyStep(c.backend, width!, copy, at.input(0), at.output(0)),
      };
    },
  };
}

function transposePlan({ attributes }: LowerContext, x: Operand, y: Operand): StridedCopy {
  const rank = x.dims.length;
  const order = attributes.ints('perm') ?? x.dims.map((_, i) => rank - 1 - i);
  const steps = rowMajor(x.dims);
  return { sizes: y.dims, from: order.map((axis) => steps[axis]!), to: rowMajor(y.dims) };
}

function expandPlan(_: LowerContext, x: Operand, y: Operand): StridedCopy {
  const steps = rowMajor(x.dims);
  const missing = y.dims.length - x.dims.length;
  const from = y.dims.map((_size, i) =>
    i < missing || x.dims[i - missing] === 1 ? 0 : steps[i - missing]!,
  );
  return { sizes: y.dims, from, to: rowMajor(y.dims) };
}

function tilePlan(_: LowerContext, x: Operand, y: Operand): StridedCopy | null {
  const steps = rowMajor(x.dims);
  const ySteps = rowMajor(y.dims);
  const sizes = x.dims.flatMap((size, i) => [size === 0 ? 0 : y.dims[i]! / size, size]);
  const from = steps.flatMap((step) => [0, step]);
  const to = ySteps.flatMap((step, i) => [step * x.dims[i]!, step]);
  return { sizes, from, to };
}

function slicePlan(c: LowerContext, x: Operand, y: Operand): StridedCopy | null {
  const starts = numbersOf(c, 1);
  const rank = x.dims.length;
  const axes = c.inputs[3] == null ? (starts?.map((_, i) => i) ?? null) : numbersOf(c, 3);
  const steps = c.inputs[4] == null ? (starts?.map(() => 1) ?? null) : numbersOf(c, 4);
  if (starts === null || axes === null || steps === null) return null;
  const from = rowMajor(x.dims);
  let fromOffset = 0;
  for (const [i, given] of starts.entries()) {
    const axis = frontAxis(axes[i]!, rank);
    const size = x.dims[axis]!;
    const step = steps[i]!;
    const front = given < 0 ? given + size : given;
    const start =
      step > 0 ? Math.min(Math.max(front, 0), size) : Math.min(Math.max(front, 0), size - 1);
    fromOffset += start * from[axis]!;
    from[axis] = from[axis]! * step;
  }
  return { sizes: y.dims, from, fromOffset, to: rowMajor(y.dims) };
}

/** Blocks of channels to or from space: [N, C, H, W] in CRD or DCR order. */
function depthToSpacePlan({ attributes }: LowerContext, x: Operand): StridedCopy {
  const [n, c, h, w] = x.dims as [number, number, number, number];
  const b = attributes.int('blocksize');
  const depth = c / (b * b);
  const [down, right] = [b * w * b, b];
  const plane = h * b * w * b;
  // y[n, depth, h, i, w, j] over x.
  const inner = [w * h * depth * b, w * h * depth];
  const crd = attributes.string('mode', 'DCR') === 'CRD';
  const from = crd
    ? [c * h * w, b * b * h * w, w, b * h * w, 1, h * w]
    : [c * h * w, h * w, w, inner[0]!, 1, inner[1]!];
  return {
    sizes: [n, depth, h, b, w, b],
    from,
    to: [depth * plane, plane, down, w * b, right, 1],
  };
}

function spaceToDepthPlan({ attributes }: LowerContext, x: Operand): StridedCopy {
  const [n, c, h, w] = x.dims as [number, number, number, number];
  const b = attributes.int('blocksize');
  const [hh, ww] = [h / b, w / b];
  const plane = hh * ww;
  return {
    sizes: [n, c, hh, b, ww, b],
    from: [c * h * w, h * w, b * w, w, b, 1],
    to: [c * h * w, plane, ww, b * c * plane, 1, c * plane],
  };
}

/** The same on [N, H, W, C]: blocks and channels are parts of the last axis. */
function depthToSpaceLastPlan({ attributes }: LowerContext, x: Operand): StridedCopy {
  const [n, h, w, c] = x.dims as [number, number, number, number];
  const b = attributes.int('blocksize');
  const depth = c / (b * b);
  const crd = attributes.string('mode', 'DCR') === 'CRD';
  const [rows, columns, channels] = crd ? [b, 1, b * b] : [b * depth, depth, 1];
  const sizes = [n, h, b, w, b, depth];
  const from = [h * w * c, w * c, rows, c, columns, channels];
  return { sizes, from, to: rowMajor(sizes) };
}

function spaceToDepthLastPlan({ attributes }: LowerContext, x: Operand): StridedCopy {
  const [n, h, w, c] = x.dims as [number, number, number, number];
  const b = attributes.int('blocksize');
  const sizes = [n, h / b, w / b, b, b, c];
  return { sizes, from: [h * w * c, b * w * c, b * c, w * c, c, 1], to: rowMajor(sizes) };
}

const concat: Lowering = {
  op: 'Concat',
  lower(c) {
    const [y] = c.outputs;
    if (y == null || !isWhole(y) || !sameQuantization([...c.inputs, y])) return null;
    const width = widthOf(y.storage);
    if (width === null || c.inputs.some((operand) => operand?.storage !== y.storage)) return null;
    const axis = frontAxis(c.attributes.int('axis'), y.dims.length);
    const to = rowMajor(y.dims);
    let start = 0;
    const parts = c.inputs.flatMap((operand, index) => {
      const { dims, size } = operand!;
      const toOffset = start * to[axis]!;
      start += dims[axis]!;
      const copy: StridedCopy = { sizes: dims, from: rowMajor(dims), to, toOffset };
      return size === 0 ? [] : [{ index, copy }];
    });
    return {
      kernel: `x${8 * width}_copy`,
      reads: parts.map(({ index }) => index),
      bind(at) {
        const target = at.output(0);
        const steps = parts.map(({ index, copy }) =>
          copyStep(c.backend, width, copy, at.input(index), target),
        );
        return () => {
          for (const step of steps) step();
        };
      },
    };
  },
};

const split: Lowering = {
  op: 'Split',
  lower(c) {
    const [x] = c.inputs;
    if (x == null || !isWhole(x) || !sameQuantization([x, ...c.outputs])) return null;
    const width = widthOf(x.storage);
    // An output that nobody uses has no operand, so its size is not at hand.
    if (width === null || c.outputs.some((operand) => operand === null)) return null;
    const axis = frontAxis(c.attributes.int('axis', 0), x.dims.length);
    const from = rowMajor(x.dims);
    let start = 0;
    const copies = c.outputs.map((operand): StridedCopy => {
      const { dims } = operand!;
      const fromOffset = start * from[axis]!;
      start += dims[axis]!;
      return { sizes: dims, from, fromOffset, to: rowMajor(dims) };
    });
    return {
      kernel: `x${8 * width}_copy`,
      reads: [0],
      bind(at) {
        const source = at.input(0);
        const steps = copies.map((copy, i) =>
          copyStep(c.backend, width, copy, source, at.output(i)),
        );
        return () => {
          for (const step of steps) step();
        };
      },
    };
  },
};

const pad: Lowering = {
  op: 'Pad',
  lower(c) {
    const [x] = c.inputs;
    const [y] = c.outputs;
    if (x == null || y == null || !isWhole(x) || !sameQuantization([x, y])) return null;
    if (c.attributes.string('mode', 'constant') !== 'constant') return null;
    const width = widthOf(x.storage);
    const pads = numbersOf(c, 1);
    const rank = x.dims.length;
    const axes = c.inputs[3] == null ? x.dims.map((_, i) => i) : numbersOf(c, 3);
    if (width === null || pads === null || axes === null) return null;
    const fill = fillBytes(c, x, width);
    if (fill === null) return null;
    const begins = new Array<number>(rank).fill(0);
    const ends = new Array<number>(rank).fill(0);
    for (const [i, axis] of axes.entries()) {
      begins[frontAxis(axis, rank)] = pads[i]!;
      ends[frontAxis(axis, rank)] = pads[i + axes.length]!;
    }
    const [fromSteps, toSteps] = [rowMajor(x.dims), rowMajor(y.dims)];
    let [fromOffset, toOffset] = [0, 0];
    const sizes = x.dims.map((size, i) => {
      fromOffset += Math.max(0, -begins[i]!) * fromSteps[i]!;
      toOffset += Math.max(0, begins[i]!) * toSteps[i]!;
      return Math.max(0, size + Math.min(0, begins[i]!) + Math.min(0, ends[i]!));
    });
    const copy: StridedCopy = { sizes, from: fromSteps, fromOffset, to: toSteps, toOffset };
    const { arena } = c.backend;
    return {
      kernel: `x${8 * width}_copy`,
      reads: [0],
      bind(at) {
        const target = at.output(0);
        const step = copyStep(c.backend, width, copy, at.input(0), target);
        return () => {
          const views = arena.views();
          if (fill.every((byte) => byte === fill[0])) {
            views.u8.fill(fill[0]!, target, target + y.bytes);
          } else {
            views.u8.set(fill, target);
            for (let done = width as number; done < y.bytes; done *= 2)
              views.u8.copyWithin(target + done, target, target + Math.min(done, y.bytes - done));
          }
          step();
        };
      },
    };
  },
};

/** What Pad fills with, as bytes of an element. */
function fillBytes(c: LowerContext, x: Operand, width: number): Uint8Array | null {
  if (x.quantization !== null) {
    const meaning = meaningOf(x);
    if (meaning === null) return null;
    if (c.inputs[2] == null) return Uint8Array.of(meaning.zero & 255);
    const tensor = c.known(2);
    if (tensor === null) return null;
    const { quantization } = c.inputs[2];
    const real = quantization === null ? tensor : realOf(tensor, quantization);
    return Uint8Array.of(levelOf(Number(real.data[0]), meaning) & 255);
  }
  if (c.inputs[2] == null) return new Uint8Array(width);
  const tensor = c.known(2);
  if (tensor === null || tensor.type !== x.storage || Array.isArray(tensor.data)) return null;
  const { buffer, byteOffset } = tensor.data;
  return new Uint8Array(buffer, byteOffset, width).slice();
}

function outside(index: number, length: number): ShapeError {
  return new ShapeError(`index ${index} is not within ${length}`, { code: 'E_RUN_INDEX' });
}

/** Indices that the plan knows as a copy, where they ascend evenly in two steps: shuffled channels, ranges. */
function gatherPlan(c: LowerContext, x: Operand, y: Operand): StridedCopy | null {
  const indices = numbersOf(c, 1);
  const axis = frontAxis(c.attributes.int('axis', 0), x.dims.length);
  const { outer, length, unit } = around(x.dims, axis);
  if (indices === null || indices.length < 2 || y.size === 0) return null;
  const places = indices.map((index) => (index < 0 ? index + length : index));
  if (places.some((index) => index < 0 || index >= length)) return null;
  const step = places[1]! - places[0]!;
  let row = 2;
  while (row < places.length && places[row]! - places[row - 1]! === step) row++;
  if (places.length % row !== 0) return null;
  const jump = row < places.length ? places[row]! - places[0]! : 0;
  const isEven = places.every(
    (place, i) => place === places[0]! + Math.floor(i / row) * jump + (i % row) * step,
  );
  if (!isEven || step < 0 || jump < 0) return null;
  const sizes = [outer, places.length / row, row, unit];
  return {
    sizes,
    from: [length * unit, jump * unit, step * unit, 1],
    fromOffset: places[0]! * unit,
    to: rowMajor(sizes),
  };
}

/** Rows at indices that the plan knows or that come as int64 or int32. */
const gather: Lowering = {
  op: 'Gather',
  lower(c) {
    const [x, indices] = c.inputs;
    const [y] = c.outputs;
    if (x == null || indices == null || y == null) return null;
    if (!isWhole(x) || !sameQuantization([x, y])) return null;
    const width = widthOf(x.storage);
    if (width === null) return null;
    const { outer, length, unit } = around(
      x.dims,
      frontAxis(c.attributes.int('axis', 0), x.dims.length),
    );
    const known = numbersOf(c, 1);
    const count = product(indices.dims);
    const run = unit * width;
    const { arena } = c.backend;
    if (known === null && indices.storage !== 'int64' && indices.storage !== 'int32') return null;
    if (known?.some((index) => index < -length || index >= length)) return null;
    return {
      kernel: 'gather',
      reads: known === null ? [0, 1] : [0],
      bind(at) {
        const [source, target] = [at.input(0), at.output(0)];
        const places = known === null ? at.input(1) : 0;
        return () => {
          const { u8, i32 } = arena.views();
          const step = indices.storage === 'int64' ? 2 : 1;
          // A call to copy costs more than a few words.
          const words = run % 4 === 0 && run <= 64 ? run / 4 : 0;
          for (let o = 0; o < outer; o++) {
            for (let i = 0; i < count; i++) {
              const given = known === null ? i32[(places >>> 2) + i * step]! : known[i]!;
              const index = given < 0 ? given + length : given;
              if (!(index >= 0 && index < length)) throw outside(given, length);
              const from = source + (o * length + index) * run;
              const to = target + (o * count + i) * run;
              if (words === 0) u8.copyWithin(to, from, from + run);
              else for (let w = 0; w < words; w++) i32[(to >>> 2) + w] = i32[(from >>> 2) + w]!;
            }
          }
        };
      },
    };
  },
};

export const moveLowerings: readonly Lowering[] = [
  moving('Transpose', transposePlan),
  moving('Expand', expandPlan),
  moving('Tile', tilePlan),
  moving('Slice', slicePlan),
  moving('DepthToSpace', depthToSpacePlan),
  moving('SpaceToDepth', spaceToDepthPlan),
  moving('DepthToSpace', depthToSpaceLastPlan, 'mp'),
  moving('SpaceToDepth', spaceToDepthLastPlan, 'mp'),
  moving('Gather', gatherPlan),
  concat,
  split,
  pad,
  gather,
];
