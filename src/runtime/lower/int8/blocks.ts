import {
  type BlockPanels,
  type BlockSizes,
  blockPanelBytes,
  blockScratch,
  fillBlockPanels,
  multiplyBlocks,
  unpackBlocks,
  unpackedZeros,
} from '../../../kernels/int8/block-panels.ts';
import { engine } from '../../../kernels/int8/engine.ts';
import { padded } from '../../../kernels/int8/panels.ts';
import { type BlockLevels, blockLevels } from '../../../passes/block-levels.ts';
import { tensorBytes } from '../../weights.ts';
import { type Activation, activationOf } from '../activation.ts';
import type { LowerContext, Lowered, Lowering, Packed } from '../lowering.ts';
import { align, isFloat } from '../operands.ts';

import { packObject } from './weights.ts';

/** Bytes of a block of rows of a. */
const rowBytes = 2 ** 18;

/** Matrices of fewer weights are unpacked once: unpacking them at every run costs more than reading eight times as much,
 *  as long as caches hold a part of them. */
const mostUnpacked = 2 ** 24;

interface Job {
  readonly sizes: BlockSizes;
  /** Inputs that the panels are made of. */
  readonly owners: readonly number[];
  readonly hasZeros: boolean;
  levels(): BlockLevels;
  /** Input of the bias. */
  readonly bias: number;
  readonly activation: Activation;
}

const none: Activation = { min: -Infinity, max: Infinity, kernel: null };

const blockSizes: readonly number[] = [16, 32, 64, 128, 256];

/** MatMulNBits of 4 and 8 bits; at accuracy level 4 activations are rounded to 8 bits, block by block.
 *  Source: onnxruntime docs/ContribOperators.md. */
function lowerNBits(c: LowerContext): Lowered | null {
  const [a, b, scales, zeros, groups] = c.inputs;
  const { attributes } = c;
  const [k, n] = [attributes.int('K'), attributes.int('N')];
  const [bits, size] = [attributes.int('bits', 4), attributes.int('block_size')];
  if ((bits !== 4 && bits !== 8) || !blockSizes.includes(size) || groups != null) return null;
  if (b == null || !b.constant || b.storage !== 'uint8') return null;
  if (scales == null || !scales.constant || scales.storage !== 'float32') return null;
  const blocks = Math.ceil(k / size);
  if (a?.dims.at(-1) !== k || b.size !== (n * blocks * size * bits) / 8) return null;
  if (scales.size !== n * blocks) return null;
  const isPacked = zeros?.storage === 'uint8';
  if (zeros != null) {
    const expected = isPacked ? n * Math.ceil((blocks * bits) / 8) : n * blocks;
    if (!zeros.constant || zeros.size !== expected) return null;
    if (!isPacked && zeros.storage !== 'float32') return null;
  }
  return lower(c, {
    sizes: { k, n, size, bits, exact: attributes.int('accuracy_level', 0) !== 4 },
    owners: zeros == null ? [1, 2] : [1, 2, 3],
    hasZeros: zeros != null,
    levels: () => ({
      blob: tensorBytes(c.known(1)!),
      scales: c.known(2)!.data as Float32Array,
      zeros:
        zeros == null
          ? null
          : isPacked
            ? unpackedZeros(tensorBytes(c.known(3)!), n, blocks, bits)
            : (c.known(3)!.data as Float32Array),
    }),
    bias: 5,
    activation: none,
  });
}

/** A product with a matrix whose blocks along what is summed have scales of their own. */
function lowerAttached(c: LowerContext): Lowered | null {
  const [a, b] = c.inputs;
  const { attributes, node } = c;
  const isPlain = node.op === 'MatMul' && node.domain !== 'mp';
  if (a == null || b == null || !b.constant || b.dims.length !== 2) return null;
  if (!isPlain) {
    if (attributes.int('transA', 0) !== 0 || attributes.float('alpha', 1) !== 1) return null;
    if (c.inputs[2] != null && node.op === 'Gemm' && attributes.float('beta', 1) !== 1) return null;
  }
  const transB = !isPlain && attributes.int('transB', 0) !== 0;
  const { quantization, storage } = b;
  if (quantization === null || quantization.blockSize === null || quantization.view !== null)
    return null;
  if (quantization.axis !== (transB ? 1 : 0)) return null;
  const bits = storage === 'int4' || storage === 'uint4' ? 4 : 8;
  if (bits === 8 && storage !== 'int8' && storage !== 'uint8') return null;
  const size = quantization.blockSize;
  const [k, n] = transB ? [b.dims[1]!, b.dims[0]!] : [b.dims[0]!, b.dims[1]!];
  if (!blockSizes.includes(size) || a.dims.at(-1) !== k) return null;
  const made = blockLevels({ k, n, size, bits }, storage, transB, quantization);
  return lower(c, {
    sizes: { k, n, size, bits, exact: true },
    owners: [1],
    hasZeros: made.zeros !== null,
    levels: () => ({ ...made, blob: made.blob(tensorBytes(c.known(1)!)) }),
    bias: 2,
    activation: node.domain === 'mp' ? activationOf(attributes) : none,
  });
}

