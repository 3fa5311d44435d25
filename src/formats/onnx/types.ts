import type { DType } from '../../core/dtype.ts';
import type { Dim, Shape } from '../../core/shape.ts';
import type { ValueType } from '../../ir/types.ts';
import type { DimensionProto, TensorTypeProto, TypeProto, ValueInfoProto } from './proto.ts';
import { dataTypeOf, dtypeOf } from './tensor.ts';

/** The IR type that a TypeProto declares; null where it says nothing or something unknown. */
export function readType(proto: TypeProto | undefined): ValueType | null {
  if (proto === undefined) return null;
  if (proto.tensorType !== undefined)
    return { kind: 'tensor', ...readTensorType(proto.tensorType) };
  if (proto.sparseTensorType !== undefined)
    return { kind: 'sparse', ...readTensorType(proto.sparseTensorType) };
  if (proto.sequenceType !== undefined)
    return { kind: 'sequence', element: readType(proto.sequenceType.elemType) };
  if (proto.optionalType !== undefined)
    return { kind: 'optional', element: readType(proto.optionalType.elemType) };
  if (proto.mapType !== undefined) {
    return {
      kind: 'map',
      key: readDType(proto.mapType.keyType),
      value: readType(proto.mapType.valueType),
    };
  }
  if (proto.opaqueType !== undefined) {
    return {
      kind: 'opaque',
      domain: proto.opaqueType.domain ?? '',
      name: proto.opaqueType.name ?? '',
    };
  }
  return null;
}

function readTensorType({ elemType, shape }: TensorTypeProto): {
  dtype: DType | null;
  shape: Shape;
} {
  return {
    dtype: readDType(elemType),
    shape: shape === undefined ? null : (shape.dim ?? []).map(readDim),
  };
}

function readDType(dataType: number | undefined): DType | null {
  return dataType === undefined || dataType === 0 ? null : dtypeOf(dataType);
}

/** Negative sizes occur in the wild for unknown ones. */
function readDim({ dimValue, dimParam }: DimensionProto): Dim {
  if (dimValue !== undefined)
    return typeof dimValue === 'number' && dimValue >= 0 ? dimValue : null;
  return dimParam === undefined || dimParam === '' ? null : dimParam;
}

/** A declaration of a value's name and type. */
export function makeValueInfo(name: string, type: ValueType | null): ValueInfoProto {
  return { name, ...(type === null ? {} : { type: makeType(type) }) };
}

function makeType(type: ValueType): TypeProto {
  switch (type.kind) {
    case 'tensor':
      return { tensorType: makeTensorType(type.dtype, type.shape) };
    case 'sparse':
      return { sparseTensorType: makeTensorType(type.dtype, type.shape) };
    case 'sequence':
      return { sequenceType: type.element === null ? {} : { elemType: makeType(type.element) } };
    case 'optional':
      return { optionalType: type.element === null ? {} : { elemType: makeType(type.element) } };
    case 'map':
      return {
        mapType: {
          keyType: type.key === null ? 0 : dataTypeOf(type.key),
          ...(type.value === null ? {} : { valueType: makeType(type.value) }),
        },
      };
    case 'opaque':
      return { opaqueType: { domain: type.domain, name: type.name } };
  }
}

function makeTensorType(dtype: DType | null, shape: Shape): TensorTypeProto {
  const dim = shape?.map((size): DimensionProto => {
    if (typeof size === 'number') return { dimValue: size };
    return size === null ? {} : { dimParam: size };
  });
  return {
    elemType: dtype === null ? 0 : dataTypeOf(dtype),
    ...(dim === undefined ? {} : { shape: { dim } }),
  };
}
