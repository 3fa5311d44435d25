import type { Levels } from '../../../kernels/int8/bytes.ts';
import { type Engine, engine } from '../../../kernels/int8/engine.ts';
import {
  type Panels,
  packPanels,
  padded,
  panelBytes,
  placePanels,
  storedZeros,
} from '../../../kernels/int8/panels.ts';
import {
  activationZeros,
  prepareActivations,
  product as readyProduct,
  slackBytes,
} from '../../../kernels/int8/product.ts';
import { ownDomain } from '../../../ops/modelpress.ts';
import { tensorBytes } from '../../weights.ts';
import type { LowerContext, Lowered, Lowering, Packed } from '../lowering.ts';
import { align, isFloat, numbersOf } from '../operands.ts';
import { dynamicParameters } from './dynamic-levels.ts';
import { packObject } from './weights.ts';

/** Bytes of sums at a time: they stay in the cache until they are real numbers. */
const blockBytes = 2 ** 16;

/** Products whose left operand is quantized at every run. */
interface Job {
  readonly c: LowerContext;
  readonly engine: Engine;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly panels: () => Panels;
  /** Scales and biases of columns, padded. */
  readonly scales: Packed;
  readonly biases: Packed;
  /** Rows at a time. */
  readonly some: number;
  /** Where rows begin in what is multiplied, for `some` rows. */
  readonly pointers: Packed;
  /** Elements from row to row. */
  readonly stride: number;
}

function lowerDynamic(c: LowerContext): Lowered | null {
  const [a, b, scale, zero, bias] = c.inputs;
  const [y] = c.outputs;
  if (!isFloat(a) || b == null || !b.constant || !isFloat(y) || scale == null) return null;
  if (b.dims.length !== 2 || (b.storage !== 'int8' && b.storage !== 'uint8')) return null;
  const [k, n] = b.dims as [number, number];
  if (a.size === 0 || y.size === 0 || a.dims.length === 0) return null;
  const scales = columnsOf(c, 2, n, 1);
  const zeros = columnsOf(c, 3, n, 0);
  const own = columnsOf(c, 4, n, 0);
  if (scales === null || zeros === null || own === null) return null;
  if (bias != null && bias.storage !== 'float32') return null;
  if (zero != null && zero.storage !== b.storage) return null;
  const isByRow = c.attributes.int('rows', 1) !== 0;
  const chosen = engine();
  const m = a.size / k;
  const stride = isByRow ? 4 * Math.ceil(k / 4) : k;
  const some = Math.min(m, Math.max(6, Math.floor(blockBytes / 4 / n / 6) * 6));
  const width = chosen.activationBytes;
  const job: Job = {
    c,
    engine: chosen,
    m,
    k,
    n,
    panels: packed(c, chosen, k, n, zeros, b.storage === 'uint8'),
    scales: packFloats(c, 'scales', [1, 2], scales),
    biases: packFloats(c, 'biases', bias == null ? [1] : [1, 4], own),
    some,
    stride,
    pointers: c.pack(`pointers ${some} ${stride * width}`, [1], 4 * some, (address) => {
      const { i32 } = chosen.backend.arena.views();
      for (let i = 0; i < some; i++) i32[(address >>> 2) + i] = i * stride * width;
    }),
  };
  return isByRow ? byRow(job) : whole(job);
}

/** A constant parameter for each column; null for anything else. */
function columnsOf(c: LowerContext, input: number, n: number, otherwise: number): number[] | null {
  const operand = c.inputs[input];
  if (operand == null) return new Array<number>(n).fill(otherwise);
  if (!operand.constant || operand.quantization !== null) return null;
  const values = numbersOf(c, input);
  if (values?.length === n) return values;
  return values?.length === 1 ? new Array<number>(n).fill(values[0]!) : null;
}

function packFloats(
  c: LowerContext,
  key: string,
  owners: readonly number[],
  values: readonly number[],
): Packed {
  const wide = padded(values.length);
  return c.pack(key, owners, 4 * wide, (address) => {
    const { f32 } = c.backend.arena.views();
    f32.fill(0, address >>> 2, (address >>> 2) + wide);
    f32.set(values, address >>> 2);
  });
}

function packed(
  c: LowerContext,
  chosen: Engine,
  k: number,
  n: number,
  columnZeros: readonly number[],
  isUnsigned: boolean,
): () => Panels {
  const { arena } = chosen.backend;
  const zeros = storedZeros(Int32Array.from(columnZeros), n, isUnsigned);
  const size = { n, taps: 1, k };
  const bytes = panelBytes(chosen, n, 1, k) + panelBytes(chosen, 1, 1, k) + 128;
  return packObject(c, `integer ${columnZeros.join(' ')}`, 1, bytes, (take) => {
    const place = placePanels(chosen, take, size, zeros);
    const levels = tensorBytes(c.known(1)!) as Uint8Array & Levels;
    return arena.withScratch([levels.length + slackBytes], (source) => {
      arena.views().u8.set(levels, source);
      return packPanels(chosen, place, source!, size, { n: 1, k: n, tap: 0 }, isUnsigned, zeros);
    });
  });
}

