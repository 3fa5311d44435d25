import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ModelpressError } from '../../../src/core/errors.ts';
import { bufferSource } from '../../../src/core/source.ts';
import { readModel } from '../../../src/formats/index.ts';
import { encodeTflite, openTflite } from '../../../src/formats/tflite/codec.ts';
import type {
  ModelRecord,
  SubGraphRecord,
  TensorRecord,
} from '../../../src/formats/tflite/records.ts';
import { verifyTflite } from '../../../src/formats/tflite/verify.ts';
import { verify } from '../../../src/ir/verify.ts';
import { malformedTflite, tfliteFiles } from './corpus.ts';

const x = suite('tflite verify');

const verifyBytes = async (bytes: Uint8Array): Promise<void> =>
  verifyTflite(await openTflite(bufferSource(bytes)));

async function fails(model: ModelRecord, code: string, where?: string): Promise<void> {
  try {
    await verifyBytes(encodeTflite(model));
  } catch (error) {
    assert.instance(error, ModelpressError);
    const { code: got, where: place, message } = error as ModelpressError;
    assert.is(got, code, `${message} at ${place}`);
    if (where !== undefined) assert.is(place, where);
    return;
  }
  assert.unreachable(`accepted, instead of ${code}`);
}

/** input 0 → ADD with constant 1 → output 2. */
function model(change: {
  graph?: Partial<SubGraphRecord>;
  tensor?: Partial<TensorRecord>;
  model?: Partial<ModelRecord>;
  data?: Uint8Array;
}): ModelRecord {
  const shape = Int32Array.of(2, 2);
  return {
    version: 3,
    operatorCodes: [{ builtinCode: 0 }, { builtinCode: 118, deprecatedBuiltinCode: 118 }],
    subgraphs: [
      {
        tensors: [{ shape }, { shape, buffer: 1, ...change.tensor }, { shape }],
        inputs: Int32Array.of(0),
        outputs: Int32Array.of(2),
        operators: [{ inputs: Int32Array.of(0, 1), outputs: Int32Array.of(2) }],
        ...change.graph,
      },
    ],
    buffers: [{}, { data: change.data ?? new Uint8Array(16) }],
    ...change.model,
  };
}

x('real files are fine, the negative one is not', async () => {
  for (const { name, bytes } of tfliteFiles()) {
    if (name.includes('invalid_buffer')) {
      // Its segment ids are a tensor that nothing makes.
      await verifyBytes(bytes).then(
        () => assert.unreachable(name),
        (error: ModelpressError) => assert.is(error.code, 'E_TFLITE_UNDEFINED'),
      );
    } else await verifyBytes(bytes);
  }
});

x('every index is ranged', async () => {
  await verifyBytes(encodeTflite(model({})));
  const graph = 'Model.subgraphs[0]';
  const one = (...values: number[]): Int32Array => Int32Array.from(values);
  const operator = (change: object) => ({
    operators: [{ inputs: one(0, 1), outputs: one(2), ...change }],
  });
  await fails(model({ model: { version: 2 } }), 'E_TFLITE_VERSION');
  await fails(model({ tensor: { buffer: 2 } }), 'E_TFLITE_INDEX', `${graph}.tensors[1].buffer`);
  await fails(model({ graph: { inputs: one(3) } }), 'E_TFLITE_INDEX', `${graph}.inputs`);
  await fails(model({ graph: { inputs: one(-1) } }), 'E_TFLITE_INDEX', `${graph}.inputs`);
  await fails(model({ graph: { outputs: one(-2) } }), 'E_TFLITE_INDEX', `${graph}.outputs`);
  const places: [object, string][] = [
    [{ opcodeIndex: 2 }, 'opcodeIndex'],
    [{ inputs: one(0, 3) }, 'inputs'],
    [{ inputs: one(0, -2) }, 'inputs'],
    [{ outputs: one(7) }, 'outputs'],
    [{ intermediates: one(9) }, 'intermediates'],
  ];
  for (const [change, where] of places)
    await fails(
      model({ graph: operator(change) }),
      'E_TFLITE_INDEX',
      `${graph}.operators[0].${where}`,
    );
  await verifyBytes(encodeTflite(model({ graph: operator({ inputs: one(0, -1) }) })));
  await fails(model({ model: { metadata: [{ buffer: 5 }] } }), 'E_TFLITE_INDEX');
  const signature = (change: object): ModelRecord =>
    model({ model: { signatureDefs: [{ inputs: [{}], ...change }] } });
  await verifyBytes(encodeTflite(signature({})));
  await fails(signature({ subgraphIndex: 1 }), 'E_TFLITE_INDEX');
  await fails(signature({ outputs: [{ tensorIndex: 3 }] }), 'E_TFLITE_INDEX');
  await fails(model({ tensor: { externalBuffer: 4 } }), 'E_TFLITE_INDEX');
  const details = { type: 'BlockwiseQuantization', value: { scales: 8 } } as const;
  await fails(model({ tensor: { quantization: { details } } }), 'E_TFLITE_INDEX');
});

