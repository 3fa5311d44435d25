// Pooling of 8-bit levels; sizes as in pool.ts. Unsigned levels are read by flipping the top bit.
import { endTap, firstTap } from './taps';

// @ts-ignore: decorator
@inline
function pool(
  mean: bool, x: usize, y: usize,
  n: u32, d: u32, h: u32, w: u32, c: u32, od: u32, oh: u32, ow: u32, kd: u32, kh: u32, kw: u32,
  sd: i32, sh: i32, sw: i32, gd: i32, gh: i32, gw: i32, pd: i32, ph: i32, pw: i32,
  ed: i32, eh: i32, ew: i32, include: u32, zx: i32, zy: i32, factor: f32, unsigned: u32,
): void {
  const flip = i8x16.splat(unsigned ? -128 : 0);
  const step: i32 = mean ? 4 : 16;
  const magic = f32x4.splat(12582912);
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
          const inside = max(a1 - a0, 0) * max(b1 - b0, 0) * max(e1 - e0, 0);
          let divisor = inside;
          if (mean && include) {
            divisor = endTap(az, gd, kd, d + ed) * endTap(by, gh, kh, h + eh) * endTap(ex, gw, kw, w + ew);
          }
          for (let i: i32 = 0; i < <i32>c; ) {
            const whole = i + step <= <i32>c;
            let r = mean ? i32x4.splat(-inside * zx) : i8x16.splat(-128);
            for (let p = a0; p < a1; p++) {
              for (let q = b0; q < b1; q++) {
                const row = x + (((az + p * gd) * <i32>h + by + q * gh) * <i32>w + ex) * <i32>c + i;
                for (let t = e0; t < e1; t++) {
                  const at = row + t * gw * <i32>c;
                  if (mean) {
                    const v = v128.xor(whole ? v128.load32_zero(at) : v128.load8_splat(at), flip);
                    r = i32x4.add(r, i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v)));
                  } else {
                    r = i8x16.max_s(r, v128.xor(whole ? v128.load(at) : v128.load8_splat(at), flip));
                  }
                }
              }
            }
            if (mean) {
              let v = f32x4.div(f32x4.mul(f32x4.convert_i32x4_s(r), f32x4.splat(factor)), f32x4.splat(<f32>max(divisor, 1)));
              v = f32x4.pmin(f32x4.pmax(v, f32x4.splat(-1024)), f32x4.splat(1024));
              r = i32x4.add(i32x4.sub(f32x4.add(v, magic), magic), i32x4.splat(zy));
              r = i16x8.narrow_i32x4_s(r, r);
              r = i8x16.narrow_i16x8_s(r, r);
            }
            r = v128.xor(r, flip);
            if (!whole) v128.store_lane<u8>(y + i, r, 0);
            else if (mean) v128.store_lane<u32>(y + i, r, 0);
            else v128.store(y + i, r);
            i += whole ? step : 1;
            // Channels of the last vectors may overlap.
            if (i < <i32>c && i + step > <i32>c && <i32>c >= step) i = <i32>c - step;
          }
          y += c;
        }
      }
    }
    x += d * h * w * c;
  }
}

/** The greatest level of every window; the least level of all where there is nothing. */
export function q8_max_pool(
  x: usize, y: usize,
  n: u32, d: u32, h: u32, w: u32, c: u32, od: u32, oh: u32, ow: u32, kd: u32, kh: u32, kw: u32,
  sd: i32, sh: i32, sw: i32, gd: i32, gh: i32, gw: i32, pd: i32, ph: i32, pw: i32, unsigned: u32,
): void {
  pool(
    false, x, y, n, d, h, w, c, od, oh, ow, kd, kh, kw,
    sd, sh, sw, gd, gh, gw, pd, ph, pw, 0, 0, 0, 0, 0, 0, 0, unsigned,
  );
}

/** Σ(x − zx) · factor / taps + zy: an exact integer sum, a product and a quotient in f32, rounded half to even. Zero
 *  points are less 128 for unsigned levels. Nothing at all is zy. */
export function q8_average_pool(
  x: usize, y: usize,
  n: u32, d: u32, h: u32, w: u32, c: u32, od: u32, oh: u32, ow: u32, kd: u32, kh: u32, kw: u32,
  sd: i32, sh: i32, sw: i32, gd: i32, gh: i32, gw: i32, pd: i32, ph: i32, pw: i32,
  ed: i32, eh: i32, ew: i32, include: u32, zx: i32, zy: i32, factor: f32, unsigned: u32,
): void {
  pool(
    true, x, y, n, d, h, w, c, od, oh, ow, kd, kh, kw,
    sd, sh, sw, gd, gh, gw, pd, ph, pw, ed, eh, ew, include, zx, zy, factor, unsigned,
  );
}
