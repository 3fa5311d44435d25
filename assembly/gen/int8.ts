// Register tiles of the integer products, as AssemblyScript. A tile has a row for each of its pixels and 8 columns, one panel of weights.

interface Flavor {
  /** Suffix of the names. */
  readonly name: string;
  /** Values of k in a step. */
  readonly group: number;
  /** Bytes of a step's activations, and of its weights in a panel and as tiles read them. */
  readonly aBytes: number;
  readonly bBytes: number;
  readonly tileBytes: number;
  /** Rows of the tiles, the largest first; one row takes four panels at once where there are as many. */
  readonly tiles: readonly number[];
  /** Half of a step's weights from a panel. */
  readonly load: (pointer: string, half: number) => string;
  readonly multiplyAdd: (sum: string, weights: string, x: string) => string;
  /** Steps at a time in what makes levels. */
  readonly unroll: number;
  readonly about: string;
}

const flavors: readonly Flavor[] = [
  {
    name: 'i16',
    group: 2,
    aBytes: 4,
    bBytes: 16,
    tileBytes: 32,
    tiles: [4, 2],
    load: (pointer, half) => `v128.load_ext<i8>(${pointer}, ${8 * half})`,
    multiplyAdd: (sum, weights, x) => `i32x4.add(${sum}, i32x4.dot_i16x8_s(${weights}, ${x}))`,
    unroll: 2,
    about:
      'Activations of 16 bits; the panel is widened into scratch, as widening in every tile costs a tenth.',
  },
  {
    name: 'dot',
    group: 4,
    aBytes: 4,
    bBytes: 32,
    tileBytes: 32,
    tiles: [6, 4, 2],
    load: (pointer, half) => `v128.load(${pointer}, ${16 * half})`,
    multiplyAdd: (sum, weights, x) =>
      `i32x4.relaxed_dot_i8x16_i7x16_add_s(${weights}, ${x}, ${sum})`,
    unroll: 1,
    about: '8-bit activations in the slot whose top bit means what the engine chose.',
  },
];

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const lines = (count: number, make: (i: number) => string): string => range(count).map(make).join('\n');

const times = (count: number, stride: string): string =>
  count === 0 ? '' : ` + ${count === 1 ? '' : `${count} * `}${stride}`;

const parameters = `pointers: usize, offset: usize, b: usize, init: usize, c: usize, rows: usize, columns: usize,
  m: u32, n: u32, taps: u32, k: u32, ldc: u32, corrected: u32`;

/** A step of k of a tile whose weights begin at b + `at` steps. */
const step = ({ aBytes, tileBytes, multiplyAdd }: Flavor, count: number, at: number): string =>
  `      const w${at}0 = v128.load(b, ${at * tileBytes});
      const w${at}1 = v128.load(b, ${at * tileBytes + 16});
${lines(
  count,
  (r) => `      const x${at}${r} = v128.load32_splat(a${r}, ${at * aBytes});
      c${r}0 = ${multiplyAdd(`c${r}0`, `w${at}0`, `x${at}${r}`)};
      c${r}1 = ${multiplyAdd(`c${r}1`, `w${at}1`, `x${at}${r}`)};`,
)}`;

/** All taps; c and b are there. */
function taps(flavor: Flavor, count: number, unroll: number): string {
  const { aBytes, tileBytes } = flavor;
  const forward = (steps: number): string =>
    `      b += ${steps * tileBytes};
${lines(count, (r) => `      a${r} += ${steps * aBytes};`)}`;
  const loop = (steps: number): string => `    for (; step >= ${steps}; step -= ${steps}) {
${range(steps)
  .map((at) => step(flavor, count, at))
  .join('\n')}
${forward(steps)}
    }`;
  return `  const row = taps << 2;
  for (; taps > 0; taps--) {
${lines(count, (r) => `    let a${r} = load<usize>(pointers${times(r, 'row')}) + offset;`)}
    pointers += 4;
    let step = steps;
${(unroll > 1 ? [unroll, 1] : [1]).map(loop).join('\n')}
  }`;
}

