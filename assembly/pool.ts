// Pooling over [n, d, h, w, c]: windows of kd × kh × kw, steps s, dilation g, padding p before. Output sizes are given.
import { canonical, loadSome, storeSome } from './lanes';
import { endTap, firstTap } from './taps';

// @ts-ignore: decorator
@inline
function pool(
  mean: bool, x: usize, y: usize,
  n: u32, d: u32, h: u32, w: u32, c: u32, od: u32, oh: u32, ow: u32, kd: u32, kh: u32, kw: u32,
  sd: i32, sh: i32, sw: i32, gd: i32, gh: i32, gw: i32, pd: i32, ph: i32, pw: i32,
  ed: i32, eh: i32, ew: i32, include: u32,
): void {
  const pixel = <i32>c << 2;
  const some = c & 3;
  for (; n > 0; n--) {
    for (let a: i32 = 0; a < <i32>od; a++) {
      const az = a * sd - pd;
      const a0 = firstTap(az, gd);
      const a1 = endTap(az, gd, kd, d);
      for (let b: i32 = 0; b < <i32>oh; b++) {
        const by = b * sh - ph;
        const b0 = firstTap(by, gh);
        const b1 = endTap(by, gh, kh, h);
        for (let e: i32 = 0; e < <i32>ow; e++) {
          const ex = e * sw - pw;
          const e0 = firstTap(ex, gw);
          const e1 = endTap(ex, gw, kw, w);
          let divisor: f32 = 0;
          if (mean) {
            divisor = include
              ? <f32>(endTap(az, gd, kd, d + ed) * endTap(by, gh, kh, h + eh) * endTap(ex, gw, kw, w + ew))
              : <f32>(max(a1 - a0, 0) * max(b1 - b0, 0) * max(e1 - e0, 0));
          }
          for (let i: i32 = 0; i < pixel; i += 16) {
            const whole = i + 16 <= pixel;
            let r = f32x4.splat(mean ? 0 : -Infinity);
            for (let p = a0; p < a1; p++) {
              for (let q = b0; q < b1; q++) {
                const row = x + (((az + p * gd) * <i32>h + by + q * gh) * <i32>w + ex) * pixel + i;
                for (let t = e0; t < e1; t++) {
                  const at = row + t * gw * pixel;
                  const v = whole ? v128.load(at) : loadSome(at, some);
                  r = mean ? f32x4.add(r, v) : f32x4.pmax(r, v);
                }
              }
            }
            if (mean) r = canonical(f32x4.div(r, f32x4.splat(divisor)));
            if (whole) v128.store(y + i, r);
            else storeSome(y + i, r, some);
          }
          y += pixel;
        }
      }
    }
    x += <i32>(d * h * w) * pixel;
  }
}

/** The greatest of every window; a NaN is passed over, −∞ where there is nothing. */
export function f32_max_pool(
  x: usize, y: usize,
  n: u32, d: u32, h: u32, w: u32, c: u32, od: u32, oh: u32, ow: u32, kd: u32, kh: u32, kw: u32,
  sd: i32, sh: i32, sw: i32, gd: i32, gh: i32, gw: i32, pd: i32, ph: i32, pw: i32,
): void {
  pool(
    false, x, y, n, d, h, w, c, od, oh, ow, kd, kh, kw,
    sd, sh, sw, gd, gh, gw, pd, ph, pw, 0, 0, 0, 0,
  );
}

/** The f32 sum of every window over the taps inside or, with `include`, over those up to the padding e at the end. */
export function f32_average_pool(
  x: usize, y: usize,
  n: u32, d: u32, h: u32, w: u32, c: u32, od: u32, oh: u32, ow: u32, kd: u32, kh: u32, kw: u32,
  sd: i32, sh: i32, sw: i32, gd: i32, gh: i32, gw: i32, pd: i32, ph: i32, pw: i32,
  ed: i32, eh: i32, ew: i32, include: u32,
): void {
  pool(
    true, x, y, n, d, h, w, c, od, oh, ow, kd, kh, kw,
    sd, sh, sw, gd, gh, gw, pd, ph, pw, ed, eh, ew, include,
  );
}
