// Repeats 32-bit parameters so that each element of a tensor [outer, length, unit] has its own: short runs then
// go through the vectorized row kernels. With `shared`, every outer slab repeats the first slab's parameters.
export function u32_expand(
  source: usize, target: usize, outer: u32, length: u32, block: u32, unit: u32, shared: u32,
): void {
  for (; outer > 0; outer--) {
    let from = source;
    for (let left = length; left > 0; ) {
      const n = min(left, block);
      for (let r: u32 = 0; r < n; r++) {
        for (let i: u32 = 0; i < unit; i++) store<u32>(target + (i << 2), load<u32>(from + (i << 2)));
        target += unit << 2;
      }
      from += unit << 2;
      left -= n;
    }
    if (!shared) source = from;
  }
}
