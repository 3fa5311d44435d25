import type { ByteSource } from '../../core/source.ts';
import type { Int64 } from '../protobuf.ts';

/** Messages of onnx.proto as plain objects (IR version 14, and the containers of onnx-data.proto).
 *  - A field that is absent on the wire is undefined; one that is there is kept, also with its default value.
 *  - `unknown` holds the fields that this library does not know, as they were; it is written back.
 *  - Integers are numbers where exact, else bigints. Enums are numbers and may have unknown values.
 *  - Strings that are not valid UTF-8 hold lone surrogates (see formats/utf8.ts) and are written back as they
 *    were. `bytes` fields are views of the input.
 *  - Of a repeated singular field the last counts, repeated messages merge, as protobuf rules.
 *  Source: github.com/onnx/onnx, onnx/onnx.proto. */

interface Known {
  unknown?: Uint8Array | undefined;
}

/** Bytes in memory, or a source from which a writer streams them. A reader gives a view. */
export type PayloadBytes = Uint8Array | ByteSource;

export interface ModelProto extends Known {
  irVersion?: Int64 | undefined;
  producerName?: string | undefined;
  producerVersion?: string | undefined;
  domain?: string | undefined;
  modelVersion?: Int64 | undefined;
  docString?: string | undefined;
  graph?: GraphProto | undefined;
  opsetImport?: OperatorSetIdProto[] | undefined;
  metadataProps?: StringStringEntryProto[] | undefined;
  trainingInfo?: TrainingInfoProto[] | undefined;
  functions?: FunctionProto[] | undefined;
  configuration?: DeviceConfigurationProto[] | undefined;
}

export interface GraphProto extends Known {
  node?: NodeProto[] | undefined;
  name?: string | undefined;
  initializer?: TensorProto[] | undefined;
  docString?: string | undefined;
  input?: ValueInfoProto[] | undefined;
  output?: ValueInfoProto[] | undefined;
  valueInfo?: ValueInfoProto[] | undefined;
  quantizationAnnotation?: TensorAnnotation[] | undefined;
  sparseInitializer?: SparseTensorProto[] | undefined;
  metadataProps?: StringStringEntryProto[] | undefined;
}

export interface NodeProto extends Known {
  input?: string[] | undefined;
  output?: string[] | undefined;
  name?: string | undefined;
  opType?: string | undefined;
  attribute?: AttributeProto[] | undefined;
  docString?: string | undefined;
  domain?: string | undefined;
  overload?: string | undefined;
  metadataProps?: StringStringEntryProto[] | undefined;
  deviceConfigurations?: NodeDeviceConfigurationProto[] | undefined;
}

export interface AttributeProto extends Known {
  name?: string | undefined;
  f?: number | undefined;
  i?: Int64 | undefined;
  s?: Uint8Array | undefined;
  t?: TensorProto | undefined;
  g?: GraphProto | undefined;
  floats?: number[] | undefined;
  ints?: Int64[] | undefined;
  strings?: Uint8Array[] | undefined;
  tensors?: TensorProto[] | undefined;
  graphs?: GraphProto[] | undefined;
  docString?: string | undefined;
  tp?: TypeProto | undefined;
  typeProtos?: TypeProto[] | undefined;
  /** One of `attributeTypes`. */
  type?: number | undefined;
  refAttrName?: string | undefined;
  sparseTensor?: SparseTensorProto | undefined;
  sparseTensors?: SparseTensorProto[] | undefined;
}

/** A tensor. The typed data fields hold the packed wire form: little-endian float32 or float64, or varints one
 *  after another (`tensorBytes` converts them, formats/onnx/packed.ts reads and makes them). */
export interface TensorProto extends Known {
  dims?: Int64[] | undefined;
  /** One of `dataTypes`. */
  dataType?: number | undefined;
  segment?: SegmentProto | undefined;
  floatData?: Uint8Array | undefined;
  int32Data?: Uint8Array | undefined;
  stringData?: Uint8Array[] | undefined;
  int64Data?: Uint8Array | undefined;
  name?: string | undefined;
  rawData?: PayloadBytes | undefined;
  doubleData?: Uint8Array | undefined;
  uint64Data?: Uint8Array | undefined;
  docString?: string | undefined;
  externalData?: StringStringEntryProto[] | undefined;
  /** 0: in this message, 1: external. */
  dataLocation?: number | undefined;
  metadataProps?: StringStringEntryProto[] | undefined;
}

export interface SegmentProto extends Known {
  begin?: Int64 | undefined;
  end?: Int64 | undefined;
}

export interface SparseTensorProto extends Known {
  values?: TensorProto | undefined;
  indices?: TensorProto | undefined;
  dims?: Int64[] | undefined;
}

export interface ValueInfoProto extends Known {
  name?: string | undefined;
  type?: TypeProto | undefined;
  docString?: string | undefined;
  metadataProps?: StringStringEntryProto[] | undefined;
}

/** At most one of the `…Type` fields is set. */
export interface TypeProto extends Known {
  tensorType?: TensorTypeProto | undefined;
  sequenceType?: ElementTypeProto | undefined;
  mapType?: MapTypeProto | undefined;
  denotation?: string | undefined;
  opaqueType?: OpaqueTypeProto | undefined;
  sparseTensorType?: TensorTypeProto | undefined;
  optionalType?: ElementTypeProto | undefined;
}

/** TypeProto.Tensor and TypeProto.SparseTensor. */
export interface TensorTypeProto extends Known {
  elemType?: number | undefined;
  shape?: TensorShapeProto | undefined;
}

/** TypeProto.Sequence and TypeProto.Optional. */
export interface ElementTypeProto extends Known {
  elemType?: TypeProto | undefined;
}

