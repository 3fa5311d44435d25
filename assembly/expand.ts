// Repeats 32-bit parameters so that each element of a tensor [outer, length, unit] has its own: short runs then
// go through the vectorized row kernels. With `shared`, every outer slab repeats the first slab's parameters.
export function u32_expand(
  source: usize, target: usize, outer: u32, length: u32, block: u32, unit: u32, shared: u32,
): void {
  const stride = unit << 2;
  for (; outer > 0; outer--) {
    let from = source;
    for (let left = length; left > 0; ) {
      const n = min(left, block);
      if (unit === 1) {
        fill(from, target, n);
        target += n << 2;
      } else {
        for (let r: u32 = 0; r < n; r++) {
          copy(from, target, unit);
          target += stride;
        }
      }
      from += stride;
      left -= n;
    }
    if (!shared) source = from;
  }
}

// From four words on, the last four are stored again rather than one by one.

// @ts-ignore: decorator
@inline
function fill(from: usize, target: usize, count: u32): void {
  const words = v128.load32_splat(from);
  let i: u32 = 0;
  for (; i + 4 <= count; i += 4) v128.store(target + (i << 2), words);
  if (i === count) return;
  if (count >= 4) v128.store(target + ((count - 4) << 2), words);
  else for (; i < count; i++) store<u32>(target + (i << 2), load<u32>(from));
}

// @ts-ignore: decorator
@inline
function copy(from: usize, target: usize, count: u32): void {
  let i: u32 = 0;
  for (; i + 4 <= count; i += 4) v128.store(target + (i << 2), v128.load(from + (i << 2)));
  if (i === count) return;
  if (count >= 4) {
    const last = (count - 4) << 2;
    v128.store(target + last, v128.load(from + last));
  } else {
    for (; i < count; i++) store<u32>(target + (i << 2), load<u32>(from + (i << 2)));
  }
}
