import type { ModelProto, TensorProto, TypeProto } from '../../src/formats/onnx/proto.ts';

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);
const kv = (key: string, value: string): { key: string; value: string }[] => [{ key, value }];

/** The file that seeds with external data name, and its size. */
export const externalFile = { name: 'w.bin', size: 256 };

const tensors: TensorProto[] = [
  { name: 'raw', dataType: 1, dims: [2], rawData: bytes(0, 0, 128, 63, 0, 0, 0, 64) },
  { name: 'float', dataType: 1, dims: [1, 2], floatData: bytes(0, 0, 128, 63, 0, 0, 0, 64) },
  { name: 'double', dataType: 11, dims: [1], doubleData: bytes(0, 0, 0, 0, 0, 0, 240, 63) },
  { name: 'int', dataType: 6, dims: [3], int32Data: bytes(1, 0x96, 1, 3) },
  { name: 'half', dataType: 10, dims: [2], int32Data: bytes(0x80, 0x78, 0) },
  { name: 'nibble', dataType: 22, dims: [3], int32Data: bytes(33, 15) },
  {
    name: 'long',
    dataType: 7,
    dims: [2],
    int64Data: bytes(5, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1),
  },
  { name: 'ulong', dataType: 13, dims: [1], uint64Data: bytes(7) },
  { name: 'text', dataType: 8, dims: [2], stringData: [bytes(97), bytes(255, 0)] },
  {
    name: 'outside',
    dataType: 2,
    dims: [4, 4],
    dataLocation: 1,
    externalData: [
      { key: 'location', value: externalFile.name },
      { key: 'offset', value: '16' },
      { key: 'length', value: '16' },
    ],
  },
];

const sparse = {
  values: { name: 's', dataType: 2, dims: [2], rawData: bytes(7, 8) },
  indices: { name: 'i', dataType: 7, dims: [2], int64Data: bytes(1, 3) },
  dims: [2, 3],
};

const tensorType: TypeProto = {
  tensorType: {
    elemType: 1,
    shape: { dim: [{ dimValue: 1 }, { dimParam: 'n' }, { denotation: 'CHANNEL' }] },
  },
};

const graph = {
  name: 'g',
  node: [
    {
      input: ['x', 'raw'],
      output: ['y'],
      name: 'n0',
      opType: 'Conv',
      domain: '',
      attribute: [
        { name: 'pads', type: 7, ints: [0, 1, -1, 2 ** 40] },
        { name: 'alpha', type: 1, f: 0.5 },
        { name: 'axis', type: 2, i: -1 },
        { name: 'mode', type: 3, s: bytes(97, 98) },
        { name: 'scales', type: 6, floats: [1, 2.5] },
        { name: 'keys', type: 8, strings: [bytes(97), bytes()] },
        { name: 'value', type: 4, t: tensors[1] },
        { name: 'values', type: 9, tensors: [tensors[3]!, tensors[6]!] },
        { name: 'sparse', type: 11, sparseTensor: sparse },
        { name: 'type', type: 13, tp: tensorType },
        { name: 'ref', type: 2, refAttrName: 'outer' },
      ],
      metadataProps: kv('a', 'b'),
      deviceConfigurations: [
        {
          configurationId: 'c',
          shardingSpec: [
            {
              tensorName: 'x',
              device: [0, 1],
              indexToDeviceGroupMap: [{ key: 1, value: [1, 2] }],
              shardedDim: [{ axis: 0, simpleSharding: [{ dimValue: 2, numShards: 2 }] }],
            },
          ],
          pipelineStage: 1,
        },
      ],
    },
  ],
  initializer: tensors,
  sparseInitializer: [sparse],
  input: [
    { name: 'x', type: tensorType },
    { name: 'q', type: { sequenceType: { elemType: tensorType } } },
    { name: 'o', type: { optionalType: { elemType: tensorType } } },
    { name: 'm', type: { mapType: { keyType: 7, valueType: tensorType } } },
  ],
  output: [{ name: 'y', type: { sparseTensorType: { elemType: 1 } } }],
  valueInfo: [{ name: 'v', type: { opaqueType: { domain: 'd', name: 'e' } }, docString: 'é' }],
  quantizationAnnotation: [{ tensorName: 'x', quantParameterTensorNames: kv('SCALE_TENSOR', 's') }],
  metadataProps: kv('k', 'v'),
};

const body = {
  name: 'b',
  node: [{ input: ['c'], output: ['d'], opType: 'Not' }],
  output: [{ name: 'd' }],
};

/** Small models in which every message and field of the schema occurs. */
export const seedModels: ModelProto[] = [
  {
    irVersion: 10,
    producerName: 'seed',
    producerVersion: '1',
    domain: 'd',
    modelVersion: 3,
    docString: 'doc',
    opsetImport: [{ domain: '', version: 21 }],
    graph,
    metadataProps: kv('x', 'y'),
    functions: [
      {
        name: 'f',
        domain: 'local',
        overload: 'o',
        input: ['a'],
        output: ['b'],
        attribute: ['outer'],
        attributeProto: [{ name: 'beta', type: 1, f: 1 }],
        node: [{ input: ['a'], output: ['b'], opType: 'Relu' }],
        opsetImport: [{ version: 21 }],
        valueInfo: [{ name: 'a' }],
      },
    ],
    trainingInfo: [
      {
        initialization: body,
        algorithm: body,
        initializationBinding: kv('w', 'w0'),
        updateBinding: kv('w', 'w1'),
      },
    ],
    configuration: [{ name: 'c', numDevices: 2, device: ['cpu', 'gpu'] }],
  },
  {
    irVersion: 8,
    opsetImport: [{ version: 17 }],
    graph: {
      name: 'branches',
      node: [
        {
          input: ['c'],
          output: ['y'],
          opType: 'If',
          attribute: [
            { name: 'then_branch', type: 5, g: body },
            { name: 'else_branch', type: 5, g: body },
            { name: 'more', type: 10, graphs: [body] },
          ],
        },
      ],
      input: [{ name: 'c', type: { tensorType: { elemType: 9, shape: {} } } }],
      output: [{ name: 'y', type: tensorType }],
    },
  },
];
