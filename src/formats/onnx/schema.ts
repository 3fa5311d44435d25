import { type FieldRow, type MessageType, messageTypes } from '../protobuf-schema.ts';
import type { MessageName, Messages } from './proto.ts';

/** Field numbers and types of onnx.proto (IR version 14) and onnx-data.proto.
 *  Source: github.com/onnx/onnx, onnx/onnx.proto, onnx/onnx-data.proto. */

type Table = {
  readonly [M in MessageName]: {
    readonly [F in Exclude<keyof Messages[M], 'unknown'>]-?: FieldRow<MessageName>;
  };
};

const table: Table = {
  ModelProto: {
    irVersion: [1, 'int64'],
    producerName: [2, 'string'],
    producerVersion: [3, 'string'],
    domain: [4, 'string'],
    modelVersion: [5, 'int64'],
    docString: [6, 'string'],
    graph: [7, 'GraphProto'],
    opsetImport: [8, 'OperatorSetIdProto', 'many'],
    metadataProps: [14, 'StringStringEntryProto', 'many'],
    trainingInfo: [20, 'TrainingInfoProto', 'many'],
    functions: [25, 'FunctionProto', 'many'],
    configuration: [26, 'DeviceConfigurationProto', 'many'],
  },
  GraphProto: {
    node: [1, 'NodeProto', 'many'],
    name: [2, 'string'],
    initializer: [5, 'TensorProto', 'many'],
    docString: [10, 'string'],
    input: [11, 'ValueInfoProto', 'many'],
    output: [12, 'ValueInfoProto', 'many'],
    valueInfo: [13, 'ValueInfoProto', 'many'],
    quantizationAnnotation: [14, 'TensorAnnotation', 'many'],
    sparseInitializer: [15, 'SparseTensorProto', 'many'],
    metadataProps: [16, 'StringStringEntryProto', 'many'],
  },
  NodeProto: {
    input: [1, 'string', 'many'],
    output: [2, 'string', 'many'],
    name: [3, 'string'],
    opType: [4, 'string'],
    attribute: [5, 'AttributeProto', 'many'],
    docString: [6, 'string'],
    domain: [7, 'string'],
    overload: [8, 'string'],
    metadataProps: [9, 'StringStringEntryProto', 'many'],
    deviceConfigurations: [10, 'NodeDeviceConfigurationProto', 'many'],
  },
  AttributeProto: {
    name: [1, 'string'],
    f: [2, 'float'],
    i: [3, 'int64'],
    s: [4, 'bytes'],
    t: [5, 'TensorProto'],
    g: [6, 'GraphProto'],
    floats: [7, 'float', 'many'],
    ints: [8, 'int64', 'many'],
    strings: [9, 'bytes', 'many'],
    tensors: [10, 'TensorProto', 'many'],
    graphs: [11, 'GraphProto', 'many'],
    docString: [13, 'string'],
    tp: [14, 'TypeProto'],
    typeProtos: [15, 'TypeProto', 'many'],
    type: [20, 'int32'],
    refAttrName: [21, 'string'],
    sparseTensor: [22, 'SparseTensorProto'],
    sparseTensors: [23, 'SparseTensorProto', 'many'],
  },
  TensorProto: {
    dims: [1, 'int64', 'dims'],
    dataType: [2, 'int32'],
    segment: [3, 'TensorProto.Segment'],
    floatData: [4, 'floats'],
    int32Data: [5, 'varints'],
    stringData: [6, 'bytes', 'many'],
    int64Data: [7, 'varints'],
    name: [8, 'string'],
    rawData: [9, 'bytes', 'payload'],
    doubleData: [10, 'doubles'],
    uint64Data: [11, 'varints'],
    docString: [12, 'string'],
    externalData: [13, 'StringStringEntryProto', 'many'],
    dataLocation: [14, 'int32'],
    metadataProps: [16, 'StringStringEntryProto', 'many'],
  },
  'TensorProto.Segment': {
    begin: [1, 'int64'],
    end: [2, 'int64'],
  },
  SparseTensorProto: {
    values: [1, 'TensorProto'],
    indices: [2, 'TensorProto'],
    dims: [3, 'int64', 'dims'],
  },
  ValueInfoProto: {
    name: [1, 'string'],
    type: [2, 'TypeProto'],
    docString: [3, 'string'],
    metadataProps: [4, 'StringStringEntryProto', 'many'],
  },
  TypeProto: {
    tensorType: [1, 'TypeProto.Tensor', 'one of value'],
    sequenceType: [4, 'TypeProto.Sequence', 'one of value'],
    mapType: [5, 'TypeProto.Map', 'one of value'],
    denotation: [6, 'string'],
    opaqueType: [7, 'TypeProto.Opaque', 'one of value'],
    sparseTensorType: [8, 'TypeProto.SparseTensor', 'one of value'],
    optionalType: [9, 'TypeProto.Optional', 'one of value'],
  },
  'TypeProto.Tensor': {
    elemType: [1, 'int32'],
    shape: [2, 'TensorShapeProto'],
  },
  'TypeProto.Sequence': {
    elemType: [1, 'TypeProto'],
  },
  'TypeProto.Map': {
    keyType: [1, 'int32'],
    valueType: [2, 'TypeProto'],
  },
  'TypeProto.Opaque': {
    domain: [1, 'string'],
    name: [2, 'string'],
  },
  'TypeProto.SparseTensor': {
    elemType: [1, 'int32'],
    shape: [2, 'TensorShapeProto'],
  },
  'TypeProto.Optional': {
    elemType: [1, 'TypeProto'],
  },
  TensorShapeProto: {
    dim: [1, 'TensorShapeProto.Dimension', 'dims'],
  },
  'TensorShapeProto.Dimension': {
    dimValue: [1, 'int64', 'one of value'],
    dimParam: [2, 'string', 'one of value'],
    denotation: [3, 'string'],
  },
  OperatorSetIdProto: {
    domain: [1, 'string'],
    version: [2, 'int64'],
  },
  StringStringEntryProto: {
    key: [1, 'string'],
    value: [2, 'string'],
  },
  TensorAnnotation: {
    tensorName: [1, 'string'],
    quantParameterTensorNames: [2, 'StringStringEntryProto', 'many'],
  },
  FunctionProto: {
    name: [1, 'string'],
    input: [4, 'string', 'many'],
    output: [5, 'string', 'many'],
    attribute: [6, 'string', 'many'],
    node: [7, 'NodeProto', 'many'],
    docString: [8, 'string'],
    opsetImport: [9, 'OperatorSetIdProto', 'many'],
    domain: [10, 'string'],
    attributeProto: [11, 'AttributeProto', 'many'],
    valueInfo: [12, 'ValueInfoProto', 'many'],
    overload: [13, 'string'],
    metadataProps: [14, 'StringStringEntryProto', 'many'],
  },
  TrainingInfoProto: {
    initialization: [1, 'GraphProto'],
    algorithm: [2, 'GraphProto'],
    initializationBinding: [3, 'StringStringEntryProto', 'many'],
    updateBinding: [4, 'StringStringEntryProto', 'many'],
  },
  DeviceConfigurationProto: {
    name: [1, 'string'],
    numDevices: [2, 'int32'],
    device: [3, 'string', 'many'],
  },
  NodeDeviceConfigurationProto: {
    configurationId: [1, 'string'],
    shardingSpec: [2, 'ShardingSpecProto', 'many'],
    pipelineStage: [3, 'int32'],
  },
  ShardingSpecProto: {
    tensorName: [1, 'string'],
    device: [2, 'int64', 'many'],
    indexToDeviceGroupMap: [3, 'IntIntListEntryProto', 'many'],
    shardedDim: [4, 'ShardedDimProto', 'many'],
  },
  IntIntListEntryProto: {
    key: [1, 'int64'],
    value: [2, 'int64', 'many'],
  },
  ShardedDimProto: {
    axis: [1, 'int64'],
    simpleSharding: [2, 'SimpleShardedDimProto', 'many'],
  },
  SimpleShardedDimProto: {
    dimValue: [1, 'int64', 'one of dim'],
    dimParam: [2, 'string', 'one of dim'],
    numShards: [3, 'int64'],
  },
  SequenceProto: {
    name: [1, 'string'],
    elemType: [2, 'int32'],
    tensorValues: [3, 'TensorProto', 'many'],
    sparseTensorValues: [4, 'SparseTensorProto', 'many'],
    sequenceValues: [5, 'SequenceProto', 'many'],
    mapValues: [6, 'MapProto', 'many'],
    optionalValues: [7, 'OptionalProto', 'many'],
  },
  MapProto: {
    name: [1, 'string'],
    keyType: [2, 'int32'],
    keys: [3, 'int64', 'many'],
    stringKeys: [4, 'bytes', 'many'],
    values: [5, 'SequenceProto'],
  },
  OptionalProto: {
    name: [1, 'string'],
    elemType: [2, 'int32'],
    tensorValue: [3, 'TensorProto'],
    sparseTensorValue: [4, 'SparseTensorProto'],
    sequenceValue: [5, 'SequenceProto'],
    mapValue: [6, 'MapProto'],
    optionalValue: [7, 'OptionalProto'],
  },
};

/** Types of the codec, by message name. */
export const schema: Readonly<Record<MessageName, MessageType>> = messageTypes<MessageName>(table, {
  NodeProto: 'nodes',
  TensorProto: 'tensors',
});
