// Divide and conquer for a symmetric tridiagonal matrix: halves, joined by a matrix of rank 1.
// Source: Cuppen 1981; Gu & Eisenstat 1995; LAPACK's dlaed2 for what is deflated.
import { NumericError } from '../../core/errors.ts';
import { libraryBackend } from '../../wasm/library.ts';
import { type Address, descending, product, viewAt, withFloats } from './matrix.ts';

/** Below this size QL is faster. */
const leaf = 32;
const epsilon = 2 ** -52;

/** Eigenvalues, from the largest down, of the tridiagonal matrix of diagonal d [n] and off-diagonal e [n − 1], both
 *  used up; the eigenvectors become the rows [n, n] at an address, which needs room for that. */
export function tridiagonalEigen(
  d: Float64Array,
  e: Float64Array,
  n: number,
  rows: Address,
): Float64Array {
  return withFloats([n > leaf ? n * n : 0], (other) => {
    const values = solve(d, e, 0, n, n, rows, other);
    const order = descending(values);
    arrange(viewAt(rows, n * n), order, n);
    return Float64Array.from(order, (row) => values[row]!);
  });
}

/** Puts row order[i] in place i, by the cycles of the permutation. */
function arrange(rows: Float64Array, order: readonly number[], n: number): void {
  const from = [...order];
  for (let start = 0; start < n; start++) {
    if (from[start] === start) continue;
    const kept = rows.slice(start * n, (start + 1) * n);
    let to = start;
    for (let row = from[to]!; row !== start; row = from[to]!) {
      rows.copyWithin(to * n, row * n, (row + 1) * n);
      from[to] = to;
      to = row;
    }
    rows.set(kept, to * n);
    from[to] = to;
  }
}

/** Of the part [start, start + size), in no order, with its rows [size, size] from row `start` of `rows`. */
function solve(
  d: Float64Array,
  e: Float64Array,
  start: number,
  size: number,
  n: number,
  rows: Address,
  other: Address,
): Float64Array {
  const place = 8 * start * n;
  if (size <= leaf) return solveLeaf(d, e, start, size, rows + place);
  const first = size >>> 1;
  const middle = start + first;
  const joint = e[middle - 1]!;
  d[middle - 1] = d[middle - 1]! - Math.abs(joint);
  d[middle] = d[middle]! - Math.abs(joint);
  const upper = solve(d, e, start, first, n, other, rows);
  const lower = solve(d, e, middle, size - first, n, other, rows);
  return merge(
    { values: upper, rows: other + place },
    { values: lower, rows: other + 8 * middle * n },
    joint,
    rows + place,
  );
}

function solveLeaf(
  d: Float64Array,
  e: Float64Array,
  start: number,
  size: number,
  rows: Address,
): Float64Array {
  const panels = Math.ceil(size / 8);
  return withFloats(
    [size, size, panels * size * 8, 128 * size, 64],
    (diagonal, off, wide, log, sweeps) => {
      const { simd } = libraryBackend();
      viewAt(diagonal, size).set(d.subarray(start, start + size));
      const beside = viewAt(off, size).fill(0);
      beside.set(e.subarray(start, start + size - 1));
      const unit = viewAt(rows, size * size).fill(0);
      for (let i = 0; i < size; i++) unit[i * (size + 1)] = 1;
      simd.f64_panels(rows, wide, size, size, 0);
      if (simd.f64_tridiagonal_ql(diagonal, off, wide, log, sweeps, size, panels) !== 0) {
        throw new NumericError('an eigenvalue did not converge', { code: 'E_NO_CONVERGENCE' });
      }
      simd.f64_panels(rows, wide, size, size, 1);
      return viewAt(diagonal, size).slice();
    },
  );
}

interface Half {
  readonly values: Float64Array;
  /** [size, size]. */
  readonly rows: Address;
}

/** The eigenvectors of both halves in one matrix [size, size], which is 0 where they don't meet. */
function sideBySide(upper: Half, lower: Half, all: Address): void {
  const first = upper.values.length;
  const second = lower.values.length;
  const size = first + second;
  const to = viewAt(all, size * size).fill(0);
  const left = viewAt(upper.rows, first * first);
  const right = viewAt(lower.rows, second * second);
  for (let i = 0; i < first; i++) to.set(left.subarray(i * first, (i + 1) * first), i * size);
  for (let i = 0; i < second; i++) {
    to.set(right.subarray(i * second, (i + 1) * second), (first + i) * size + first);
  }
}

