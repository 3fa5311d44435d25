import { type DType, dtypes } from '../../core/dtype.ts';
import type { LibraryBackend } from '../../wasm/library.ts';
import type { Step } from './lowering.ts';
import { product } from './operands.ts';

interface Axis {
  size: number;
  from: number;
  to: number;
}

/** A copy of elements along axes, from steps to steps, both in elements. */
export interface StridedCopy {
  readonly sizes: readonly number[];
  readonly from: readonly number[];
  readonly fromOffset?: number;
  readonly to: readonly number[];
  readonly toOffset?: number;
}

/** Bytes of an element that can be moved by itself, or null: packed types. */
export function widthOf(storage: DType): 1 | 2 | 4 | 8 | null {
  const { bits } = dtypes[storage];
  return bits === 8 || bits === 16 || bits === 32 || bits === 64
    ? ((bits / 8) as 1 | 2 | 4 | 8)
    : null;
}

/** Steps of a row-major tensor. */
export function rowMajor(dims: readonly number[]): number[] {
  const steps = new Array<number>(dims.length).fill(1);
  for (let i = dims.length - 2; i >= 0; i--) steps[i] = steps[i + 1]! * dims[i + 1]!;
  return steps;
}

/** Makes a copy's step. Runs that are whole in both are moved whole; where only the target is contiguous, the kernel
 *  for four axes does it. */
export function copyStep(
  { arena, simd }: LibraryBackend,
  width: 1 | 2 | 4 | 8,
  copy: StridedCopy,
  source: number,
  target: number,
): Step {
  const axes = merged(copy);
  const from = source + width * (copy.fromOffset ?? 0);
  const to = target + width * (copy.toOffset ?? 0);
  if (product(copy.sizes) === 0) return () => {};
  const last = axes.at(-1)!;
  const run = last.from === 1 && last.to === 1 ? last.size * width : 0;
  if (run > 0 && axes.length === 1) {
    return () => {
      arena.views().u8.copyWithin(to, from, from + run);
    };
  }
  if (run > 0 && run % 4 === 0 && axes.length >= 2) {
    const [rows, ...rest] = [axes.at(-2)!, ...axes.slice(0, -2)];
    const isAligned = (rows.from * width) % 4 === 0 && (rows.to * width) % 4 === 0;
    if (isAligned && rows.from > 0 && rows.to > 0 && rows.from * width >= run) {
      const words = run / 4;
      const [ldx, ldo] = [(rows.from * width) / 4, (rows.to * width) / 4];
      return outer(rest, width, from, to, (x, y) =>
        simd.f32_copy_matrix(x, y, rows.size, words, ldx, ldo),
      );
    }
  }
  const inner = axes.slice(-4);
  if (isContiguous(inner)) {
    const kernel = { 1: simd.x8_copy, 2: simd.x16_copy, 4: simd.x32_copy, 8: simd.x64_copy }[width];
    const [a, b, d, e] = [
      ...Array<Axis>(4 - inner.length).fill({ size: 1, from: 0, to: 0 }),
      ...inner,
    ];
    return outer(axes.slice(0, -4), width, from, to, (x, y) =>
      kernel(x, y, a!.size, b!.size, d!.size, e!.size, a!.from, b!.from, d!.from, e!.from),
    );
  }
  if (run > 0) {
    return outer(axes.slice(0, -1), width, from, to, (x, y) => {
      arena.views().u8.copyWithin(y, x, x + run);
    });
  }
  const one = { 1: simd.x8_copy, 2: simd.x16_copy, 4: simd.x32_copy, 8: simd.x64_copy }[width];
  if (last.to === 1) {
    return outer(axes.slice(0, -1), width, from, to, (x, y) =>
      one(x, y, 1, 1, 1, last.size, 0, 0, 0, last.from),
    );
  }
  return outer(axes, width, from, to, (x, y) => one(x, y, 1, 1, 1, 1, 0, 0, 0, 0));
}

/** The step for every place of the outer axes. */
function outer(
  axes: readonly Axis[],
  width: number,
  from: number,
  to: number,
  run: (x: number, y: number) => void,
): Step {
  if (axes.length === 0) return () => run(from, to);
  let places: [number, number][] = [[from, to]];
  for (const axis of axes) {
    const next: [number, number][] = [];
    for (const [x, y] of places) {
      for (let i = 0; i < axis.size; i++)
        next.push([x + i * axis.from * width, y + i * axis.to * width]);
    }
    places = next;
  }
  const flat = Float64Array.from(places.flat());
  return () => {
    for (let i = 0; i < flat.length; i += 2) run(flat[i]!, flat[i + 1]!);
  };
}

function isContiguous(axes: readonly Axis[]): boolean {
  let step = 1;
  for (const { size, to } of axes.toReversed()) {
    if (to !== step) return false;
    step *= size;
  }
  return true;
}

/** Axes of size 1 dropped, those that follow each other without a gap in both as one. */
function merged({ sizes, from, to }: StridedCopy): Axis[] {
  const axes: Axis[] = [];
  sizes.forEach((size, i) => {
    if (size === 1) return;
    const before = axes.at(-1);
    const [f, t] = [from[i]!, to[i]!];
    if (before !== undefined && before.from === f * size && before.to === t * size) {
      before.size *= size;
      before.from = f;
      before.to = t;
    } else {
      axes.push({ size, from: f, to: t });
    }
  });
  return axes.length === 0 ? [{ size: 1, from: 1, to: 1 }] : axes;
}
