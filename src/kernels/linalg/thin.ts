// Thin decompositions of a tall matrix in wasm memory: the left and right vectors are rows there.
import { random } from '../../core/random.ts';
import { libraryBackend } from '../../wasm/library.ts';
import { symmetricEigen } from './eigen.ts';
import { type Address, gram, product, viewAt, withFloats } from './matrix.ts';

/** A decomposition at addresses: A ≈ Σ s_i u_i v_iᵀ with u_i the rows of ut and v_i those of vt. */
export interface Thin {
  /** Room for n rows of m. */
  ut: Address;
  /** Room for n rows of n. */
  vt: Address;
}

/** Below this share of the largest of a level, squaring costs too many digits. */
const cut = 1 / 8;
/** Below this share of the largest, singular values are rounding errors of the matrix itself. */
const floor = 2 ** -50;

/** Eigenvectors of AᵀA, then U = A V. What is small in A V has few digits left, so it is taken apart again, level by
 *  level, beside what is known already: that keeps U orthogonal and every value within rounding of the largest.
 *  @param a  [m, n] with m ≥ n, entries around 1
 *  @returns  at least `rank` singular values, in the order of the rows */
export function gramThin(
  a: Address,
  m: number,
  n: number,
  rank: number,
  { ut, vt }: Thin,
): number[] {
  const values: number[] = [];
  const rows = withFloats([n * n], (square) => {
    gram(a, square, n, m, true);
    let wanted = n;
    symmetricEigen(square, vt, n, (squares) => {
      if (squares[rank - 1]! >= cut * cut * squares[0]!) wanted = rank;
      return wanted;
    });
    return wanted;
  });
  product([vt, a, ut], [rows, m, n], { transposeB: true });
  let most = 0;
  for (;;) {
    const done = values.length;
    const norms = rowNorms(ut + 8 * done * m, rows - done, m);
    const top = Math.max(...norms);
    most = Math.max(most, top);
    if (top <= floor * most) {
      values.push(...norms);
      complete(ut, done, rows, m);
      return values;
    }
    let kept = 1;
    while (kept < norms.length && norms[kept]! >= cut * top) kept++;
    const known = norms.slice(0, kept);
    divide(ut + 8 * done * m, m, known);
    values.push(...known);
    if (values.length >= rank) return values;
    separate(values.length, rows, { ut, vt }, m, n);
  }
}

/** Takes what is along the first `done` rows of ut out of the others, and makes those orthogonal to each other. */
function separate(done: number, rows: number, { ut, vt }: Thin, m: number, n: number): void {
  const rest = rows - done;
  const left = ut + 8 * done * m;
  const right = vt + 8 * done * n;
  withFloats([rest * Math.max(done, m, n), rest * rest, rest * rest], (work, square, turn) => {
    let most = Math.max(...rowNorms(left, rest, m));
    for (let before = Infinity; most < before / 2; ) {
      before = most;
      product([left, ut, work], [rest, done, m], { transposeB: true });
      product([work, ut, left], [rest, m, done], { mode: 2 });
      most = Math.max(...rowNorms(left, rest, m));
    }
    if (most === 0) return;
    // Tiny rows would vanish when squared.
    divide(left, rest * m, [most]);
    gram(left, square, rest, m, false);
    symmetricEigen(square, turn, rest);
    for (const [at, width] of [
      [left, m],
      [right, n],
    ] as const) {
      product([turn, at, work], [rest, width, rest]);
      viewAt(at, rest * width).set(viewAt(work, rest * width));
    }
    divide(left, rest * m, [1 / most]);
  });
}

/** Makes rows done … rows − 1 an orthonormal complement of those before. */
export function complete(ut: Address, done: number, rows: number, m: number): void {
  withFloats([done * m, done, done], (basis, tau, order) => {
    const { simd } = libraryBackend();
    viewAt(basis, done * m).set(viewAt(ut, done * m));
    simd.f64_qr(basis, tau, order, done, m, 0);
    simd.f64_qr_columns(basis, tau, ut + 8 * done * m, done, m, done, rows - done);
  });
}

function rowNorms(at: Address, rows: number, length: number): number[] {
  return withFloats([rows], (norms) => {
    libraryBackend().simd.f64_row_norms(at, norms, rows, length);
    return [...viewAt(norms, rows)];
  });
}

/** Divides rows [by.length, length], each by a number of its own. */
function divide(at: Address, length: number, by: readonly number[]): void {
  withFloats([by.length], (divisors) => {
    viewAt(divisors, by.length).set(by);
    libraryBackend().simd.f64_divide_rows(at, divisors, by.length, length);
  });
}

