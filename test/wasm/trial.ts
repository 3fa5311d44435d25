// Generated tests of a kernel: what a row of the table says becomes buffers between canaries, at every alignment.
import { type Random, random } from '../../src/core/random.ts';
import type {
  BufferParameter,
  Domain,
  ElementType,
  KernelRow,
  ReadBuffer,
} from '../../src/wasm/table/row.ts';

export const arrays = {
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  f32: Float32Array,
  f64: Float64Array,
};

export type NumberArray = InstanceType<(typeof arrays)[ElementType]>;

/** Value of a sum of products of sizes, numbers and ceil(a/b). */
export function evaluate(expression: string, values: Readonly<Record<string, number>>): number {
  const operand = (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : values[text];
    if (value === undefined) throw new TypeError(`"${text}" of "${expression}" is not a size`);
    return value;
  };
  const factor = (text: string): number => {
    const ceil = /^ceil\((\w+)\/(\w+)\)$/.exec(text);
    return ceil === null ? operand(text) : Math.ceil(operand(ceil[1]!) / operand(ceil[2]!));
  };
  const product = (text: string): number =>
    text.split('*').reduce((value, item) => value * factor(item), 1);
  return expression.split('+').reduce((sum, item) => sum + product(item), 0);
}

export interface Trial {
  values: Record<string, number>;
  alignment: number;
}

/** Sizes 0…2·tile + 1 at alignments 0…15, then some larger ones; the other sizes and scalars vary along. */
export function* trialsOf(row: KernelRow): Generator<Trial> {
  const draw = random(17);
  const tiled = row.parameters.find((item) => item.kind === 'size' && item.tile !== undefined);
  const tile = tiled?.kind === 'size' ? tiled.tile! : 1;
  const small = Array.from({ length: 2 * tile + 2 }, (_, size) => size);
  const pick = (size: number): Record<string, number> => {
    const values: Record<string, number> = {};
    const scalar = draw.below(60);
    for (const item of row.parameters) {
      if (item.kind === 'scalar') values[item.name] = item.values[scalar % item.values.length]!;
      if (item.kind === 'size') {
        const some = item.values;
        const least = item.least === undefined ? 0 : evaluate(item.least, values);
        values[item.name] = least + (some === undefined ? size : some[draw.below(some.length)]!);
      }
    }
    return values;
  };
  for (const size of small) {
    for (let alignment = 0; alignment < 16; alignment++) yield { values: pick(size), alignment };
  }
  for (const size of [5 * tile, 7 * tile + 3, 20 * tile - 1, 33 * tile + 1]) {
    for (let round = 0; round < 4; round++) yield { values: pick(size), alignment: 5 * round };
  }
}

const specials = [
  Number.NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  1,
  -1,
  0.5,
  1.5,
  2.5,
  -0.5,
  -1.5,
  -2.5,
  127.5,
  255.5,
  2 ** -126,
  2 ** -149,
  -(2 ** -140),
  3.4e38,
  -3.4e38,
  65504,
  65519.99,
  65520,
  2 ** -24,
  2 ** -25,
  6.1e-5,
  1e9,
  -1e9,
];
const scales = [1, 0.5, 0.25, 0.1, 2, 1 / 3, 0.003, -0.5, -1, 1e-30, 2 ** -130, 1e20, 0.0078125];

/** Row numbers below a limit, or −1. */
export function fillRows(array: NumberArray, below: number, draw: Random): void {
  for (let i = 0; i < array.length; i++) array[i] = draw.below(below + 1) - 1;
}

/** Fills a buffer with what its domain allows; by default with anything, now and then. */
export function fill(array: NumberArray, domain: Domain | undefined, draw: Random): void {
  const wild = draw.below(2) === 0;
  const float = array instanceof Float32Array || array instanceof Float64Array;
  for (let i = 0; i < array.length; i++) array[i] = value(i);

  function value(i: number): number {
    if (domain === 'bytes and floats') return draw.below((i & 3) === 3 ? 64 : 256);
    if (domain === 'seven bits and floats') return draw.below((i & 3) === 3 ? 64 : 128);
    if (domain === 'zero8') return draw.below(384) - 128;
    if (domain === 'zero16') return draw.below(98304) - 32768;
    if (domain === 'scale') return scales[draw.below(scales.length)]!;
    if (domain === 'seven bits') return draw.below(128);
    if (domain === 'nine bits') return draw.below(511) - 255;
    if (domain === 'sum') return Math.trunc((draw.uniform() - 0.5) * 2 ** (4 + draw.below(28)));
    if (domain === 'multiplier')
      return float ? (draw.uniform() + 0.001) / 2 ** draw.below(24) : 2 ** 30 + draw.below(2 ** 30);
    if (domain === 'shift') return draw.below(36) - 31;
    if (domain === 'unit') return (draw.uniform() + 2 ** -25) * (draw.below(2) === 0 ? -1 : 1);
    if (domain === 'ascending')
      return (array[i - 1] ?? -3) + 2 ** -40 + draw.uniform() * 2 ** -draw.below(20);
    if (domain === 'count') return draw.below(1000);
    if (domain === 'extreme') return [Infinity, -Infinity, 0.25, -3][draw.below(4)]!;
    if (!float) return draw.uint32();
    if (domain !== 'finite' && wild && draw.below(6) === 0)
      return specials[draw.below(specials.length)]!;
    if (domain === 'level') return (draw.below(2048) - 1024) / [1, 2, 4, 8, 10, 3][draw.below(6)]!;
    return (draw.uniform() - 0.5) * 2 ** (draw.below(24) - 10);
  }
}

export interface Placed {
  parameter: BufferParameter | ReadInput;
  address: number;
  bytes: number;
  /** End of what belongs to this buffer, canaries included. */
  end: number;
}

export const canaryBytes = 64;

interface ReadInput extends ReadBuffer {
  readonly kind: 'in';
  readonly below?: string;
  readonly to?: string;
  readonly reach?: string;
}

/** The buffers of a row: its parameters, and what pointers among them lead to. */
export function buffersOf(row: KernelRow): (BufferParameter | ReadInput)[] {
  const reads = (row.reads ?? []).map((item) => ({ ...item, kind: 'in' as const }));
  return [...row.parameters.filter((item) => 'length' in item), ...reads];
}

/** Indices at which `reach` elements and 8 more are there, for a buffer of addresses. */
export function fillPointers(
  pointers: NumberArray,
  length: number,
  reach: number,
  draw: Random,
): void {
  const places = Math.max(1, length - reach - 8 + 1);
  for (let i = 0; i < pointers.length; i++) pointers[i] = draw.below(places);
}

/** Buffers one after the other, canaries around each, starts shifted by the alignment. */
export function place(row: KernelRow, { values, alignment }: Trial, start: number): Placed[] {
  let at = start;
  const placed: Placed[] = [];
  for (const parameter of buffersOf(row)) {
    const shift = (alignment * (1 + 2 * placed.length)) % 16;
    const address = at + canaryBytes + shift;
    const bytes = evaluate(parameter.length, values) * arrays[parameter.type].BYTES_PER_ELEMENT;
    const end = Math.ceil((address + bytes + canaryBytes) / 64) * 64;
    placed.push({ parameter, address, bytes, end });
    at = end;
  }
  return placed;
}
