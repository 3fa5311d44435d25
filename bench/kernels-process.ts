// On one Node, as a process of its own: every kernel of the table on its bench sizes, and the public quantize and dequantize, against a memory copy that
// moves the same number of bytes (read and written counted alike) and against plain loops in JavaScript.
import { dequantize, type QuantizedType, quantize } from '../src/kernels/index.ts';
import { kernelTable } from '../src/wasm/kernels.ts';
import { libraryBackend } from '../src/wasm/library.ts';
import { backendInfo } from '../src/wasm/load.ts';
import type { KernelRow } from '../src/wasm/table/row.ts';
import { arrays, buffersOf, evaluate } from '../test/wasm/trial.ts';
import { type Contender, type Group, measure, memoryCopy } from './lib.ts';

type Options = Parameters<typeof measure>[2];

type Buffer = InstanceType<(typeof arrays)[keyof typeof arrays]>;

const bytesOf = (type: keyof typeof arrays): number => arrays[type].BYTES_PER_ELEMENT;

const readType = (row: KernelRow, name: string): keyof typeof arrays =>
  row.reads!.find((item) => item.name === name)!.type;

/** Fills with the first elements over and over: by whole copies, since rows have millions. */
function repeat(data: Buffer, period: number, value: (i: number) => number): void {
  const first = Math.min(period, data.length);
  for (let i = 0; i < first; i++) data[i] = value(i);
  for (let done = first; done < data.length; done *= 2) data.copyWithin(done, 0, done);
}

/** One row on data that is in wasm memory. */
function kernelGroup(row: KernelRow, options: Options): Group | null {
  const { arena, simd, relaxed } = libraryBackend();
  const exports = (row.module === 'relaxed' ? relaxed : simd) as Record<
    string,
    (...values: number[]) => void
  > | null;
  if (exports === null) return null;
  const kernel = exports[row.name]!;
  let bytes = 0;
  const held: number[] = [];
  const addresses = new Map<string, number>();
  for (const parameter of [...buffersOf(row)].reverse()) {
    const count = evaluate(parameter.length, row.bench);
    const size = count * bytesOf(parameter.type);
    if (parameter.kind !== 'scratch') bytes += (parameter.kind === 'inout' ? 2 : 1) * size;
    const address = arena.allocate('static', size);
    held.push(address);
    const data = new arrays[parameter.type](arena.memory.buffer, address, count);
    const rows = parameter.below === undefined ? 0 : evaluate(parameter.below, row.bench);
    if (parameter.domain === 'scale') data.fill(0.5);
    else if (parameter.type.startsWith('f')) repeat(data, 251, (i) => i / 8 - 15);
    else repeat(data, rows > 0 ? rows : 100, (i) => i);
    if (parameter.to !== undefined) {
      const step = row.bench[parameter.reach!]! * bytesOf(readType(row, parameter.to));
      for (let i = 0; i < count; i++) data[i] = addresses.get(parameter.to)! + i * step;
    }
    addresses.set(parameter.name, address);
  }
  const values = row.parameters.map(({ name }) => addresses.get(name) ?? row.bench[name]!);
  const macs = row.macs === undefined ? {} : { macs: evaluate(row.macs, row.bench) };
  const group = measure(
    row.name,
    [memoryCopy(bytes), { name: row.name, run: () => kernel(...values), bytes, ...macs }],
    options,
  );
  for (const address of held) arena.free(address);
  return group;
}

const quick = process.argv[2] === '--quick';
/** Of float32: more than the caches hold. */
const megabytes = quick ? 4 : 16;
const count = (megabytes / 4) * 2 ** 20;
const long = count / 1024;
const x = Float32Array.from({ length: count }, (_, i) => ((i * 7919) % 65537) / 100 - 300);

/** A loop as one would write it: nearest, ties to even, saturated. */
function plainQuantize(input: Float32Array, output: Int8Array, scale: number, zero: number): void {
  for (let i = 0; i < input.length; i++) {
    const value = input[i]! / scale;
    const floor = Math.floor(value);
    const rest = value - floor;
    const level = (rest < 0.5 ? floor : rest > 0.5 ? floor + 1 : floor + (floor & 1)) + zero;
    output[i] = Math.max(-128, Math.min(127, level));
  }
}

function plainDequantize(
  input: Int8Array,
  output: Float32Array,
  scale: number,
  zero: number,
): void {
  for (let i = 0; i < input.length; i++) output[i] = (input[i]! - zero) * scale;
}

