import { Tensor } from '../../../core/tensor.ts';
import { Graph, Node, Value } from '../../../ir/graph.ts';
import { tensorType } from '../../../ir/types.ts';
import { same } from './blocks.ts';
import { type Emitter, knownSizes, type Row } from './emitter.ts';
import type { Operand } from './operand.ts';
import { alongAxis } from './reduce.ts';

/** One axis that changes its size. */
interface Axis {
  axis: number;
  from: number;
  to: number;
  scale: number;
  roi: readonly number[] | null;
}

/** Options of TFLite's own operators. */
interface Corners {
  alignCorners: boolean;
  halfPixelCenters: boolean;
}

const choices: readonly Corners[] = [
  { alignCorners: false, halfPixelCenters: false },
  { alignCorners: false, halfPixelCenters: true },
  { alignCorners: true, halfPixelCenters: false },
];

/** TFLite's RESIZE operators where they compute the same; else, axis by axis, the elements that each comes from,
 *  or a product with the weights of each. */
const resize: Row = (e) => {
  const [x, out] = [e.in(0), e.out()];
  const axes = axesOf(e, x, out);
  const mode = e.attributes.string('mode');
  if (axes.length === 0) {
    same(e, x);
    return;
  }
  const isImage = x.shape?.length === 4 && axes.every(({ axis }) => axis === 1 || axis === 2);
  if (mode === 'nearest') {
    const places = axes.map((axis) => placesOf(e, axis));
    const corners = isImage ? nearestCorners(axes, places) : undefined;
    if (corners !== undefined) {
      const inputs = [x, sizes(e, out)];
      e.op('RESIZE_NEAREST_NEIGHBOR', inputs, [out], {
        type: 'ResizeNearestNeighborOptions',
        value: corners,
      });
      return;
    }
    inTurn(e, x, axes, out, (part, axis, to) => {
      const value = { axis: axis.axis };
      e.op('GATHER', [part, e.ints(places[axes.indexOf(axis)]!)], [to], {
        type: 'GatherOptions',
        value,
      });
    });
    return;
  }
  const corners = isImage && mode === 'linear' ? linearCorners(e, axes) : null;
  if (corners !== null) {
    const options = { type: 'ResizeBilinearOptions', value: corners } as const;
    e.op('RESIZE_BILINEAR', [x, sizes(e, out)], [out], options);
    return;
  }
  inTurn(e, x, axes, out, (part, axis, to) => {
    const weights = e.floats(weightsOf(e, axis), [axis.to, axis.from]);
    const bias = e.floats(new Float32Array(axis.to));
    alongAxis(e, part, axis.axis, to, (input, result) => {
      const value = { keepNumDims: true };
      const options = { type: 'FullyConnectedOptions', value } as const;
      e.op('FULLY_CONNECTED', [input, weights, bias], [result], options);
    });
  });
};

/** Height and width. */
function sizes(e: Emitter, out: Operand): Operand {
  return e.ints(knownSizes(e, out).slice(1, 3));
}

function inTurn(
  e: Emitter,
  x: Operand,
  axes: readonly Axis[],
  out: Operand,
  emit: (x: Operand, axis: Axis, to: Operand) => void,
): void {
  let now = x;
  axes.forEach((axis, index) => {
    const shape = now.shape!.with(axis.axis, axis.to);
    const to = index === axes.length - 1 ? out : e.temp(x.dtype, shape);
    emit(now, axis, to);
    now = to;
  });
}

function axesOf(e: Emitter, x: Operand, out: Operand): Axis[] {
  const { attributes } = e;
  const [from, to] = [x.shape, knownSizes(e, out)];
  const rank = to.length;
  const named = attributes.ints('axes')?.map((axis) => (axis < 0 ? axis + rank : axis));
  const list = named ?? Array.from({ length: rank }, (_, axis) => axis);
  const scales = e.has(2) ? e.numbers(2) : null;
  const asked = e.has(3) ? e.numbers(3) : null;
  const roi = e.has(1) ? e.numbers(1) : null;
  if ((scales === null || scales.length === 0) && asked === null)
    throw e.fail('SHAPE', 'the sizes of a Resize are computed');
  const policy = attributes.string('keep_aspect_ratio_policy');
  const isCrop = attributes.string('coordinate_transformation_mode') === 'tf_crop_and_resize';
  const result: Axis[] = [];
  list.forEach((axis, index) => {
    const size = from?.[axis];
    const given = scales?.[index];
    if (size === to[axis] && !isCrop && (given === undefined || given === 1)) return;
    if (typeof size !== 'number') throw e.fail('SHAPE', 'the size of an image is not known');
    let scale = given ?? to[axis]! / size;
    if (asked !== null && policy !== 'stretch') {
      const ratios = list.map((other, i) => asked[i]! / Number(from![other]));
      scale = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
    }
    const part = roi === null || roi.length === 0 ? null : [roi[index]!, roi[index + list.length]!];
    result.push({ axis, from: size, to: to[axis]!, scale, roi: isCrop ? part : null });
  });
  return result;
}

