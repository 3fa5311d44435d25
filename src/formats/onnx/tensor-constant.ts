import { LimitError } from '../../core/errors.ts';
import { bufferSource } from '../../core/source.ts';
import { type Constant, constantOf } from '../../ir/constant.ts';
import type { SparseTensorProto, TensorProto } from './proto.ts';
import type { Reading } from './reading.ts';
import { tensorRecord } from './record.ts';
import type { DenseTensor } from './sparse.ts';
import {
  dataTypeOf,
  makeTensor,
  tensorBytes,
  tensorDims,
  tensorStrings,
  tensorType,
} from './tensor.ts';

/** The constant of a tensor message: its bytes stay where they are. */
export function readTensor(
  tensor: TensorProto,
  { external, limits }: Reading,
  where: string,
): Constant {
  const dtype = tensorType(tensor);
  const shape = tensorDims(tensor, where);
  if (shape.length > limits.rank)
    throw new LimitError('rank', limits.rank, shape.length, { where });
  if (dtype === 'string') {
    tensorStrings(tensor); // checks their number and place
    const strings = tensor.stringData ?? [];
    return { dtype, shape, data: bufferSource(new Uint8Array(0)), strings, origin: tensor };
  }
  return constantOf(dtype, shape, tensorBytes(tensor, external), tensor);
}

/** The constant of a sparse tensor that has been made dense. */
export function constantOfSparse(
  { dtype, dims, source }: DenseTensor,
  origin: SparseTensorProto,
): Constant {
  return constantOf(dtype, dims, source, origin);
}

/** The message of a constant: as it was read if that still says the same. External data are read into it: a
 *  written file stands alone unless its writer puts them outside again. */
export function writeTensor(name: string, constant: Constant): TensorProto {
  const record = tensorRecord(constant.origin);
  if (record !== null && matches(record, constant)) {
    const named =
      record.name === name || (name === '' && record.name === undefined)
        ? record
        : { ...record, name };
    if (record.dataLocation !== 1) return named;
    const { externalData: _outside, dataLocation: _where, ...rest } = named;
    return { ...rest, rawData: constant.data };
  }
  if (constant.strings !== undefined) {
    return {
      dims: [...constant.shape],
      dataType: dataTypeOf('string'),
      stringData: [...constant.strings],
      name,
    };
  }
  const tensor = makeTensor(name, constant.dtype, constant.shape, constant.data);
  if (name === '') delete tensor.name;
  return tensor;
}

function matches({ dataType, dims = [] }: TensorProto, { dtype, shape }: Constant): boolean {
  return (
    dataType === dataTypeOf(dtype) &&
    dims.length === shape.length &&
    dims.every((dim, i) => Number(dim) === shape[i])
  );
}