/** One-sided Jacobi on R of a pivoted QR: singular values of graded matrices keep their relative accuracy.
 *  @param a  [m, n] with m ≥ n, entries around 1
 *  @returns  all n singular values, in the order of the rows
 *  Source: Demmel & Veselić 1992; Drmač & Veselić 2008. */
export function jacobiThin(a: Address, m: number, n: number, { ut, vt }: Thin): number[] {
  return withFloats([n * m, n, n, n * n, n * n, n], (columns, tau, order, w, turns, squares) => {
    const { arena, simd } = libraryBackend();
    simd.f64_transpose(a, columns, m, n);
    simd.f64_qr(columns, tau, order, n, m, 1);
    const r = viewAt(columns, n * m);
    const triangle = viewAt(w, n * n).fill(0);
    const unit = viewAt(turns, n * n).fill(0);
    for (let i = 0; i < n; i++) {
      unit[i * (n + 1)] = 1;
      for (let j = i; j < n; j++) triangle[i * n + j] = r[j * m + i]!;
    }
    simd.f64_jacobi(w, turns, squares, n, n, n, 2 ** -52 * Math.sqrt(n));
    const lengths = rowNorms(w, n, n);
    const known = lengths.filter((length) => length > tiny).length;
    const from = lengths.map((_, i) => i).sort((i, j) => lengths[j]! - lengths[i]! || i - j);
    const places = arena.views().u32.slice(order >>> 2, (order >>> 2) + n);
    withFloats([n * m, n * n], (q, turned) => {
      simd.f64_qr_columns(columns, tau, q, n, m, 0, n);
      const rights = viewAt(vt, n * n);
      const by = viewAt(turned, n * n);
      from.forEach((row, i) => {
        by.set(viewAt(turns + 8 * row * n, n), i * n);
        const vector = viewAt(w + 8 * row * n, n);
        for (let j = 0; j < n; j++) rights[i * n + places[j]!] = vector[j]! / lengths[row]!;
      });
      product([turned, q, ut], [n, m, n]);
    });
    if (known < n) complete(vt, known, n, n);
    return from.map((row) => (lengths[row]! > tiny ? lengths[row]! : 0));
  });
}

/** Squares of anything shorter have lost digits to underflow. */
const tiny = 2 ** -480;

/** Rows of the sketch for a rank. A flat spectrum needs more than the usual 10 on top to be within 2% of the best. */
export function sketchRows(rank: number, n: number): number {
  return Math.min(rank + Math.max(10, Math.ceil(rank / 2)), n);
}

const powers = 2;

/** Randomized range finder with two power iterations, then the decomposition of the small matrix.
 *  @param a  [m, n] with m ≥ n, entries around 1
 *  @returns  sketchRows(rank, n) singular values, in the order of the rows
 *  Source: Halko, Martinsson & Tropp 2011, algorithms 4.4 and 5.1. */
export function randomizedThin(
  a: Address,
  m: number,
  n: number,
  rank: number,
  seed: number,
  { ut, vt }: Thin,
): number[] {
  const k = sketchRows(rank, n);
  return withFloats([k * m, k * m, k * n, k * k], (y, q, z, small) => {
    const { simd } = libraryBackend();
    const draw = random(seed);
    const start = viewAt(z, k * n);
    // Sums of three uniform numbers: near enough to a Gaussian, and exact.
    for (let i = 0; i < k * n; i++) {
      start[i] = draw.uniform() + draw.uniform() + draw.uniform() - 1.5;
    }
    product([z, a, y], [k, m, n], { transposeB: true });
    for (let i = 0; i < powers; i++) {
      product([y, a, z], [k, n, m]);
      orthonormalize(z, q, k, n);
      product([q, a, y], [k, m, n], { transposeB: true });
    }
    orthonormalize(y, q, k, m);
    product([q, a, z], [k, n, m]);
    simd.f64_transpose(z, y, k, n);
    // (Qᵀ A)ᵀ = V S Wᵀ gives A ≈ Q W S Vᵀ.
    const values = gramThin(y, n, k, k, { ut: vt, vt: small });
    product([small, q, ut], [k, m, k]);
    return values;
  });
}

/** Rows [k, length] of x, used up, as orthonormal rows of q. */
function orthonormalize(x: Address, q: Address, k: number, length: number): void {
  withFloats([k, k], (tau, order) => {
    const { simd } = libraryBackend();
    simd.f64_qr(x, tau, order, k, length, 0);
    simd.f64_qr_columns(x, tau, q, k, length, 0, k);
  });
}
