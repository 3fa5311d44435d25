import { byteLengthOf, type DType } from '../../../core/dtype.ts';
import { FormatError, UnsupportedError } from '../../../core/errors.ts';
import { readSync } from '../../../core/source.ts';
import { bytesOf, typedArrayOf } from '../../../core/tensor.ts';
import { type Constant, constantOf } from '../../../ir/constant.ts';
import type { Quantization } from '../../../ir/types.ts';
import type { BlockwiseQuantizationRecord, SubGraphRecord, TensorRecord } from '../records.ts';
import { dtypeOf } from '../tensor-types.ts';
import { constantOfTensor, holdsLevels } from './constant.ts';
import type { Reading } from './reading.ts';

/** Whether a tensor's integers stand for reals: activations and weights (a bias is known by its use). */
export function isQuantized(tensor: TensorRecord): boolean {
  if (!holdsLevels(tensor)) return false;
  return hasScale(tensor) || tensor.quantization?.details?.type === 'BlockwiseQuantization';
}

/** Whether a tensor says scales. */
export function hasScale({ quantization }: TensorRecord): boolean {
  const scale = quantization?.scale;
  return scale !== undefined && scale.length > 0 && scale.every((value) => value > 0);
}

/** How a tensor's integers stand for reals. A quantized dimension that can't be is replaced by the one that can, and
 *  noted: biases of old files have that of their weights (TFLM's person_detect.tflite).
 *  @throws {FormatError} the scales fit no axis */
export function quantizationOf(
  tensor: TensorRecord,
  subgraph: SubGraphRecord,
  reading: Reading,
  where: string,
): Quantization {
  const storage = dtypeOf(tensor.type) as DType;
  const { details, scale: scales, zeroPoint: zeros } = tensor.quantization ?? {};
  if (details?.type === 'BlockwiseQuantization')
    return blockwise(details.value, tensor, subgraph, reading, where);
  const scale = Float32Array.from(scales ?? []);
  if (scale.some((value) => !(value > 0 && value < Infinity)))
    throw wrong('a scale that is not positive', where);
  const count = zeros?.length ?? 0;
  if (count > 1 && count !== scale.length)
    throw wrong(`${count} zero points for ${scale.length} scales`, where);
  const zeroPoint = Int32Array.from(scale, (_, i) => Number(zeros?.[count === 1 ? 0 : i] ?? 0n));
  return {
    storage,
    view: null,
    scale,
    zeroPoint: zeroPoint.some((value) => value !== 0) ? zeroPoint : null,
    axis: scale.length === 1 ? null : axisOf(tensor, scale.length, reading, where),
    blockSize: null,
  };
}

/** Scale and zero point of a whole tensor, as QuantizeLinear has them.
 *  @throws {UnsupportedError} a scale for each channel */
export function parametersOf(
  { storage, scale, zeroPoint }: Quantization,
  where: string,
): { scale: Constant; zero: Constant } {
  if (scale.length !== 1) {
    throw new UnsupportedError('levels with a scale for each channel are no activations', {
      code: 'E_TFLITE_QUANTIZATION',
      where,
    });
  }
  const zero = zeroPoint?.[0] ?? 0;
  const bytes = new Uint8Array(byteLengthOf(storage, 1)).map((_, i) => (zero >> (8 * i)) & 255);
  return {
    scale: constantOf('float32', [], bytesOf(scale)),
    zero: constantOf(storage, [], bytes),
  };
}

function axisOf(tensor: TensorRecord, count: number, { notes }: Reading, where: string): number {
  const shape = [...(tensor.shape ?? [])];
  const said = tensor.quantization?.quantizedDimension ?? 0;
  if (shape[said] === count) return said;
  const fitting = shape.flatMap((size, axis) => (size === count ? [axis] : []));
  const axis = fitting.at(-1);
  if (axis === undefined)
    throw wrong(`${count} scales for a tensor of shape [${shape.join(', ')}]`, where);
  const note = `${where}: its ${count} scales are along axis ${axis}, not ${said} as the file says`;
  if (!notes.includes(note)) notes.push(note);
  return axis;
}

/** Scales are in a tensor of the weights' shape with blocks instead of elements on the last axis. */
function blockwise(
  { scales, zeroPoints, blockSize }: BlockwiseQuantizationRecord,
  tensor: TensorRecord,
  subgraph: SubGraphRecord,
  reading: Reading,
  where: string,
): Quantization {
  const scale = Float32Array.from(numbersOf(scales, subgraph, reading, where) ?? []);
  const zeros = numbersOf(zeroPoints, subgraph, reading, where);
  const shape = tensor.shape ?? new Int32Array(0);
  const block = blockSize ?? 0;
  const axis = shape.length - 1;
  const along = shape[axis] ?? 0;
  const rows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  if (!(block > 0) || along % block !== 0 || scale.length !== rows * (along / block))
    throw wrong(`${scale.length} scales for blocks of ${block}`, where);
  if (zeros !== null && zeros.length !== scale.length)
    throw wrong(`${zeros.length} zero points for ${scale.length} scales`, where);
  return {
    storage: dtypeOf(tensor.type) as DType,
    view: null,
    scale,
    zeroPoint: zeros?.some((value) => value !== 0) === true ? Int32Array.from(zeros) : null,
    axis,
    blockSize: block,
  };
}

/** The elements of a tensor that describes another one; null where there is none. */
function numbersOf(
  index: number | undefined,
  subgraph: SubGraphRecord,
  reading: Reading,
  where: string,
): number[] | null {
  const tensor = index === undefined || index <= 0 ? undefined : subgraph.tensors?.[index];
  if (tensor === undefined) return null;
  const constant = constantOfTensor(tensor, reading, where);
  if (constant === null) return null;
  const bytes = readSync(constant.data, 0, constant.data.size);
  const elements = typedArrayOf(constant.dtype, bytes);
  switch (constant.dtype) {
    case 'float16':
      return Array.from(elements as Uint16Array, halfToNumber);
    case 'float32':
    case 'int8':
    case 'uint8':
    case 'int16':
    case 'int32':
    case 'int64':
      return Array.from<number | bigint, number>(elements as Iterable<number | bigint>, Number);
    default:
      throw new UnsupportedError(`scales of type ${constant.dtype}`, {
        code: 'E_TFLITE_QUANTIZATION',
        where,
      });
  }
}

function halfToNumber(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function wrong(message: string, where: string): FormatError {
  return new FormatError(message, { code: 'E_TFLITE_QUANTIZATION', where });
}