x('sizes fit types, shapes and buffers', async () => {
  const one = (...values: number[]): Int32Array => Int32Array.from(values);
  const sized = (type: number, shape: number[], bytes: number): ModelRecord =>
    model({ tensor: { type, shape: Int32Array.from(shape) }, data: new Uint8Array(bytes) });
  // int4, int2 and uint4 are packed; a last byte may be in part.
  const fits: [number, number[], number][] = [
    [0, [2, 2], 16],
    [17, [5], 3],
    [19, [5], 2],
    [20, [3], 2],
    [18, [3], 6],
    [11, [2], 32],
    [0, [], 4],
  ];
  for (const [type, shape, bytes] of fits) {
    await verifyBytes(encodeTflite(sized(type, shape, bytes)));
    await fails(sized(type, shape, bytes + 1), 'E_TFLITE_TENSOR_SIZE');
  }
  await fails(sized(0, [2 ** 16, 2 ** 16], 16), 'E_TFLITE_SHAPE');
  await fails(sized(0, [0, 2 ** 20, 2 ** 20], 16), 'E_TFLITE_SHAPE');
  await fails(sized(0, [-1, 4], 16), 'E_TFLITE_SHAPE');
  await fails(sized(0, new Array<number>(17).fill(1), 4), 'E_LIMIT');
  await fails(sized(23, [4], 4), 'E_TFLITE_TYPE');
  await fails(sized(13, [4], 4), 'E_TFLITE_TYPE');
  await fails(model({ tensor: { shapeSignature: one(-1) } }), 'E_TFLITE_SHAPE');
});

x('strings lie within their buffer, in order', async () => {
  const strings = (...words: number[]): ModelRecord =>
    model({
      tensor: { type: 5, shape: Int32Array.of(2) },
      data: new Uint8Array(Int32Array.from(words).buffer),
    });
  await verifyBytes(encodeTflite(strings(2, 16, 18, 20, 0x64636261)));
  for (const words of [
    [2, 16, 18, 21, 0],
    [2, 16, 15, 20, 0],
    [2, 12, 18, 20, 0],
    [2 ** 30, 16, 18, 20, 0],
    [-1, 16, 18, 20, 0],
    [4, 24, 24, 24],
  ])
    await fails(strings(...words), 'E_TFLITE_STRINGS');
});

x('producers and calls are consistent', async () => {
  const one = (...values: number[]): Int32Array => Int32Array.from(values);
  const add = { inputs: one(0, 1), outputs: one(2) };
  await fails(model({ graph: { operators: [add, add] } }), 'E_TFLITE_REDEFINED');
  await fails(model({ graph: { operators: [{ ...add, outputs: one(1) }] } }), 'E_TFLITE_REDEFINED');
  await fails(model({ graph: { operators: [{ ...add, outputs: one(0) }] } }), 'E_TFLITE_REDEFINED');
  await fails(model({ graph: { inputs: one() } }), 'E_TFLITE_UNDEFINED');
  const codes = [{ deprecatedBuiltinCode: 32 }];
  await fails(model({ model: { operatorCodes: codes } }), 'E_TFLITE_OPCODE');
  const call = (...called: number[]): SubGraphRecord => ({
    operators: called.map((thenSubgraphIndex) => ({
      opcodeIndex: 1,
      inputs: one(),
      outputs: one(),
      builtinOptions: {
        type: 'IfOptions',
        value: { thenSubgraphIndex, elseSubgraphIndex: thenSubgraphIndex },
      },
    })),
  });
  const graphs = (...subgraphs: SubGraphRecord[]): ModelRecord => model({ model: { subgraphs } });
  await verifyBytes(encodeTflite(graphs(call(1, 2), call(2), call())));
  await fails(graphs(call(1), call(3)), 'E_TFLITE_INDEX');
  await fails(graphs(call(0)), 'E_TFLITE_CYCLE');
  await fails(graphs(call(1), call(2), call(1)), 'E_TFLITE_CYCLE', 'Model.subgraphs[1]');
  const chain = Array.from({ length: 70 }, (_, i) => (i < 69 ? call(i + 1) : call()));
  await fails(graphs(...chain), 'E_LIMIT');
  // Two calls of the next one at each of 40 levels: each graph is visited once.
  const wide = Array.from({ length: 40 }, (_, i) => (i < 39 ? call(i + 1, i + 1) : call()));
  await verifyBytes(encodeTflite(graphs(...wide)));
});

x('broken files end in a typed error or are fine', async () => {
  for (const { name, bytes } of malformedTflite()) {
    try {
      await verifyBytes(bytes);
      verify(await readModel(bytes, { format: 'tflite' }));
    } catch (error) {
      assert.instance(error, ModelpressError, `${name}: ${error}`);
    }
  }
});

x.run();
