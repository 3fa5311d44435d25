import { typeError } from '../core/errors.ts';
import { volume } from '../core/shape.ts';
import { libraryBackend } from '../wasm/library.ts';
import { packWinogradArray } from './conv-winograd.ts';
import { packParts } from './convolve.ts';
import { packTaps } from './depthwise.ts';
import { type ConvShape, convGeometry, type Geometry } from './geometry.ts';
import { paddedColumns } from './packed.ts';
import { checkFloats, checkLength } from './types.ts';
import { type ConvAlgorithm, type WinogradPlan, winogradChosen } from './winograd.ts';

/** What packed weights know; see ConvShape. */
export interface PackConvOptions extends Omit<ConvShape, 'shape' | 'pads'> {
  /** By default 'winograd' where it can be and there are at least 8 channels on both sides. For images of one or
   *  two pixels a side 'direct' is faster, and keeps a quarter of the bytes. */
  readonly algorithm?: ConvAlgorithm | undefined;
}

/** Weights of `conv` in the layout that the kernels read, in their memory until they are disposed of. */
export class PackedConv {
  readonly weightShape: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly groups: number;
  readonly algorithm: ConvAlgorithm;
  /** Bytes of kernel memory that they hold. */
  readonly bytes: number;
  #address: number;

  /** `packConv` makes them. */
  constructor(
    geometry: Geometry,
    weightShape: readonly number[],
    algorithm: ConvAlgorithm,
    bytes: number,
  ) {
    this.weightShape = [...weightShape];
    this.strides = geometry.strides;
    this.dilations = geometry.dilations;
    this.groups = geometry.groups;
    this.algorithm = algorithm;
    this.bytes = bytes;
    this.#address = libraryBackend().arena.allocate('weights', bytes);
  }

  /** Where they are.
   *  @throws {TypeError} after dispose() */
  get address(): number {
    if (this.#address === 0)
      throw typeError('w', 'a PackedConv that has not been disposed of', 'a disposed one');
    return this.#address;
  }

  /** Gives the memory back; any later use throws. */
  dispose(): void {
    if (this.#address === 0) return;
    libraryBackend().arena.free(this.#address);
    this.#address = 0;
  }
}

/** Packs a convolution's weights once for many runs of `conv`.
 *  @param w        weightShape [output channels, …kernel, channels / groups]
 *  @param options  weightShape; strides, dilations, groups, algorithm
 *  @returns        what `conv` takes in place of w; dispose() gives its memory back
 *  @throws {TypeError} w is not a Float32Array
 *  @throws {RangeError} sizes that overflow or don't fit w; steps < 1; 'winograd' for another kind of convolution
 *  @throws {MemoryError} no room
 *  Cost O(weights); memory: theirs with output channels rounded up to 8, by Winograd four times that. */
export function packConv(w: Float32Array, options: PackConvOptions): PackedConv {
  checkFloats('w', w);
  const { weightShape, dilations = [], groups = 1, algorithm } = options;
  checkLength('w', w.length, volume(weightShape));
  // One pixel of the result: what is packed does not depend on the image.
  const kernel = weightShape.slice(1, -1);
  const least = kernel.map((size, axis) => (dilations[axis] ?? 1) * (size - 1) + 1);
  const channels = groups * (weightShape.at(-1) ?? 0);
  const geometry = convGeometry({ ...options, shape: [1, ...least, channels], pads: undefined });
  const plan = winogradChosen(geometry, algorithm, null);
  const bytes = plan?.weightBytes ?? directBytes(geometry);
  const packed = new PackedConv(geometry, weightShape, plan ? 'winograd' : 'direct', bytes);
  try {
    pack(geometry, plan, w, packed.address);
  } catch (error) {
    packed.dispose();
    throw error;
  }
  return packed;
}

function directBytes(geometry: Geometry): number {
  const { channels, outChannels, groups, kernel } = geometry;
  const columns = isDepthwise(geometry)
    ? outChannels
    : groups * paddedColumns(outChannels / groups);
  return (4 * columns * volume(kernel) * channels) / groups;
}

function pack(
  geometry: Geometry,
  plan: WinogradPlan | null,
  w: Float32Array,
  target: number,
): void {
  const { channels, outChannels, groups, kernel } = geometry;
  const taps = volume(kernel);
  if (plan !== null) packWinogradArray(plan, w, target);
  else if (isDepthwise(geometry)) packTaps(w, outChannels, taps, target);
  else packParts(w, groups, outChannels / groups, (taps * channels) / groups, target);
}

/** Each channel by itself. */
export const isDepthwise = ({ groups, channels }: Geometry): boolean =>
  groups > 1 && groups === channels;