function tile(flavor: Flavor, count: number): string {
  const { name } = flavor;
  const corrections = range(count)
    .flatMap((r) => [
      `    const p${r} = v128.load32_splat(rows + ${4 * r});`,
      `    const q${r} = v128.load32_splat(rows + (m << 2) + ${4 * r});`,
      `    c${r}0 = correct(c${r}0, p${r}, s0, q${r}, z0);`,
      `    c${r}1 = correct(c${r}1, p${r}, s1, q${r}, z1);`,
    ])
    .join('\n');
  return `
function tile${count}_${name}(
  pointers: usize, offset: usize, b: usize, init: usize, c: usize, rows: usize, columns: usize,
  m: u32, width: u32, padded: u32, taps: u32, steps: u32, ldc: u32, corrected: u32,
): void {
${sums(count)}
  if (corrected) {
    const s0 = v128.load(columns);
    const s1 = v128.load(columns, 16);
    const z0 = v128.load(columns + (padded << 2));
    const z1 = v128.load(columns + (padded << 2), 16);
${corrections}
  }
${taps(flavor, count, 1)}
${lines(count, (r) => `  put(c${times(r, 'ldc')}, c${r}0, c${r}1, width);`)}
}
`;
}

const sums = (count: number): string =>
  lines(count, (r) => `  let c${r}0 = v128.load(init);\n  let c${r}1 = v128.load(init, 16);`);

/** The same, whose sums become levels at once. */
function levelTile(flavor: Flavor, count: number): string {
  return `
function levels${count}_${flavor.name}(
  pointers: usize, offset: usize, b: usize, init: usize, scales: usize, y: usize,
  width: u32, taps: u32, steps: u32, ldy: u32, low: v128, high: v128, shift: v128, down: v128, flip: v128,
): void {
${sums(count)}
${taps(flavor, count, flavor.unroll)}
  const s0 = v128.load(scales);
  const s1 = v128.load(scales, 16);
${lines(
  count,
  (r) =>
    `  put8(y${times(r, 'ldy')}, levels(c${r}0, s0, low, high, shift), levels(c${r}1, s1, low, high, shift), down, flip, width);`,
)}
}
`;
}

/** One row and four panels: eight sums, so that their latency does not show. */
function wide({ name, bBytes, aBytes, load, multiplyAdd }: Flavor): string {
  const panel = (p: number): string => (`b${times(p, 'stride')}`);
  return `
function wide_${name}(
  pointers: usize, offset: usize, b: usize, init: usize, c: usize, rows: usize, columns: usize,
  m: u32, padded: u32, taps: u32, steps: u32, corrected: u32,
): void {
  const stride = taps * steps * ${bBytes};
${lines(8, (h) => `  let c${h} = v128.load(init, ${16 * h});`)}
  if (corrected) {
    const p = v128.load32_splat(rows);
    const q = v128.load32_splat(rows + (m << 2));
    const zeros = columns + (padded << 2);
${lines(8, (h) => `    c${h} = correct(c${h}, p, v128.load(columns, ${16 * h}), q, v128.load(zeros, ${16 * h}));`)}
  }
  for (; taps > 0; taps--) {
    let a = load<usize>(pointers) + offset;
    pointers += 4;
    for (let step = steps; step > 0; step--) {
      const x = v128.load32_splat(a);
      a += ${aBytes};
${lines(8, (h) => `      c${h} = ${multiplyAdd(`c${h}`, load(panel(h >> 1), h & 1), 'x')};`)}
      b += ${bBytes};
    }
  }
${lines(8, (h) => `  v128.store(c, c${h}, ${16 * h});`)}
}
`;
}

