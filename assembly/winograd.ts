// 3 × 3 convolutions of f32 in NHWC by Winograd's F(4 × 4, 3 × 3): 36 products for 16 outputs in place of 144. The points
// are 0, ±5/8, ±3/2 and ∞: every coefficient of x and of the results is exact in f32, and errors are about a third
// of those at the usual 0, ±1, ±2 and ∞. Tiles are numbered along rows, `across` in one; what belongs to one of the 36
// frequencies is `ld` elements from the next.
// Source: Lavin & Gray 2016, Fast Algorithms for Convolutional Neural Networks; Alam et al. 2022, Winograd Convolution
// for Deep Neural Networks: Efficient Point Selection.

// The points a and b, their squares p and q, and what follows from them.
// @ts-ignore: decorator
@inline const a: f64 = 0.625;
// @ts-ignore: decorator
@inline const b: f64 = 1.5;
// @ts-ignore: decorator
@inline const p: f64 = 0.390625;
// @ts-ignore: decorator
@inline const q: f64 = 2.25;
// @ts-ignore: decorator
@inline const vector: usize = 16;

/** packed[36] of panels [ceil(n/8)][channels][8]: G·w·Gᵀ of w[n, 3, 3, channels] in f64, rounded once. The last panel is
 *  filled up with zeros. `scratch` is 18 pairs. */
