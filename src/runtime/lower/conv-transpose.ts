import { type ConvTransposeOptions, convTranspose } from '../../kernels/conv.ts';
import { type Activation, activationOf } from './activation.ts';
import { disjoint, isDisjoint } from './conv-transpose-disjoint.ts';
import type { LowerContext, Lowered, Lowering, Step } from './lowering.ts';
import { isFloat, product } from './operands.ts';
import { turned } from './turned.ts';

const none: Activation = { min: -Infinity, max: Infinity, kernel: null };

/** The gradient of a convolution, phase by phase of its strides. Weights are packed at every run. */
function lowerConvTranspose(c: LowerContext, channelsLast: boolean): Lowered | null {
  const [x, w, b] = c.inputs;
  const [y] = c.outputs;
  if (!isFloat(x) || !isFloat(w) || !isFloat(y) || !w.constant) return null;
  if (b != null && !(isFloat(b) && b.constant)) return null;
  if (x.size === 0 || y.size === 0) return null;
  const { attributes } = c;
  if (attributes.string('auto_pad', 'NOTSET') !== 'NOTSET') return null;
  if ((attributes.ints('output_shape') ?? []).length > 0) return null;
  const spatial = channelsLast ? x.dims.slice(1, -1) : x.dims.slice(2);
  const outSpatial = channelsLast ? y.dims.slice(1, -1) : y.dims.slice(2);
  const [channels, perGroup] = [w.dims[0]!, w.dims[1]!];
  const groups = attributes.int('group', 1);
  const outChannels = perGroup * groups;
  const kernel = w.dims.slice(2);
  const inner = channels / groups;
  const given = (name: string): readonly number[] | undefined => {
    const list = attributes.ints(name);
    return list === null || list.length === 0 ? undefined : list;
  };
  const pads = given('pads');
  if (spatial.length === 0 || pads?.some((pad) => pad < 0)) return null;
  const batch = x.dims[0]!;
  const activation = channelsLast ? activationOf(attributes) : none;
  const { min, max, kernel: after } = activation;
  const sizes: ConvTransposeOptions = {
    shape: [batch, ...spatial, channels],
    weightShape: [outChannels, ...kernel, inner],
    groups,
    pads,
    strides: given('strides'),
    dilations: given('dilations'),
    outputPadding: given('output_padding'),
  };
  if (channelsLast && isDisjoint(sizes)) return disjoint(c, sizes, activation);
  let weights: Float32Array | null = null;
  const { arena, simd } = c.backend;
  const bind = (from: number, to: number): Step => {
    weights ??= turnedWeights(c.known(1)!.data as Float32Array, groups, inner, perGroup, kernel);
    const own = weights;
    const bias = b == null ? undefined : (c.known(2)!.data as Float32Array);
    const options: ConvTransposeOptions = {
      ...sizes,
      bias,
      ...(min > -Infinity ? { min } : {}),
      ...(max < Infinity ? { max } : {}),
    };
    return () => {
      const start = from >>> 2;
      const image = arena.views().f32.slice(start, start + x.size);
      const result = convTranspose(image, own, options);
      arena.views().f32.set(result, to >>> 2);
      after?.(simd, to, to, y.size);
    };
  };
  const name = 'f32_conv transposed';
  if (channelsLast)
    return { kernel: name, reads: [0], bind: (at) => bind(at.input(0), at.output(0)) };
  const images = { batch, channels, outChannels, pixels: product(spatial) };
  return turned(
    c,
    { ...images, outPixels: product(outSpatial) },
    { kernel: name, scratchBytes: 0, bind },
  );
}

/** [C, M / groups, …taps] → [M, …taps, C / groups] */
function turnedWeights(
  w: Float32Array,
  groups: number,
  inner: number,
  perGroup: number,
  kernel: readonly number[],
): Float32Array {
  const taps = product(kernel);
  const result = new Float32Array(w.length);
  let at = 0;
  for (let group = 0; group < groups; group++) {
    for (let j = 0; j < perGroup; j++) {
      for (let tap = 0; tap < taps; tap++) {
        for (let i = 0; i < inner; i++)
          result[at++] = w[((group * inner + i) * perGroup + j) * taps + tap]!;
      }
    }
  }
  return result;
}

export const convTransposeLowerings: readonly Lowering[] = [
  { op: 'ConvTranspose', lower: (c) => lowerConvTranspose(c, false) },
  { op: 'ConvTranspose', domain: 'mp', lower: (c) => lowerConvTranspose(c, true) },
];