export interface MapTypeProto extends Known {
  keyType?: number | undefined;
  valueType?: TypeProto | undefined;
}

export interface OpaqueTypeProto extends Known {
  domain?: string | undefined;
  name?: string | undefined;
}

export interface TensorShapeProto extends Known {
  dim?: DimensionProto[] | undefined;
}

/** At most one of `dimValue` and `dimParam` is set; neither: unknown. */
export interface DimensionProto extends Known {
  dimValue?: Int64 | undefined;
  dimParam?: string | undefined;
  denotation?: string | undefined;
}

export interface OperatorSetIdProto extends Known {
  domain?: string | undefined;
  version?: Int64 | undefined;
}

export interface StringStringEntryProto extends Known {
  key?: string | undefined;
  value?: string | undefined;
}

export interface TensorAnnotation extends Known {
  tensorName?: string | undefined;
  quantParameterTensorNames?: StringStringEntryProto[] | undefined;
}

export interface FunctionProto extends Known {
  name?: string | undefined;
  input?: string[] | undefined;
  output?: string[] | undefined;
  attribute?: string[] | undefined;
  node?: NodeProto[] | undefined;
  docString?: string | undefined;
  opsetImport?: OperatorSetIdProto[] | undefined;
  domain?: string | undefined;
  attributeProto?: AttributeProto[] | undefined;
  valueInfo?: ValueInfoProto[] | undefined;
  overload?: string | undefined;
  metadataProps?: StringStringEntryProto[] | undefined;
}

export interface TrainingInfoProto extends Known {
  initialization?: GraphProto | undefined;
  algorithm?: GraphProto | undefined;
  initializationBinding?: StringStringEntryProto[] | undefined;
  updateBinding?: StringStringEntryProto[] | undefined;
}

export interface DeviceConfigurationProto extends Known {
  name?: string | undefined;
  numDevices?: number | undefined;
  device?: string[] | undefined;
}

export interface NodeDeviceConfigurationProto extends Known {
  configurationId?: string | undefined;
  shardingSpec?: ShardingSpecProto[] | undefined;
  pipelineStage?: number | undefined;
}

export interface ShardingSpecProto extends Known {
  tensorName?: string | undefined;
  device?: Int64[] | undefined;
  indexToDeviceGroupMap?: IntIntListEntryProto[] | undefined;
  shardedDim?: ShardedDimProto[] | undefined;
}

export interface IntIntListEntryProto extends Known {
  key?: Int64 | undefined;
  value?: Int64[] | undefined;
}

export interface ShardedDimProto extends Known {
  axis?: Int64 | undefined;
  simpleSharding?: SimpleShardedDimProto[] | undefined;
}

/** At most one of `dimValue` and `dimParam` is set. */
export interface SimpleShardedDimProto extends Known {
  dimValue?: Int64 | undefined;
  dimParam?: string | undefined;
  numShards?: Int64 | undefined;
}

export interface SequenceProto extends Known {
  name?: string | undefined;
  elemType?: number | undefined;
  tensorValues?: TensorProto[] | undefined;
  sparseTensorValues?: SparseTensorProto[] | undefined;
  sequenceValues?: SequenceProto[] | undefined;
  mapValues?: MapProto[] | undefined;
  optionalValues?: OptionalProto[] | undefined;
}

export interface MapProto extends Known {
  name?: string | undefined;
  keyType?: number | undefined;
  keys?: Int64[] | undefined;
  stringKeys?: Uint8Array[] | undefined;
  values?: SequenceProto | undefined;
}

export interface OptionalProto extends Known {
  name?: string | undefined;
  elemType?: number | undefined;
  tensorValue?: TensorProto | undefined;
  sparseTensorValue?: SparseTensorProto | undefined;
  sequenceValue?: SequenceProto | undefined;
  mapValue?: MapProto | undefined;
  optionalValue?: OptionalProto | undefined;
}

/** Every message by its name in the schema; nested ones have the names of their outer message in front. */
export interface Messages {
  ModelProto: ModelProto;
  GraphProto: GraphProto;
  NodeProto: NodeProto;
  AttributeProto: AttributeProto;
  TensorProto: TensorProto;
  'TensorProto.Segment': SegmentProto;
  SparseTensorProto: SparseTensorProto;
  ValueInfoProto: ValueInfoProto;
  TypeProto: TypeProto;
  'TypeProto.Tensor': TensorTypeProto;
  'TypeProto.Sequence': ElementTypeProto;
  'TypeProto.Map': MapTypeProto;
  'TypeProto.Opaque': OpaqueTypeProto;
  'TypeProto.SparseTensor': TensorTypeProto;
  'TypeProto.Optional': ElementTypeProto;
  TensorShapeProto: TensorShapeProto;
  'TensorShapeProto.Dimension': DimensionProto;
  OperatorSetIdProto: OperatorSetIdProto;
  StringStringEntryProto: StringStringEntryProto;
  TensorAnnotation: TensorAnnotation;
  FunctionProto: FunctionProto;
  TrainingInfoProto: TrainingInfoProto;
  DeviceConfigurationProto: DeviceConfigurationProto;
  NodeDeviceConfigurationProto: NodeDeviceConfigurationProto;
  ShardingSpecProto: ShardingSpecProto;
  IntIntListEntryProto: IntIntListEntryProto;
  ShardedDimProto: ShardedDimProto;
  SimpleShardedDimProto: SimpleShardedDimProto;
  SequenceProto: SequenceProto;
  MapProto: MapProto;
  OptionalProto: OptionalProto;
}

export type MessageName = keyof Messages;

/** AttributeProto.AttributeType. */
export const attributeTypes = {
  undefined: 0,
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
  sparseTensor: 11,
  sparseTensors: 12,
  typeProto: 13,
  typeProtos: 14,
} as const;
