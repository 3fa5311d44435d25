// Functions of two f32 numbers on rows [outer, count]; y may be a or b where that has every element. Bits of `mode`:
// 1 and 2: a and b have one element for a row; 4 and 8: a and b have one row for all. A NaN comes out as 0x7fc00000.
import { canonical, join, loadSome, lower, storeSome, upper } from './lanes';
import { exp2x, log2x } from './math2';

const ADD = 0;
const SUB = 1;
const MUL = 2;
const DIV = 3;
const MIN = 4;
const MAX = 5;
const POW = 6;
const PRELU = 7;

/** b·ln|a| for finite results; what is special is set right in power4. */
// @ts-ignore: decorator
@inline
function power2(a: v128, b: v128): v128 {
  return exp2x(f64x2.mul(b, log2x(f64x2.abs(a))));
}

/** a^b, special cases as in IEEE 754-2019, 9.2.1. */
function power4(a: v128, b: v128): v128 {
  const one = f32x4.splat(1);
  const zero = f32x4.splat(0);
  const magnitude = f32x4.abs(a);
  let y = join(power2(lower(a), lower(b)), power2(upper(a), upper(b)));
  // Odd whole exponents are below 2^24, so that they and their halves are whole numbers of i32.
  const whole = f32x4.eq(f32x4.nearest(b), b);
  const half = f32x4.mul(b, f32x4.splat(0.5));
  const odd = v128.andnot(v128.and(whole, f32x4.lt(f32x4.abs(b), f32x4.splat(16777216))),
    f32x4.eq(f32x4.nearest(half), half));
  y = v128.or(y, v128.and(v128.and(a, i32x4.splat(0x80000000)), odd));
  const undefined2 = v128.andnot(v128.and(f32x4.lt(a, zero), f32x4.lt(magnitude, f32x4.splat(Infinity))), whole);
  y = v128.bitselect(f32x4.splat(NaN), y, undefined2);
  const unit = v128.or(f32x4.eq(a, one), f32x4.eq(b, zero));
  const endless = v128.and(f32x4.eq(magnitude, one), f32x4.eq(f32x4.abs(b), f32x4.splat(Infinity)));
  return v128.bitselect(one, y, v128.or(unit, endless));
}

// @ts-ignore: decorator
@inline
function apply(op: i32, a: v128, b: v128): v128 {
  if (op == ADD) return f32x4.add(a, b);
  if (op == SUB) return f32x4.sub(a, b);
  if (op == MUL) return f32x4.mul(a, b);
  if (op == DIV) return f32x4.div(a, b);
  // f32x4.min and max are slow on x64; these keep a NaN in a, so that one in b is left to add.
  if (op == MIN) return v128.bitselect(f32x4.pmin(a, b), b, f32x4.eq(b, b));
  if (op == MAX) return v128.bitselect(f32x4.pmax(a, b), b, f32x4.eq(b, b));
  if (op == POW) return power4(a, b);
  return v128.bitselect(f32x4.mul(a, b), a, f32x4.lt(a, f32x4.splat(0)));
}

// @ts-ignore: decorator
@inline
function rowStep(mode: u32, one: u32, shared: u32, count: u32): usize {
  return mode & shared ? 0 : mode & one ? 4 : count << 2;
}

// @ts-ignore: decorator
@inline
function rows(op: i32, a: usize, b: usize, y: usize, outer: u32, count: u32, mode: u32): void {
  const aStep = rowStep(mode, 1, 4, count);
  const bStep = rowStep(mode, 2, 8, count);
  const some = count & 3;
  if (count == 0) return;
  for (; outer > 0; outer--) {
    const aOne = v128.load32_splat(a);
    const bOne = v128.load32_splat(b);
    for (let i: usize = 0; ; i += 16) {
      const whole = i < <usize>(count - some) << 2;
      if (!whole && some == 0) break;
      const va = mode & 1 ? aOne : whole ? v128.load(a + i) : loadSome(a + i, some);
      const vb = mode & 2 ? bOne : whole ? v128.load(b + i) : loadSome(b + i, some);
      const r = canonical(apply(op, va, vb));
      if (whole) {
        v128.store(y + i, r);
      } else {
        storeSome(y + i, r, some);
        break;
      }
    }
    a += aStep;
    b += bStep;
    y += count << 2;
  }
}