function kernel(flavor: Flavor): string {
  const { name, group, bBytes, tileBytes, tiles, about } = flavor;
  const widens = tileBytes !== bBytes;
  const call = (count: number): string =>
    `tile${count}_${name}(pointers + i * taps * 4, offset, ${widens ? 'scratch' : 'b'}, init + (j << 2), c + ((i * ldc + j) << 2), rows + (i << 2), columns + (j << 2), m, width, padded, taps, steps, ldc << 2, corrected)`;
  const [most, ...rest] = tiles as [number, ...number[]];
  return `// Made by assembly/gen/int8.ts.
import { correct, levels, MAGIC_BITS, put, put8${widens ? ', widen' : ''} } from '../int8-store';
${tile(flavor, most)}${rest.map((count) => tile(flavor, count)).join('')}${tile(flavor, 1)}${wide(flavor)}
/** c[i, j] = init[j] + Σ a·b over the taps, a read through pointers[i, tap] + offset (bytes), b in panels.
 *  With \`corrected\`, + rows[i]·columns[j] + rows[m + i]·columns[padded n + j]. ${about}
 *  Reads up to ${group - 1} values past the k of a pointer, which meet weights of 0. */
export function q8_igemm_${name}(
  ${parameters}${widens ? ', scratch: usize' : ''},
): void {
  const steps = (k + ${group - 1}) / ${group};
  const stride = taps * steps * ${bBytes};
  const padded = (n + 7) & ~7;
  let j: u32 = 0;
  if (m === 1) {
    for (; j + 32 <= n; j += 32) {
      wide_${name}(pointers, offset, b, init + (j << 2), c + (j << 2), rows, columns + (j << 2), m, padded, taps, steps, corrected);
      b += 4 * stride;
    }
  }
  for (; j < n; j += 8) {
    const width = min<u32>(n - j, 8);${widens ? '\n    widen(b, scratch, stride);' : ''}
    let i: u32 = 0;
    for (; i + ${most} <= m; i += ${most}) ${call(most)};
${rest.map((count) => `    if (i + ${count} <= m) {\n      ${call(count)};\n      i += ${count};\n    }`).join('\n')}
    if (i < m) ${call(1)};
    b += stride;
  }
}
`;
}

function levelKernel(flavor: Flavor): string {
  const { name, group, bBytes, tileBytes, tiles } = flavor;
  const widens = tileBytes !== bBytes;
  const call = (count: number): string =>
    `levels${count}_${name}(pointers + i * taps * 4, offset, ${widens ? 'scratch' : 'b'}, init + (j << 2), scales + (j << 2), y + i * ldy + j, width, taps, steps, ldy, low, high, shift, down, flip)`;
  const [most, ...rest] = tiles as [number, ...number[]];
  return `${levelTile(flavor, most)}${rest.map((count) => levelTile(flavor, count)).join('')}${levelTile(flavor, 1)}
/** y[i, j] = the level of that sum, without corrections: rint(sum · scales[j]) + zero, within lo and hi. init and scales are
 *  of whole panels. Reads up to ${group - 1} values past the k of a pointer, which meet weights of 0. */
export function q8_levels_${name}(
  pointers: usize, offset: usize, b: usize, init: usize, scales: usize, y: usize,
  m: u32, n: u32, taps: u32, k: u32, ldy: u32, zero: i32, lo: i32, hi: i32${widens ? ', scratch: usize' : ''},
): void {
  const steps = (k + ${group - 1}) / ${group};
  const stride = taps * steps * ${bBytes};
  const low = f32x4.splat(<f32>(lo - zero));
  const high = f32x4.splat(<f32>(hi - zero));
  const shift = i32x4.splat(MAGIC_BITS - zero);
  const down = i16x8.splat(hi > 127 ? 128 : 0);
  const flip = i8x16.splat(hi > 127 ? -128 : 0);
  for (let j: u32 = 0; j < n; j += 8) {
    const width = min<u32>(n - j, 8);${widens ? '\n    widen(b, scratch, stride);' : ''}
    let i: u32 = 0;
    for (; i + ${most} <= m; i += ${most}) ${call(most)};
${rest.map((count) => `    if (i + ${count} <= m) {\n      ${call(count)};\n      i += ${count};\n    }`).join('\n')}
    if (i < m) ${call(1)};
    b += stride;
  }
}
`;
}

/** The kernels with 16-bit activations. */
export const int8Wide = (): string => kernel(flavors[0]!) + levelKernel(flavors[0]!);
/** The kernels with the relaxed dot product. */
export const int8Dot = (): string => kernel(flavors[1]!) + levelKernel(flavors[1]!);
