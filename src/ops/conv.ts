import { differentDims, floorDivideDims, multiplyDims, productOfDims } from '../core/dim.ts';
import type { DType } from '../core/dtype.ts';
import type { Dim, Shape } from '../core/shape.ts';
import type { CostContext, InferContext, Op, OutputInfo } from './op.ts';
import {
  countOf,
  invalid,
  numberAt,
  outputCount,
  tensor,
  times,
  unknownDims,
  withRank,
} from './rules.ts';
import { slidWindow, spreadWindow, windowAttributes, windowOf } from './window.ts';

const group = { group: { kind: 'int', default: 1, min: 1 } } as const;

/** X [N, C, …], W [M, C/group, …] → [N, M, …]. */
function convolution(
  name: string,
  weight: number,
  inputs: readonly [number, number],
  dtype: (c: InferContext) => DType | null,
): Op {
  return {
    name,
    inputs,
    outputs: [1, 1],
    attributes: { ...windowAttributes, ...group },
    infer: (c) => {
      const x = withRank(c, 0, 3, Infinity);
      const w = withRank(c, weight, 3, Infinity);
      checkChannels(c, x, w);
      const rank = x?.length ?? w?.length ?? null;
      if (x === null) return [tensor(dtype(c), unknownDims(rank))];
      const window = windowOf(c, x.length - 2, w?.slice(2) ?? null);
      const dims = slidWindow(c, x.slice(2), window);
      return [tensor(dtype(c), [x[0]!, w?.[0] ?? null, ...dims])];
    },
    cost: (c) => ({ macs: times(outputCount(c), countOf(c.shape(weight)?.slice(1) ?? null)) }),
  };
}

function checkChannels(c: InferContext, x: Shape, w: Shape): void {
  if (x === null || w === null) return;
  const groups = c.attributes.int('group');
  if (x.length !== w.length)
    throw invalid(c, 'E_SHAPE_RANK', `input of rank ${x.length}, weight of rank ${w.length}`);
  const expected = multiplyDims(w[1]!, groups);
  if (differentDims(x[1]!, expected))
    throw invalid(
      c,
      'E_SHAPE_CHANNELS',
      `the input has ${x[1]} channels, the weight takes ${expected} in ${groups} groups`,
    );
  const filters = w[0];
  if (typeof filters === 'number' && filters % groups !== 0)
    throw invalid(c, 'E_SHAPE_CHANNELS', `${filters} filters don't divide into ${groups} groups`);
}

/** X [N, C, …], W [C, M/group, …] → [N, M, …]. */
function transposedRule(c: InferContext): OutputInfo[] {
  const x = withRank(c, 0, 3, Infinity);
  const w = withRank(c, 1, 3, Infinity);
  if (x === null) return [tensor(c.dtype(0), unknownDims(w?.length ?? null))];
  if (w !== null) {
    if (x.length !== w.length)
      throw invalid(c, 'E_SHAPE_RANK', `input of rank ${x.length}, weight of rank ${w.length}`);
    if (differentDims(x[1]!, w[0]!))
      throw invalid(c, 'E_SHAPE_CHANNELS', `the input has ${x[1]} channels, the weight ${w[0]}`);
  }
  const channels = multiplyDims(w?.[1] ?? null, c.attributes.int('group'));
  const spatial = x.length - 2;
  const window = windowOf(c, spatial, w?.slice(2) ?? null);
  const given = c.attributes.ints('output_shape');
  if (given !== null && given.length > 0) {
    if (given.length !== spatial && given.length !== x.length)
      throw invalid(c, 'E_OP_ATTRIBUTE', `"output_shape" has ${given.length} items`);
    return [tensor(c.dtype(0), [x[0]!, channels, ...given.slice(-spatial)])];
  }
  const extra = c.attributes.ints('output_padding') ?? [];
  return [tensor(c.dtype(0), [x[0]!, channels, ...spreadWindow(c, x.slice(2), window, extra)])];
}