/** Each row in steps of its own, around zero. */
function byRow(job: Job): Lowered {
  const { c, engine: chosen, m, k, n, some, stride } = job;
  const { simd, arena } = c.backend;
  const width = chosen.activationBytes;
  const zeros = activationZeros(chosen, Int32Array.of(0), false);
  const parts = [
    some * stride * width + slackBytes,
    8 * some,
    4 * some * n,
    stride === k ? 0 : 4 * some * stride,
  ].map(align);
  return {
    kernel: `q8_gemm dynamic ${chosen.mode}`,
    reads: [0],
    scratchBytes: parts.reduce((sum, bytes) => sum + bytes, 0),
    bind(at) {
      const [x, y] = [at.input(0), at.output(0)];
      const [levels, heads, sums, spread] = places(at.scratch, parts) as Four;
      const panels = job.panels();
      const [pointers, scales, biases] = [job.pointers, job.scales, job.biases].map(
        ({ address }) => address,
      ) as [number, number, number];
      const isFlipped = chosen.unsigned === true;
      return () => {
        arena.withScratch([], () => {
          const ready = readyProduct(panels, zeros[0]!, some, null, 0);
          for (let row = 0; row < m; row += some) {
            const count = Math.min(some, m - row);
            let from = x + 4 * row * k;
            if (stride !== k) {
              const { f32 } = arena.views();
              for (let i = 0; i < count; i++) {
                const [start, to] = [(from >>> 2) + i * k, (spread >>> 2) + i * stride];
                f32.copyWithin(to, start, start + k);
                f32.fill(0, to + k, to + stride);
              }
              from = spread;
            }
            simd.f32_block_levels(from, levels, heads, count, stride, width - 1);
            if (isFlipped) simd.q8_flip(levels, levels, count * stride);
            ready.run(pointers, levels, sums, count, n, zeros);
            simd.i32_f32_scaled(sums, y + 4 * row * n, heads, scales, biases, count, n, 2);
          }
        });
      };
    },
  };
}

/** All rows as DynamicQuantizeLinear has them. */
function whole(job: Job): Lowered {
  const { c, engine: chosen, m, k, n, some } = job;
  const { simd, arena } = c.backend;
  const width = chosen.activationBytes;
  const count = m * k;
  const parts = [
    16,
    count + slackBytes,
    width === 2 ? 2 * count + slackBytes : 0,
    4 * some * n,
  ].map(align);
  return {
    kernel: `q8_gemm dynamic tensor ${chosen.mode}`,
    reads: [0],
    scratchBytes: parts.reduce((sum, bytes) => sum + bytes, 0),
    bind(at) {
      const [x, y] = [at.input(0), at.output(0)];
      const [head, raw, wide, sums] = places(at.scratch, parts) as Four;
      const panels = job.panels();
      const [pointers, scales, biases] = [job.pointers, job.scales, job.biases].map(
        ({ address }) => address,
      ) as [number, number, number];
      return () => {
        simd.f32_fold_extreme(x, head, 1, count, 1, 1);
        simd.f32_fold_extreme(x, head + 4, 1, count, 1, 0);
        const { f32, i32 } = arena.views();
        const { scale, zero } = dynamicParameters(f32[head >>> 2]!, f32[(head >>> 2) + 1]!);
        f32[head >>> 2] = scale;
        i32[(head >>> 2) + 1] = zero;
        simd.f32_q8_runs(x, raw, head, head + 4, 1, count, count, 0, 0, 255);
        const zeros = Int32Array.of(zero);
        const own = activationZeros(chosen, zeros, true);
        const rows = prepareActivations(chosen, raw, wide, 1, count, zeros, true);
        arena.withScratch([], () => {
          const ready = readyProduct(panels, own[0]!, some, null, 0);
          for (let row = 0; row < m; row += some) {
            const part = Math.min(some, m - row);
            ready.run(pointers, rows + row * k * width, sums, part, n, own);
            simd.i32_f32_scaled(sums, y + 4 * row * n, head, scales, biases, part, n, 0);
          }
        });
      };
    },
  };
}

type Four = [number, number, number, number];

function places(start: number, parts: readonly number[]): number[] {
  let at = start;
  return parts.map((bytes) => {
    const place = at;
    at += bytes;
    return place;
  });
}

export const int8DynamicProductLowerings: readonly Lowering[] = [
  { op: 'DynamicMatMul', domain: ownDomain, lower: lowerDynamic },
];
