// Register tiles of the f32 products: `rows` rows of A by 8·`panels` columns of B, every sum in the order of k.
// Unrolling over rows and columns must be written out, since neither the compiler nor binaryen unrolls; over k it
// does not pay. V8 has 15 registers for v128 on x64: 4×8 takes 11 and one for the product, 6×8 spills.

const indent = (lines: readonly string[], by: number): string[] =>
  lines.map((line) => (line === '' ? '' : ' '.repeat(by) + line));

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

interface Tile {
  readonly rows: number;
  readonly panels: number;
}

/** c10: accumulator of row 1, columns 0 to 3. */
const accumulator = (row: number, quad: number): string => `c${row}${quad.toString(16)}`;

/** All accumulators of a tile, row by row. */
const accumulators = ({ rows, panels }: Tile): string[] =>
  range(rows).flatMap((row) => range(2 * panels).map((quad) => accumulator(row, quad)));

const from = (base: string, bytes: number): string => (bytes === 0 ? base : `${base}, ${bytes}`);

/** One step of k: what each pointer points at, then on to the next. */
function step({ rows, panels }: Tile): string[] {
  const panel = (i: number): string => (panels === 1 ? 'b' : `b${i}`);
  return [
    ...(panels === 1 ? ['const y0 = v128.load(b);', 'const y1 = v128.load(b, 16);'] : []),
    ...range(rows).flatMap((row) => [
      `const x${row} = v128.load32_splat(a${row});`,
      ...range(2 * panels).map((quad) => {
        const c = accumulator(row, quad);
        const y = panels === 1 ? `y${quad}` : `v128.load(${from(panel(quad >> 1), 16 * (quad & 1))})`;
        return `${c} = f32x4.add(${c}, f32x4.mul(x${row}, ${y}));`;
      }),
      `a${row} += 4;`,
    ]),
    ...range(panels).map((i) => `${panel(i)} += 32;`),
  ];
}

/** Limits come as the bits of f32: as numbers they would hold vector registers during the loop. */
const clamp = (tile: Tile): string[] => [
  'const lows = i32x4.splat(low);',
  'const highs = i32x4.splat(high);',
  ...accumulators(tile).map((c) => `${c} = f32x4.pmin(f32x4.pmax(${c}, lows), highs);`),
];

/** Where a row of the output starts. */
const outRow = (row: number): string => (row === 0 ? 'out' : `out + ${row === 1 ? '' : `${row} * `}ldo`);

/** The columns of a quad that the output has. */
const partOf = (row: number, quad: number): [at: string, count: string] => [
  quad === 0 ? outRow(row) : `${outRow(row)} + ${16 * quad}`,
  quad === 0 ? '<i32>columns' : `<i32>columns - ${4 * quad}`,
];

const whenWhole = (quads: number, whole: readonly string[], part: readonly string[]): string[] => [
  `if (columns >= ${4 * quads}) {`,
  ...indent(whole, 2),
  '} else {',
  ...indent(part, 2),
  '}',
];

function storeRow(row: number, quads: number): string[] {
  const whole = range(quads).map((quad) => {
    const offset = quad === 0 ? '' : `, ${16 * quad}`;
    return `v128.store(${outRow(row)}, ${accumulator(row, quad)}${offset});`;
  });
  const part = range(quads).map((quad) => {
    const [at, count] = partOf(row, quad);
    return `storePart(${at}, ${accumulator(row, quad)}, ${count});`;
  });
  return whenWhole(quads, whole, part);
}

function declareFromBias(tile: Tile): string[] {
  const quads = range(2 * tile.panels);
  return [
    ...quads.map((quad) => `let ${accumulator(0, quad)} = v128.load(${from('bias', 16 * quad)});`),
    ...range(tile.rows)
      .slice(1)
      .flatMap((row) =>
        quads.map((quad) => `let ${accumulator(row, quad)} = ${accumulator(0, quad)};`),
      ),
  ];
}