export function f32_add(a: usize, b: usize, y: usize, outer: u32, count: u32, mode: u32): void {
  rows(ADD, a, b, y, outer, count, mode);
}

export function f32_sub(a: usize, b: usize, y: usize, outer: u32, count: u32, mode: u32): void {
  rows(SUB, a, b, y, outer, count, mode);
}

export function f32_mul(a: usize, b: usize, y: usize, outer: u32, count: u32, mode: u32): void {
  rows(MUL, a, b, y, outer, count, mode);
}

export function f32_div(a: usize, b: usize, y: usize, outer: u32, count: u32, mode: u32): void {
  rows(DIV, a, b, y, outer, count, mode);
}

/** A NaN in either is one in the result. */
export function f32_min(a: usize, b: usize, y: usize, outer: u32, count: u32, mode: u32): void {
  rows(MIN, a, b, y, outer, count, mode);
}

/** A NaN in either is one in the result. */
export function f32_max(a: usize, b: usize, y: usize, outer: u32, count: u32, mode: u32): void {
  rows(MAX, a, b, y, outer, count, mode);
}

export function f32_pow(a: usize, b: usize, y: usize, outer: u32, count: u32, mode: u32): void {
  rows(POW, a, b, y, outer, count, mode);
}

/** a < 0 ? a · b : a. */
export function f32_prelu(a: usize, b: usize, y: usize, outer: u32, count: u32, mode: u32): void {
  rows(PRELU, a, b, y, outer, count, mode);
}

// Comparisons give bytes, 1 or 0.
const EQUAL = 0;
const LESS = 1;

// @ts-ignore: decorator
@inline
function compared(op: i32, a: v128, b: v128): v128 {
  return op == EQUAL ? f32x4.eq(a, b) : op == LESS ? f32x4.lt(a, b) : f32x4.le(a, b);
}

// @ts-ignore: decorator
@inline
function compareRows(op: i32, a: usize, b: usize, y: usize, outer: u32, count: u32, mode: u32): void {
  const aStep = rowStep(mode, 1, 4, count);
  const bStep = rowStep(mode, 2, 8, count);
  for (; outer > 0; outer--) {
    for (let i: u32 = 0; i < count; ) {
      const at = i << 2;
      const whole = i + 4 <= count;
      const va = whole && !(mode & 1) ? v128.load(a + at) : v128.load32_splat(mode & 1 ? a : a + at);
      const vb = whole && !(mode & 2) ? v128.load(b + at) : v128.load32_splat(mode & 2 ? b : b + at);
      const mask = v128.and(compared(op, va, vb), i32x4.splat(1));
      const bytes = i8x16.shuffle(mask, mask, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12);
      if (whole) {
        v128.store_lane<u32>(y + i, bytes, 0);
        i += 4;
      } else {
        v128.store_lane<u8>(y + i, bytes, 0);
        i += 1;
      }
    }
    a += aStep;
    b += bStep;
    y += count;
  }
}

export function f32_equal(a: usize, b: usize, y: usize, outer: u32, count: u32, mode: u32): void {
  compareRows(EQUAL, a, b, y, outer, count, mode);
}

export function f32_less(a: usize, b: usize, y: usize, outer: u32, count: u32, mode: u32): void {
  compareRows(LESS, a, b, y, outer, count, mode);
}

export function f32_less_equal(a: usize, b: usize, y: usize, outer: u32, count: u32, mode: u32): void {
  compareRows(2, a, b, y, outer, count, mode);
}