export function f32_winograd_weights(w: usize, packed: usize, scratch: usize, channels: u32, n: u32, ld: u32): void {
  const pixel = <usize>channels << 2;
  const step = <usize>ld << 2;
  for (let column: u32 = 0; column < n; column += 8) {
    const columns = min(n - column, 8);
    const panel = packed + <usize>column * pixel;
    for (let channel: u32 = 0; channel < channels; channel += 2) {
      const pair = channel + 1 < channels;
      const to = panel + (<usize>channel << 5);
      for (let lane: u32 = 0; lane < 8; lane++) {
        const own = to + (<usize>lane << 2);
        if (lane >= columns) {
          for (let f: usize = 0; f < 36; f++) {
            store<f32>(own + f * step, 0);
            if (pair) store<f32>(own + f * step, 0, 32);
          }
          continue;
        }
        const from = w + <usize>(column + lane) * 9 * pixel + (<usize>channel << 2);
        for (let row: usize = 0; row < 3; row++) {
          const at = from + 3 * row * pixel;
          const s = scratch + row * vector;
          const x0 = two(at, pair);
          const x1 = two(at + pixel, pair);
          const x2 = two(at + 2 * pixel, pair);
          const e = f64x2.mul(f64x2.add(x0, f64x2.mul(x2, f64x2.splat(p))), f64x2.splat(1 / (2 * p * (p - q))));
          const o = f64x2.mul(x1, f64x2.splat(a / (2 * p * (p - q))));
          const d = f64x2.mul(f64x2.add(x0, f64x2.mul(x2, f64x2.splat(q))), f64x2.splat(1 / (2 * q * (q - p))));
          const h = f64x2.mul(x1, f64x2.splat(b / (2 * q * (q - p))));
          v128.store(s, f64x2.mul(x0, f64x2.splat(1 / (p * q))));
          v128.store(s, f64x2.add(e, o), 48);
          v128.store(s, f64x2.sub(e, o), 96);
          v128.store(s, f64x2.add(d, h), 144);
          v128.store(s, f64x2.sub(d, h), 192);
          v128.store(s, x2, 240);
        }
        for (let k: usize = 0; k < 6; k++) {
          const s = scratch + 48 * k;
          const x0 = v128.load(s);
          const x1 = v128.load(s, 16);
          const x2 = v128.load(s, 32);
          const e = f64x2.mul(f64x2.add(x0, f64x2.mul(x2, f64x2.splat(p))), f64x2.splat(1 / (2 * p * (p - q))));
          const o = f64x2.mul(x1, f64x2.splat(a / (2 * p * (p - q))));
          const d = f64x2.mul(f64x2.add(x0, f64x2.mul(x2, f64x2.splat(q))), f64x2.splat(1 / (2 * q * (q - p))));
          const h = f64x2.mul(x1, f64x2.splat(b / (2 * q * (q - p))));
          let y = own + k * step;
          storeTwo(y, f64x2.mul(x0, f64x2.splat(1 / (p * q))), pair);
          storeTwo((y += 6 * step), f64x2.add(e, o), pair);
          storeTwo((y += 6 * step), f64x2.sub(e, o), pair);
          storeTwo((y += 6 * step), f64x2.add(d, h), pair);
          storeTwo((y += 6 * step), f64x2.sub(d, h), pair);
          storeTwo(y + 6 * step, x2, pair);
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function two(at: usize, pair: bool): v128 {
  return f64x2.promote_low_f32x4(pair ? v128.load64_zero(at) : v128.load32_zero(at));
}

/** Two channels are a panel's row apart. */
// @ts-ignore: decorator
@inline
function storeTwo(to: usize, value: v128, pair: bool): void {
  const y = f32x4.demote_f64x2_zero(value);
  v128.store32_lane(to, y, 0);
  if (pair) v128.store32_lane(to, y, 1, 32);
}

/** out[36][tiles, channels]: Bᵀ·d·B of tiles `first` … of x[height, width, channels], at least 4 channels, whose
 *  tile 0 begins `top` above and `left` of it; outside is 0. `scratch` is 72 vectors. */
export function f32_winograd_input(
  x: usize, out: usize, scratch: usize, first: u32, tiles: u32, across: u32,
  height: u32, width: u32, channels: u32, top: u32, left: u32, ld: u32,
): void {
  const pixel = <usize>channels << 2;
  const line = <usize>width * pixel;
  const step = <usize>ld << 2;
  const patch = scratch + 36 * vector;
  let y = <i32>(first / across << 2) - <i32>top;
  let column = first % across;
  for (; tiles > 0; tiles--) {
    const left0 = <i32>(column << 2) - <i32>left;
    const inside = y >= 0 && left0 >= 0 && y + 6 <= <i32>height && left0 + 6 <= <i32>width;
    for (let channel: u32 = 0; channel < channels; channel += 4) {
      const at = <usize>min(channel, channels - 4) << 2;
      let from = x + <usize>y * line + <usize>left0 * pixel + at;
      let down = line;
      let right = pixel;
      if (!inside) {
        let to = patch;
        for (let row = 0; row < 6; row++) {
          for (let i = 0; i < 6; i++) {
            const isIn = <u32>(y + row) < height && <u32>(left0 + i) < width;
            v128.store(to, isIn ? v128.load(from + <usize>row * line + <usize>i * pixel) : f32x4.splat(0));
            to += vector;
          }
        }
        from = patch;
        down = 6 * vector;
        right = vector;
      }
      for (let row: usize = 0; row < 6; row++) {
        forward(from, right, scratch + 6 * vector * row, vector);
        from += down;
      }
      for (let k: usize = 0; k < 6; k++) forward(scratch + vector * k, 6 * vector, out + at + k * step, 6 * step);
    }
    out += pixel;
    if (++column == across) {
      column = 0;
      y += 4;
    }
  }
}

/** Bᵀ of six vectors. */
// @ts-ignore: decorator
@inline
function forward(from: usize, step: usize, to: usize, apart: usize): void {
  const x0 = v128.load(from);
  const x1 = v128.load(from + step);
  const x2 = v128.load(from + 2 * step);
  const x3 = v128.load(from + 3 * step);
  const x4 = v128.load(from + 4 * step);
  const x5 = v128.load(from + 5 * step);
  const qs = f32x4.splat(<f32>q);
  const ps = f32x4.splat(<f32>p);
  const sums = f32x4.splat(<f32>(p + q));
  const products = f32x4.splat(<f32>(p * q));
  const e = f32x4.sub(x4, f32x4.mul(x2, qs));
  const o = f32x4.mul(f32x4.sub(x3, f32x4.mul(x1, qs)), f32x4.splat(<f32>a));
  const d = f32x4.sub(x4, f32x4.mul(x2, ps));
  const h = f32x4.mul(f32x4.sub(x3, f32x4.mul(x1, ps)), f32x4.splat(<f32>b));
  v128.store(to, f32x4.add(f32x4.sub(f32x4.mul(x0, products), f32x4.mul(x2, sums)), x4));
  v128.store(to + apart, f32x4.add(e, o));
  v128.store(to + 2 * apart, f32x4.sub(e, o));
  v128.store(to + 3 * apart, f32x4.add(d, h));
  v128.store(to + 4 * apart, f32x4.sub(d, h));
  v128.store(to + 5 * apart, f32x4.add(f32x4.sub(f32x4.mul(x1, products), f32x4.mul(x3, sums)), x5));
}

/** Tiles `first` … of out[height, width, n], at least 4 channels: clamp(Aᵀ·m·A + bias) of m[36][tiles, n]. What is
 *  outside of out is not stored. `scratch` is 24 vectors. */
export function f32_winograd_output(
  m: usize, bias: usize, out: usize, scratch: usize, first: u32, tiles: u32, across: u32,
  height: u32, width: u32, n: u32, ld: u32, low: f32, high: f32,
): void {
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  const pixel = <usize>n << 2;
  const line = <usize>width * pixel;
  const step = <usize>ld << 2;
  let y = first / across << 2;
  let column = first % across;
  for (; tiles > 0; tiles--) {
    const x = column << 2;
    const rows = y < height ? min(height - y, 4) : 0;
    const columns = x < width ? min(width - x, 4) : 0;
    for (let channel: u32 = 0; channel < n; channel += 4) {
      const at = <usize>min(channel, n - 4) << 2;
      const offset = v128.load(bias + at);
      for (let k: usize = 0; k < 6; k++) {
        const from = m + at + k * step;
        const to = scratch + k * vector;
        const x0 = v128.load(from);
        const x1 = v128.load(from + 6 * step);
        const x2 = v128.load(from + 12 * step);
        const x3 = v128.load(from + 18 * step);
        const x4 = v128.load(from + 24 * step);
        const x5 = v128.load(from + 30 * step);
        const e = f32x4.add(x1, x2);
        const o = f32x4.mul(f32x4.sub(x1, x2), f32x4.splat(<f32>a));
        const d = f32x4.add(x3, x4);
        const h = f32x4.mul(f32x4.sub(x3, x4), f32x4.splat(<f32>b));
        const ps = f32x4.splat(<f32>p);
        const qs = f32x4.splat(<f32>q);
        v128.store(to, f32x4.add(f32x4.add(x0, e), d));
        v128.store(to, f32x4.add(o, h), 96);
        v128.store(to, f32x4.add(f32x4.mul(e, ps), f32x4.mul(d, qs)), 192);
        v128.store(to, f32x4.add(f32x4.add(f32x4.mul(o, ps), f32x4.mul(h, qs)), x5), 288);
      }
      let to = out + <usize>y * line + <usize>x * pixel + at;
      for (let row: u32 = 0; row < rows; row++) {
        const from = scratch + <usize>row * 96;
        const x0 = v128.load(from);
        const x1 = v128.load(from, 16);
        const x2 = v128.load(from, 32);
        const x3 = v128.load(from, 48);
        const x4 = v128.load(from, 64);
        const x5 = v128.load(from, 80);
        const e = f32x4.add(x1, x2);
        const o = f32x4.mul(f32x4.sub(x1, x2), f32x4.splat(<f32>a));
        const d = f32x4.add(x3, x4);
        const h = f32x4.mul(f32x4.sub(x3, x4), f32x4.splat(<f32>b));
        const ps = f32x4.splat(<f32>p);
        const qs = f32x4.splat(<f32>q);
        const y0 = f32x4.add(f32x4.add(x0, e), d);
        const y1 = f32x4.add(o, h);
        const y2 = f32x4.add(f32x4.mul(e, ps), f32x4.mul(d, qs));
        const y3 = f32x4.add(f32x4.add(f32x4.mul(o, ps), f32x4.mul(h, qs)), x5);
        let pixels = to;
        if (columns > 0) v128.store(pixels, f32x4.pmin(f32x4.pmax(f32x4.add(y0, offset), lows), highs));
        if (columns > 1) v128.store((pixels += pixel), f32x4.pmin(f32x4.pmax(f32x4.add(y1, offset), lows), highs));
        if (columns > 2) v128.store((pixels += pixel), f32x4.pmin(f32x4.pmax(f32x4.add(y2, offset), lows), highs));
        if (columns > 3) v128.store(pixels + pixel, f32x4.pmin(f32x4.pmax(f32x4.add(y3, offset), lows), highs));
        to += line;
      }
    }
    m += pixel;
    if (++column == across) {
      column = 0;
      y += 4;
    }
  }
}