/** Every input element meets every weight of its channel. */
function transposedMacs(c: CostContext): number | null {
  return times(countOf(c.shape(0)), countOf(c.shape(1)?.slice(1) ?? null));
}

/** Offsets [N, …, oH, oW] say where the windows lie. */
function deformRule(c: InferContext): OutputInfo[] {
  const x = withRank(c, 0, 4, Infinity);
  const w = withRank(c, 1, 4, Infinity);
  checkChannels(c, x, w);
  if (x === null) return [tensor(c.dtype(0), unknownDims(w?.length ?? null))];
  const window = windowOf(c, x.length - 2, w?.slice(2) ?? null);
  const dims = slidWindow(c, x.slice(2), window);
  return [tensor(c.dtype(0), [x[0]!, w?.[0] ?? null, ...dims])];
}

/** Columns [N, C·block, L] → image [N, C, …]. */
function col2ImRule(c: InferContext): OutputInfo[] {
  const x = withRank(c, 0, 3);
  const image = c.values(1);
  const block = c.values(2);
  const rank = image?.length ?? block?.length ?? null;
  if (rank === null) return [tensor(c.dtype(0), null)];
  const area: Dim = block === null ? null : productOfDims(block);
  if (area === 0) throw invalid(c, 'E_SHAPE_BLOCK', 'the block is empty');
  const rows = x?.[1] ?? null;
  if (typeof rows === 'number' && typeof area === 'number' && rows % area !== 0)
    throw invalid(c, 'E_SHAPE_BLOCK', `${rows} rows are not a multiple of the block's ${area}`);
  const channels = floorDivideDims(rows, area);
  return [tensor(c.dtype(0), [x?.[0] ?? null, channels, ...(image ?? unknownDims(rank)!)])];
}

const { auto_pad: _, ...plainWindow } = windowAttributes;
const { kernel_shape: __, ...columnWindow } = plainWindow;

export const convOps: readonly Op[] = [
  convolution('Conv', 1, [2, 3], (c) => c.dtype(0)),
  convolution('ConvInteger', 1, [2, 4], () => 'int32'),
  convolution('QLinearConv', 3, [8, 9], (c) => c.dtype(7) ?? c.dtype(0)),
  {
    name: 'ConvTranspose',
    inputs: [2, 3],
    outputs: [1, 1],
    attributes: {
      ...windowAttributes,
      ...group,
      output_padding: { kind: 'ints', min: 0 },
      output_shape: { kind: 'ints', min: 0 },
    },
    infer: transposedRule,
    cost: (c) => ({ macs: transposedMacs(c) }),
  },
  {
    name: 'DeformConv',
    inputs: [3, 5],
    outputs: [1, 1],
    attributes: {
      ...plainWindow,
      ...group,
      offset_group: { kind: 'int', default: 1, min: 1 },
    },
    infer: deformRule,
    cost: (c) => ({ macs: times(outputCount(c), countOf(c.shape(1)?.slice(1) ?? null)) }),
  },
  {
    name: 'Col2Im',
    inputs: [3, 3],
    outputs: [1, 1],
    attributes: columnWindow,
    infer: col2ImRule,
  },
  {
    name: 'CausalConvWithState',
    inputs: [2, 4],
    outputs: [2, 2],
    attributes: {
      activation: { kind: 'string', default: 'none', oneOf: ['none', 'silu', 'swish'] },
    },
    // One filter per channel; the state is the last K−1 positions.
    infer: (c) => {
      const x = withRank(c, 0, 3);
      const taps = numberAt(c.shape(1), -1);
      const state = [x?.[0] ?? null, x?.[1] ?? null, taps === null ? null : taps - 1];
      return [tensor(c.dtype(0), x), tensor(c.dtype(0), state)];
    },
    cost: (c) => ({ macs: times(outputCount(c), numberAt(c.shape(1), -1)) }),
  },
];