function lower(c: LowerContext, job: Job): Lowered | null {
  const { sizes, activation } = job;
  const { k, n, size, exact } = sizes;
  const [a] = c.inputs;
  const [y] = c.outputs;
  if (!isFloat(a) || !isFloat(y) || a.size === 0 || y.size === 0) return null;
  const bias = c.inputs[job.bias] ?? null;
  if (
    bias !== null &&
    (!bias.constant || !isFloat(bias) || bias.size !== n || bias.dims.at(-1) !== n)
  )
    return null;
  const chosen = engine();
  const { simd, arena } = c.backend;
  const m = a.size / k;
  const width = Math.ceil(k / size) * size;
  const some = Math.min(m, Math.max(1, Math.floor(rowBytes / 4 / Math.max(width, n))));
  const isUnpacked = exact && k * n < mostUnpacked;
  const bytes = blockPanelBytes(sizes, job.hasZeros);
  const fill = (address: number): BlockPanels => {
    const { blob, scales, zeros } = job.levels();
    return fillBlockPanels(chosen, sizes, address, blob, scales, zeros);
  };
  const key = `blocks ${[k, n, size, sizes.bits, exact]}`;
  const unpacked = 4 * width * padded(n);
  const weights = isUnpacked
    ? c.pack(`unpacked ${key}`, job.owners, unpacked, (address) => {
        arena.withScratch([bytes], (packed) => unpackBlocks(fill(packed), address));
      })
    : packObject(c, key, job.owners, bytes, (take) => fill(take(bytes)));
  const biases: Packed = c.pack(
    'block biases',
    bias === null ? [1] : [job.bias],
    4 * padded(n),
    (address) => {
      const { f32 } = arena.views();
      f32.fill(0, address >>> 2, (address >>> 2) + padded(n));
      if (bias !== null) f32.set(c.known(job.bias)!.data as Float32Array, address >>> 2);
    },
  );
  const own = isUnpacked ? [0, 0, 0] : blockScratch(sizes, chosen, some);
  const parts = [width === k ? 0 : 4 * some * width, ...own].map(align);
  return {
    kernel: isUnpacked ? 'f32_gemm' : exact ? 'f32_block_gemm' : `q8_block_gemm ${chosen.mode}`,
    reads: [0],
    scratchBytes: parts.reduce((sum, part) => sum + part, 0),
    bind(at) {
      const [x, to] = [at.input(0), at.output(0)];
      const panels = typeof weights === 'function' ? weights() : weights.address;
      const own = biases.address;
      let next = at.scratch;
      const [spread, ...rest] = parts.map((part) => {
        const start = next;
        next += part;
        return start;
      }) as [number, number, number, number];
      const { min, max, kernel } = activation;
      return () => {
        for (let row = 0; row < m; row += some) {
          const count = Math.min(some, m - row);
          let from = x + 4 * row * k;
          if (width !== k) {
            const { f32 } = arena.views();
            for (let i = 0; i < count; i++) {
              const [start, target] = [(from >>> 2) + i * k, (spread >>> 2) + i * width];
              f32.copyWithin(target, start, start + k);
              f32.fill(0, target + k, target + width);
            }
            from = spread;
          }
          const into = to + 4 * row * n;
          if (typeof panels !== 'number') multiplyBlocks(panels, from, own, into, count, rest, m);
          else
            simd.f32_gemm(
              from,
              panels,
              own,
              into,
              count,
              n,
              width,
              width,
              8 * width,
              n,
              0,
              min,
              max,
            );
        }
        if (kernel !== null) kernel(simd, to, to, y.size);
        else if (!isUnpacked && (min > -Infinity || max < Infinity))
          simd.f32_clip(to, to, y.size, min, max);
      };
    },
  };
}

export const int8BlockLowerings: readonly Lowering[] = [
  { op: 'MatMulNBits', domain: 'com.microsoft', lower: lowerNBits },
  { op: 'MatMul', lower: lowerAttached },
  { op: 'Gemm', lower: lowerAttached },
  { op: 'MatMul', domain: 'mp', lower: lowerAttached },
];