function publicGroups(options: Options): Group[] {
  const scale = 2.5;
  const q = quantize(x, { scale, zeroPoint: 3, type: 'int8' });
  const levels = new Int8Array(count).fill(1);
  const values = new Float32Array(count).fill(1);
  const bytes = 5 * count;
  const fresh = new Uint8Array(bytes / 2).fill(1);
  const copies: Contender[] = [
    memoryCopy(bytes),
    { name: 'the same to a new array', run: () => void fresh.slice(), bytes },
  ];
  const perTensor = [
    measure(
      `quantize ${megabytes} MB of float32 to int8, public function`,
      [
        ...copies,
        {
          name: 'quantize, existing result',
          run: () => void quantize(x, { scale, zeroPoint: 3, type: 'int8', output: levels }),
          bytes,
        },
        {
          name: 'quantize, new result',
          run: () => void quantize(x, { scale, zeroPoint: 3, type: 'int8' }),
          bytes,
        },
        {
          name: 'plain loop, existing result',
          run: () => plainQuantize(x, levels, scale, 3),
          bytes,
        },
      ],
      options,
    ),
    measure(
      `dequantize int8 to ${megabytes} MB of float32, public function`,
      [
        ...copies,
        {
          name: 'dequantize, existing result',
          run: () => void dequantize(q, { scale, zeroPoint: 3, output: values }),
          bytes,
        },
        {
          name: 'dequantize, new result',
          run: () => void dequantize(q, { scale, zeroPoint: 3 }),
          bytes,
        },
        {
          name: 'plain loop, existing result',
          run: () => plainDequantize(q, values, scale, 3),
          bytes,
        },
      ],
      options,
    ),
  ];
  return [...perTensor, ...layoutGroups(options)];
}

/** The layouts that are hard to vectorize, at the same bytes. */
function layoutGroups(options: Options): Group[] {
  const layouts: {
    name: string;
    shape: number[];
    axis?: number;
    blockSize?: number;
    cells: number;
  }[] = [
    { name: 'per channel, first axis', shape: [1024, long], axis: 0, cells: 1024 },
    { name: 'per channel, last axis', shape: [long, 1024], axis: 1, cells: 1024 },
    { name: 'per channel, last axis of 4', shape: [count >> 2, 4], axis: 1, cells: 4 },
    {
      name: 'per channel, 3 × 3 inside',
      shape: [quick ? 182 : 728, 640, 3, 3],
      axis: 1,
      cells: 640,
    },
    {
      name: 'blocks of 32 along the last axis',
      shape: [1024, long],
      axis: 1,
      blockSize: 32,
      cells: count / 32,
    },
    {
      name: 'blocks of 32 along the first axis',
      shape: [long, 1024],
      axis: 0,
      blockSize: 32,
      cells: count / 32,
    },
    {
      name: 'blocks of 4 along the last axis',
      shape: [1024, long],
      axis: 1,
      blockSize: 4,
      cells: count / 4,
    },
  ];
  const types: QuantizedType[] = ['int8', 'int4', 'int16'];
  const contenders = (type: QuantizedType): Contender[] =>
    layouts.flatMap(({ name, cells, ...layout }) => {
      const elements = layout.shape.reduce((a, b) => a * b, 1);
      const data = x.subarray(0, elements);
      const settings = {
        ...layout,
        type,
        scale: new Float32Array(cells).fill(2.5),
      };
      const q = quantize(data, settings);
      const values = new Float32Array(elements).fill(1);
      const bytes = data.byteLength + q.byteLength;
      const runQuantize = (): void => void quantize(data, { ...settings, output: q });
      const runDequantize = (): void => void dequantize(q, { ...settings, output: values });
      return [
        { name: `quantize, ${name}`, run: runQuantize, bytes },
        { name: `dequantize, ${name}`, run: runDequantize, bytes },
      ];
    });
  return types.map((type) => {
    const bytes = count * (type === 'int8' ? 5 : type === 'int4' ? 4.5 : 6);
    return measure(
      `${type}, ${megabytes} MB of float32, public functions, existing results`,
      [memoryCopy(bytes), ...contenders(type)],
      options,
    );
  });
}

const options = { quick };
const rows = kernelTable.map((row) => kernelGroup(row, options)).filter((group) => group !== null);
const groups: Group[] = [...rows, ...publicGroups(options)];
process.stdout.write(JSON.stringify({ backend: backendInfo(), groups }));