/** Runs the node on one axis alone. */
function along(e: Emitter, axis: Axis, x: Tensor): Float32Array {
  const graph = new Graph('resize');
  const isVector = x.dims.length === 1;
  const scales = new Tensor(
    'float32',
    Float32Array.from(isVector ? [axis.scale] : [axis.scale, 1]),
    [x.dims.length],
  );
  const region = axis.roi ?? [0, 1];
  const roi = Float32Array.from(isVector ? region : [region[0]!, 0, region[1]!, 1]);
  const inputs = [x, new Tensor('float32', roi, [roi.length]), scales];
  const attributes = new Map(e.node.attributes);
  for (const name of ['axes', 'keep_aspect_ratio_policy']) attributes.delete(name);
  const node = new Node(graph, {
    op: 'Resize',
    attributes,
    inputs: inputs.map((item, i) => new Value(graph, `${i}`, tensorType(item.type, item.dims))),
  });
  const output = e.evaluate?.(node, inputs)?.[0];
  if (output === undefined || output.dims[0] !== axis.to)
    throw e.fail(
      'EVALUATE',
      'what this Resize does has no operator in TFLite',
      'give `evaluate`, so that its weights can be computed',
    );
  return output.data as Float32Array;
}

/** For each place of the result, the one that it comes from. */
function placesOf(e: Emitter, axis: Axis): number[] {
  const own = axis.roi === null ? ownPlaces(e, axis) : null;
  if (own !== null) return own;
  const line = Float32Array.from({ length: axis.from }, (_, at) => at);
  return [...along(e, axis, new Tensor('float32', line, [axis.from]))];
}

/** ONNX's nearest element, in double precision; null for modes that it is not for. */
function ownPlaces(e: Emitter, { from, to, scale }: Axis): number[] | null {
  const mode = e.attributes.string('coordinate_transformation_mode');
  const rounding = e.attributes.string('nearest_mode');
  return Array.from({ length: to }, (_, x) => {
    let at = (x + 0.5) / scale - 0.5;
    if (mode === 'asymmetric') at = x / scale;
    else if (mode === 'align_corners') at = to === 1 ? 0 : (x * (from - 1)) / (to - 1);
    else if (mode === 'pytorch_half_pixel' && to === 1) at = 0;
    else if (mode === 'half_pixel_symmetric') at += (from / 2) * (1 - to / (scale * from));
    const round: Readonly<Record<string, number>> = {
      floor: Math.floor(at),
      ceil: Math.ceil(at),
      round_prefer_floor: Math.ceil(at - 0.5),
      round_prefer_ceil: Math.floor(at + 0.5),
    };
    return Math.min(Math.max(round[rounding]!, 0), from - 1);
  });
}

/** What TFLite's operator takes for each place, in its own single precision. */
function tflitePlaces({ from, to }: Axis, { alignCorners, halfPixelCenters }: Corners): number[] {
  const isAligned = alignCorners && to > 1;
  const scale = Math.fround(isAligned ? (from - 1) / (to - 1) : from / to);
  return Array.from({ length: to }, (_, x) => {
    const at = Math.fround(Math.fround(x + (halfPixelCenters ? 0.5 : 0)) * scale);
    const place = alignCorners ? Math.floor(at + 0.5) : Math.floor(at);
    return Math.min(Math.max(place, 0), from - 1);
  });
}

function nearestCorners(
  axes: readonly Axis[],
  places: readonly (readonly number[])[],
): Corners | undefined {
  return choices.find((corners) =>
    axes.every((axis, index) =>
      tflitePlaces(axis, corners).every((place, i) => place === places[index]![i]),
    ),
  );
}

/** RESIZE_BILINEAR goes by the sizes alone. */
function linearCorners(e: Emitter, axes: readonly Axis[]): Corners | null {
  const { attributes } = e;
  const isExact = axes.every(({ from, to, scale }) => Math.abs(from * scale - to) < 1e-3 * scale);
  const isReduced = axes.some(({ scale }) => scale < 1);
  if (attributes.int('antialias') !== 0 && isReduced) return null;
  if (attributes.int('exclude_outside') !== 0) return null;
  switch (attributes.string('coordinate_transformation_mode')) {
    case 'align_corners':
      return choices[2]!;
    case 'asymmetric':
      return isExact ? choices[0]! : null;
    case 'half_pixel':
    case 'half_pixel_symmetric':
      return isExact ? choices[1]! : null;
    case 'pytorch_half_pixel':
      return isExact && axes.every(({ to }) => to > 1) ? choices[1]! : null;
    default:
      return null;
  }
}

/** Weights [to, from]: what the node makes of the identity. */
function weightsOf(e: Emitter, axis: Axis): Float32Array {
  const identity = new Float32Array(axis.from * axis.from);
  for (let at = 0; at < axis.from; at++) identity[at * axis.from + at] = 1;
  return along(e, axis, new Tensor('float32', identity, [axis.from, axis.from]));
}

export const resizeRows: Readonly<Record<string, Row>> = { 'mp.Resize': resize, Resize: resize };