function merge(upper: Half, lower: Half, joint: number, target: Address): Float64Array {
  const first = upper.values.length;
  const size = first + lower.values.length;
  return withFloats([size * size], (all) => {
    sideBySide(upper, lower, all);
    const rows = viewAt(all, size * size);
    const d = Float64Array.from([...upper.values, ...lower.values]);
    // u = (last row of the upper half, first of the lower) / √2, so that ‖u‖ = 1.
    const sign = joint < 0 ? -Math.SQRT1_2 : Math.SQRT1_2;
    const z = d.map((_, i) =>
      i < first ? Math.SQRT1_2 * rows[i * size + first - 1]! : sign * rows[i * size + first]!,
    );
    const { active, both } = deflate(d, z, 2 * Math.abs(joint), first, rows);
    const roots = combine(
      { d, z, rho: 2 * Math.abs(joint), active, both },
      { all, size, first },
      target,
    );
    const values = new Float64Array(size);
    values.set(roots);
    const taken = new Set(active);
    let place = active.length;
    const to = viewAt(target, size * size);
    for (let row = 0; row < size; row++) {
      if (taken.has(row)) continue;
      values[place] = d[row]!;
      to.set(viewAt(all + 8 * row * size, size), place++ * size);
    }
    return values;
  });
}

interface Deflated {
  /** Rows that take part, their d ascending. */
  readonly active: number[];
  /** Whether a row has elements in both halves. */
  readonly both: Uint8Array;
}

/** Sorts out rows whose z is as good as 0, and one of any two whose d are as good as equal, after a rotation that
 *  moves its z into the other. */
function deflate(
  d: Float64Array,
  z: Float64Array,
  rho: number,
  first: number,
  rows: Float64Array,
): Deflated {
  const size = d.length;
  const most = (x: Float64Array): number =>
    x.reduce((top, value) => Math.max(top, Math.abs(value)), 0);
  const tolerance = 8 * epsilon * Math.max(most(d), most(z));
  const both = new Uint8Array(size);
  const active: number[] = [];
  let before = -1;
  for (const row of descending(d).reverse()) {
    if (rho * Math.abs(z[row]!) <= tolerance) continue;
    if (before >= 0) {
      const length = Math.sqrt(z[row]! * z[row]! + z[before]! * z[before]!);
      const c = z[row]! / length;
      const s = -z[before]! / length;
      const gap = d[row]! - d[before]!;
      if (Math.abs(gap * c * s) <= tolerance) {
        z[row] = length;
        z[before] = 0;
        turn(rows, before, row, size, c, s);
        if (before < first !== row < first || both[before] !== both[row])
          both[before] = both[row] = 1;
        const lower = d[before]! * c * c + d[row]! * s * s;
        d[row] = d[before]! * s * s + d[row]! * c * c;
        d[before] = lower;
      } else active.push(before);
    }
    before = row;
  }
  if (before >= 0) active.push(before);
  return { active, both };
}

function turn(rows: Float64Array, p: number, q: number, size: number, c: number, s: number): void {
  for (let k = 0; k < size; k++) {
    const x = rows[p * size + k]!;
    const y = rows[q * size + k]!;
    rows[p * size + k] = c * x + s * y;
    rows[q * size + k] = c * y - s * x;
  }
}

/** Eigenvectors of the rows that take part, as the first rows of `target`, by two products: each half's columns are
 *  made of the rows that have something there.
 *  @returns  their eigenvalues */
function combine(
  { d, z, rho, active, both }: Deflated & { d: Float64Array; z: Float64Array; rho: number },
  { all, size, first }: { all: Address; size: number; first: number },
  target: Address,
): Float64Array {
  const count = active.length;
  return withFloats(
    [count, count, count, count * count, count],
    (poles, weights, roots, s, exact) => {
      viewAt(poles, count).set(active.map((row) => d[row]!));
      viewAt(weights, count).set(active.map((row) => z[row]!));
      libraryBackend().simd.f64_secular(poles, weights, roots, s, exact, count, rho);
      for (const [from, width, inside] of [
        [0, first, (row: number) => row < first || both[row] === 1],
        [first, size - first, (row: number) => row >= first || both[row] === 1],
      ] as const) {
        const some = active.flatMap((row, i) => (inside(row) ? [i] : []));
        const k = some.length;
        withFloats([k, count * k, k * width], (index, share, basis) => {
          const { arena, simd } = libraryBackend();
          arena.views().i32.set(some, index >>> 2);
          simd.f64_take_columns(s, index, share, count, count, k);
          const bases = viewAt(basis, k * width);
          some.forEach((index, i) => {
            bases.set(viewAt(all + 8 * (active[index]! * size + from), width), i * width);
          });
          product([share, basis, target + 8 * from], [count, width, k], { stride: size });
        });
      }
      return viewAt(roots, count).slice();
    },
  );
}
