import { copyStep, rowMajor } from './copy.ts';
import type { LowerContext, Lowered, Lowering, Operand, Packed } from './lowering.ts';
import { frontAxis, isFloat, product } from './operands.ts';

/** A constant parameter, or what stands for an absent one. */
function parameter(
  c: LowerContext,
  input: number,
  count: number,
  otherwise: number,
): Packed | null {
  const { arena } = c.backend;
  const operand = c.inputs[input];
  if (operand == null) {
    return c.pack(`all ${otherwise} ${count}`, [allOwner], 4 * count, (address) => {
      arena.views().f32.fill(otherwise, address >>> 2, (address >>> 2) + count);
    });
  }
  if (!isFloat(operand) || !operand.constant) return null;
  if (operand.size !== count && operand.size !== 1) return null;
  return c.pack(`repeated ${count}`, [input], 4 * count, (address) => {
    const data = c.known(input)!.data as Float32Array;
    const view = arena.views().f32.subarray(address >>> 2, (address >>> 2) + count);
    if (data.length === count) view.set(data);
    else view.fill(data[0]!);
  });
}

const allOwner = {};

interface Rows {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
  readonly groups: number;
  readonly rms: 0 | 1;
}

function lowerRows(c: LowerContext, rows: Rows): Lowered | null {
  if (!isFloat(c.inputs[0]) || !isFloat(c.outputs[0])) return null;
  if (c.outputs.slice(1).some((operand) => operand !== null)) return null;
  const { outer, channels, inner, groups, rms } = rows;
  const scale = parameter(c, 1, groups * channels, 1);
  const bias = parameter(c, 2, groups * channels, 0);
  if (scale === null || bias === null) return null;
  const epsilon = Math.fround(c.attributes.float('epsilon', 1e-5));
  const { simd } = c.backend;
  return {
    kernel: 'f32_normalize',
    reads: [0],
    inPlace: [0],
    bind(at) {
      const [x, y, s, b] = [at.input(0), at.output(0), scale.address, bias.address];
      return () => simd.f32_normalize(x, y, s, b, outer, channels, inner, groups, epsilon, rms);
    },
  };
}

/** Over the last axes together. */
function last(op: string, rms: 0 | 1): Lowering {
  return {
    op,
    lower(c) {
      const [x] = c.inputs;
      if (x == null) return null;
      const axis = frontAxis(c.attributes.int('axis', -1), x.dims.length);
      const channels = product(x.dims.slice(axis));
      return lowerRows(c, { outer: x.size / channels, channels, inner: 1, groups: 1, rms });
    },
  };
}

/** Over groups of channels of [N, C, …]. */
function grouped(op: string, groupsOf: (c: LowerContext, x: Operand) => number): Lowering {
  return {
    op,
    lower(c) {
      const [x] = c.inputs;
      if (x == null || x.dims.length < 3 || x.size === 0) return null;
      const [batch, all] = x.dims as [number, number];
      const groups = groupsOf(c, x);
      const inner = product(x.dims.slice(2));
      return lowerRows(c, { outer: batch * groups, channels: all / groups, inner, groups, rms: 0 });
    },
  };
}

/** The same of [N, …, C]: channels come first in scratch. */
function groupedLast(
  op: string,
  groupsOf: (c: LowerContext, channels: number) => number,
): Lowering {
  return {
    op,
    domain: 'mp',
    lower(c) {
      const [x] = c.inputs;
      const [y] = c.outputs;
      if (!isFloat(x) || !isFloat(y) || x.dims.length < 3 || x.size === 0) return null;
      const [batch, all] = [x.dims[0]!, x.dims.at(-1)!];
      const groups = groupsOf(c, all);
      const inner = x.size / batch / all;
      const rows = {
        outer: batch * groups,
        channels: all / groups,
        inner,
        groups,
        rms: 0,
      } as const;
      const lowered = lowerRows(c, rows);
      if (lowered === null) return null;
      const first = { sizes: [batch, all, inner], from: [inner * all, 1, all] };
      const last = { sizes: [batch, inner, all], from: [inner * all, 1, inner] };
      return {
        kernel: 'f32_normalize turned',
        reads: [0],
        scratchBytes: x.bytes,
        bind(at) {
          const { scratch } = at;
          const there = { ...first, to: rowMajor(first.sizes) };
          const back = { ...last, to: rowMajor(last.sizes) };
          const before = copyStep(c.backend, 4, there, at.input(0), scratch);
          const run = lowered.bind!({ input: () => scratch, output: () => scratch, scratch });
          const after = copyStep(c.backend, 4, back, scratch, at.output(0));
          return () => {
            before();
            run();
            after();
          };
        },
      };
    },
  };
}

/** x · a + b with a and b of fixed statistics. */
function batchNormalization(channelsLast: boolean): Lowering {
  return {
    op: 'BatchNormalization',
    domain: channelsLast ? 'mp' : '',
    lower(c) {
      const [x] = c.inputs;
      if (!isFloat(x) || !isFloat(c.outputs[0]) || x.size === 0) return null;
      if (c.attributes.int('training_mode', 0) !== 0) return null;
      const constants = [1, 2, 3, 4];
      if (!constants.every((i) => isFloat(c.inputs[i]) && c.inputs[i]!.constant)) return null;
      const channels = channelsLast ? x.dims.at(-1)! : (x.dims[1] ?? 1);
      const inner = channelsLast ? 1 : product(x.dims.slice(2));
      const outer = x.size / channels / inner;
      const epsilon = Math.fround(c.attributes.float('epsilon', 1e-5));
      const { simd, arena } = c.backend;
      const factors = c.pack(`scale and shift ${epsilon}`, constants, 8 * channels, (address) => {
        const { f32 } = arena.views();
        const [scale, bias, mean, variance] = constants.map(
          (i) => c.known(i)!.data as Float32Array,
        ) as [Float32Array, Float32Array, Float32Array, Float32Array];
        for (let i = 0; i < channels; i++) {
          const factor = scale[i]! / Math.sqrt(variance[i]! + epsilon);
          f32[(address >>> 2) + i] = factor;
          f32[(address >>> 2) + channels + i] = bias[i]! - mean[i]! * factor;
        }
      });
      return {
        kernel: 'f32_scale_shift',
        reads: [0],
        inPlace: [0],
        bind(at) {
          const [from, to, a] = [at.input(0), at.output(0), factors.address];
          return () => simd.f32_scale_shift(from, to, a, a + 4 * channels, outer, channels, inner);
        },
      };
    },
  };
}

export const normalizeLowerings: readonly Lowering[] = [
  last('LayerNormalization', 0),
  last('RMSNormalization', 1),
  grouped('GroupNormalization', (c) => c.attributes.int('num_groups')),
  grouped('InstanceNormalization', (_, x) => x.dims[1]!),
  groupedLast('GroupNormalization', (c) => c.attributes.int('num_groups')),
  groupedLast('InstanceNormalization', (_, channels) => channels),
  batchNormalization(false),
  batchNormalization(true),
];