function reload(tile: Tile): string[] {
  const quads = range(2 * tile.panels);
  const each = (load: (row: number, quad: number) => string): string[] =>
    range(tile.rows).flatMap((row) =>
      quads.map((quad) => `${accumulator(row, quad)} = ${load(row, quad)};`),
    );
  const whole = each((row, quad) => `v128.load(${from(outRow(row), 16 * quad)})`);
  const part = each((row, quad) => `loadPart(${partOf(row, quad).join(', ')})`);
  return whenWhole(quads.length, whole, part);
}

/** Rows of A one after the other, `lda` bytes apart; panels of B `ldb` bytes apart. With `accumulate`, sums go on
 *  from what `out` holds. */
function direct(tile: Tile): string[] {
  const { rows, panels } = tile;
  const last = panels === 1 ? 'b' : 'b0';
  return [
    `function tile${rows}x${8 * panels}(`,
    '  a: usize, b: usize, bias: usize, out: usize, columns: u32, k: u32,',
    '  lda: usize, ldb: usize, ldo: usize, accumulate: bool, low: u32, high: u32,',
    '): void {',
    ...indent(
      [
        ...declareFromBias(tile),
        'if (accumulate) {',
        ...indent(reload(tile), 2),
        '}',
        ...range(rows).map(
          (row) => `let a${row} = a${row === 0 ? '' : ` + ${row === 1 ? '' : `${row} * `}lda`};`,
        ),
        ...(panels === 1
          ? []
          : range(panels).map(
              (i) => `let b${i} = b${i === 0 ? '' : ` + ${i === 1 ? '' : `${i} * `}ldb`};`,
            )),
        `for (const end = ${last} + (<usize>k << 5); ${last} != end; ) {`,
        ...indent(step(tile), 2),
        '}',
        ...clamp(tile),
        ...range(rows).flatMap((row) => storeRow(row, 2 * panels)),
      ],
      2,
    ),
    '}',
    '',
  ];
}

/** Rows of A by an index each for every tap, `stride` bytes apart; index −1 is the row of zeros. */
function indirect(tile: Tile): string[] {
  const { rows } = tile;
  return [
    `function tile${rows}x8Indirect(`,
    '  x: usize, zero: usize, indirection: usize, b: usize, bias: usize, out: usize, rows: u32, columns: u32,',
    '  taps: u32, channels: u32, stride: usize, ldo: usize, low: u32, high: u32,',
    '): void {',
    ...indent(
      [
        ...declareFromBias(tile),
        'for (; taps > 0; taps--) {',
        ...indent(
          [
            ...range(rows).map((row) => `let a${row} = rowOf(x, zero, indirection + ${4 * row}, stride);`),
            `indirection += ${4 * rows};`,
            'for (const end = b + (<usize>channels << 5); b != end; ) {',
            ...indent(step(tile), 2),
            '}',
          ],
          2,
        ),
        '}',
        ...clamp(tile),
        ...range(rows).flatMap((row) =>
          row === 0
            ? storeRow(row, 2)
            : [`if (rows > ${row}) {`, ...indent(storeRow(row, 2), 2), '}'],
        ),
      ],
      2,
    ),
    '}',
    '',
  ];
}

const exported = (lines: string[]): string[] => [`export ${lines[0]}`, ...lines.slice(1)];

/** assembly/generated/tiles.ts */
export function tiles(): string {
  const products: Tile[] = [
    { rows: 4, panels: 1 },
    { rows: 3, panels: 1 },
    { rows: 2, panels: 1 },
    { rows: 1, panels: 1 },
    { rows: 1, panels: 4 },
  ];
  return [
    '// Made by assembly/gen/tiles.ts: `npm run generate`.',
    "import { loadPart, rowOf, storePart } from '../part';",
    '',
    ...products.flatMap((tile) => exported(direct(tile))),
    ...exported(indirect({ rows: 4, panels: 1 })),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}
