import type { DType } from '../core/dtype.ts';
import { formatShape, type Shape } from '../core/shape.ts';
import type { Constant } from './constant.ts';
import type { Graph } from './graph.ts';

/** An integer attribute; bigint only where a number would not be exact. */
export type Int = number | bigint;

export type Attribute =
  | { type: 'int'; value: Int }
  | { type: 'float'; value: number }
  /** Bytes that are not valid UTF-8 are lone surrogates (formats/utf8.ts). */
  | { type: 'string'; value: string }
  | { type: 'ints'; value: readonly Int[] }
  | { type: 'floats'; value: readonly number[] }
  | { type: 'strings'; value: readonly string[] }
  | { type: 'tensor'; value: Constant }
  | { type: 'tensors'; value: readonly Constant[] }
  | { type: 'graph'; value: Graph }
  | { type: 'graphs'; value: readonly Graph[] }
  /** What the IR does not model (types, sparse tensors, function parameters); `value` is the format's record. */
  | { type: 'opaque'; value: unknown };

export type Attributes = ReadonlyMap<string, Attribute>;

export type ValueType =
  | { kind: 'tensor'; dtype: DType | null; shape: Shape }
  | { kind: 'sparse'; dtype: DType | null; shape: Shape }
  | { kind: 'sequence'; element: ValueType | null }
  | { kind: 'optional'; element: ValueType | null }
  | { kind: 'map'; key: DType | null; value: ValueType | null }
  | { kind: 'opaque'; domain: string; name: string };

/** The type of a tensor; null parts are unknown. */
export function tensorType(dtype: DType | null, shape: Shape): ValueType {
  return { kind: 'tensor', dtype, shape };
}

/** The shape of a tensor type; null for anything else. */
export function shapeOf(type: ValueType | null): Shape {
  return type?.kind === 'tensor' ? type.shape : null;
}

/** The element type of a tensor type; null for anything else. */
export function dtypeOf(type: ValueType | null): DType | null {
  return type?.kind === 'tensor' ? type.dtype : null;
}

/** `float32 [1, 3, 224, 224]` */
export function formatType(type: ValueType | null): string {
  if (type === null) return '?';
  switch (type.kind) {
    case 'tensor':
      return `${type.dtype ?? '?'} ${formatShape(type.shape)}`;
    case 'sparse':
      return `sparse ${type.dtype ?? '?'} ${formatShape(type.shape)}`;
    case 'sequence':
    case 'optional':
      return `${type.kind}(${formatType(type.element)})`;
    case 'map':
      return `map(${type.key ?? '?'}, ${formatType(type.value)})`;
    case 'opaque':
      return `opaque(${type.domain}.${type.name})`;
  }
}

/** How a quantized tensor's integers stand for reals: real = (q − zeroPoint) · scale.
 *  A constant value with one keeps its real `type`; its `constant` holds the stored integers. */
export interface Quantization {
  storage: DType;
  /** Shape over which `axis` and `blockSize` count, the same elements in the same order; null for the value's
   *  own. Blocks of a convolution's weights run over [O, I·H·W]. */
  view: readonly number[] | null;
  /** One, one per channel along `axis`, or one per block. */
  scale: Float32Array;
  /** As many as `scale`; null for all zero. */
  zeroPoint: Int32Array | null;
  axis: number | null;
  /** Elements along `axis` that share a scale; null for per-tensor and per-channel. */
  blockSize: number | null;
}
