// Many products of 16-bit integers at once, as AssemblyScript: tiles of up to 4 rows and 8 columns, one panel of b.

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const lines = (count: number, make: (i: number) => string): string => range(count).map(make).join('\n');
const times = (count: number): string => (count === 0 ? '' : ` + ${count} * row`);

/** Two steps at a time: pointers move half as often. */
function steps(rows: number, count: number): string {
  return range(count)
    .map(
      (step) => `    const w${step}0 = v128.load(b, ${32 * step});
    const w${step}1 = v128.load(b, ${32 * step + 16});
${lines(
  rows,
  (r) => `    const x${step}${r} = v128.load32_splat(a${r}, ${4 * step});
    c${r}0 = i32x4.add(c${r}0, i32x4.dot_i16x8_s(w${step}0, x${step}${r}));
    c${r}1 = i32x4.add(c${r}1, i32x4.dot_i16x8_s(w${step}1, x${step}${r}));`,
)}`,
    )
    .join('\n');
}

function tile(rows: number): string {
  return `
// @ts-ignore: decorator
@inline
function tile${rows}(a: usize, b: usize, c: usize, pairs: u32, row: usize, ldc: usize): void {
${lines(rows, (r) => `  let a${r} = a${times(r)};\n  let c${r}0 = i32x4.splat(0);\n  let c${r}1 = i32x4.splat(0);`)}
  for (; pairs >= 2; pairs -= 2) {
${steps(rows, 2)}
    b += 64;
${lines(rows, (r) => `    a${r} += 8;`)}
  }
  if (pairs) {
${steps(rows, 1)}
  }
${lines(rows, (r) => `  v128.store(c, c${r}0);\n  v128.store(c, c${r}1, 16);${r + 1 < rows ? '\n  c += ldc;' : ''}`)}
}
`;
}

export const products16 = (): string => `// Made by assembly/gen/products16.ts.
${tile(4)}${tile(2)}${tile(1)}
/** c[count][m, ceil(n/8)·8] = a[count][m, k] · b, b[count] in panels [ceil(n/8)][ceil(k/2)][8][2]; what belongs to one of
 *  the \`count\` products is lda, ldb or ldc elements from the next. Sums are modulo 2³². Reads one number too many where
 *  k is odd, which meets a weight of 0. */
export function i16_gemms(
  a: usize, b: usize, c: usize, count: u32, m: u32, n: u32, k: u32, lda: u32, ldb: u32, ldc: u32,
): void {
  const pairs = (k + 1) >> 1;
  const row = <usize>k << 1;
  const panels = (n + 7) >> 3;
  const line = <usize>panels << 5;
  const panel = <usize>pairs << 5;
  for (; count > 0; count--) {
    for (let j: u32 = 0; j < panels; j++) {
      const weights = b + <usize>j * panel;
      let from = a;
      let to = c + (<usize>j << 5);
      let left = m;
      for (; left >= 4; left -= 4) {
        tile4(from, weights, to, pairs, row, line);
        from += 4 * row;
        to += 4 * line;
      }
      if (left & 2) {
        tile2(from, weights, to, pairs, row, line);
        from += 2 * row;
        to += 2 * line;
      }
      if (left & 1) tile1(from, weights, to, pairs, row, line);
    }
    a += <usize>lda << 1;
    b += <usize>ldb << 1;
    c += <usize>ldc << 2;
  }
}
`;
