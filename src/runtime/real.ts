import type { DType } from '../core/dtype.ts';
import { UnsupportedError } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import type { Quantization } from '../ir/types.ts';
import {
  bfloat16ToFloat32,
  dequantize,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
  type QuantizedType,
  quantize,
} from '../kernels/index.ts';

type Levels = Parameters<typeof dequantize>[0];

/** Whether a type is a float that float32 holds exactly. */
export function isHalf(dtype: DType): boolean {
  return dtype === 'float16' || dtype === 'bfloat16';
}

/** The real numbers that stored integers stand for, as float32. */
export function realOf(tensor: Tensor, quantization: Quantization): Tensor {
  const { scale, zeroPoint, axis, blockSize, view, storage } = quantization;
  const data = dequantize(tensor.data as Levels, {
    type: storage as QuantizedType | 'int32',
    scale,
    ...(zeroPoint === null ? {} : { zeroPoint }),
    ...(scale.length === 1 && blockSize === null ? {} : { shape: view ?? tensor.dims }),
    ...(axis === null ? {} : { axis }),
    ...(blockSize === null ? {} : { blockSize }),
    length: tensor.size,
  });
  return new Tensor('float32', data, tensor.dims);
}

/** Integers of real numbers.
 *  @throws {UnsupportedError} stored as something that `quantize` does not make */
export function storedOf(tensor: Tensor, quantization: Quantization): Tensor {
  const { scale, zeroPoint, axis, blockSize, view, storage } = quantization;
  if (!(tensor.data instanceof Float32Array)) {
    throw new UnsupportedError(`${tensor.type} is not quantized while running`, {
      code: 'E_QUANTIZE_TYPE',
    });
  }
  const data = quantize(tensor.data, {
    type: storage as QuantizedType,
    scale,
    ...(zeroPoint === null ? {} : { zeroPoint }),
    ...(scale.length === 1 && blockSize === null ? {} : { shape: view ?? tensor.dims }),
    ...(axis === null ? {} : { axis }),
    ...(blockSize === null ? {} : { blockSize }),
  });
  return new Tensor(storage, data, tensor.dims);
}

/** The same numbers in float32: of a half float, or of quantized integers. Others are returned as they are. */
export function toFloat32(tensor: Tensor, quantization: Quantization | null): Tensor {
  if (quantization !== null) return realOf(tensor, quantization);
  const bits = tensor.data as Uint16Array;
  if (tensor.type === 'float16') return new Tensor('float32', float16ToFloat32(bits), tensor.dims);
  if (tensor.type === 'bfloat16')
    return new Tensor('float32', bfloat16ToFloat32(bits), tensor.dims);
  return tensor;
}

/** float32 rounded to a half float. */
export function toHalf(tensor: Tensor, dtype: DType): Tensor {
  const x = tensor.data as Float32Array;
  const bits = dtype === 'float16' ? float32ToFloat16(x) : float32ToBfloat16(x);
  return new Tensor(dtype, bits, tensor.dims);
}
