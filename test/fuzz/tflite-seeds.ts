import { encodeFlex } from '../../src/formats/flatbuffer/flex-write.ts';
import {
  defaultOf,
  type FieldSchema,
  type TableSchema,
} from '../../src/formats/flatbuffer/schema.ts';
import { encodeTflite, tfliteSchema } from '../../src/formats/tflite/codec.ts';
import type { ModelRecord, SparsityParametersRecord } from '../../src/formats/tflite/records.ts';

/** Files in which every table and field of the schema is there, and a small model of every kind of content. */
export function seedFiles(): Uint8Array[] {
  const { unions } = tfliteSchema();
  const members = [...unions.values()].map(({ length }) => length);
  // Each file takes the next member of each union.
  const files = Array.from({ length: Math.max(...members) }, (_, i) =>
    encodeTflite(everything('Model', i, 0) as ModelRecord),
  );
  const small = smallModel();
  return [encodeTflite(small), encodeTflite(small, { limit: 64 }), ...files];
}

function everything(name: string, turn: number, depth: number): Record<string, unknown> {
  const table = tfliteSchema().tables.get(name)!;
  return Object.fromEntries(
    table.fields.map((field) => [field.name, sample(table, field, turn, depth)]),
  );
}

function sample(table: TableSchema, field: FieldSchema, turn: number, depth: number): unknown {
  const { kind, isVector } = field;
  if (kind === '@') {
    const inner = everything(field.table!.name, turn, depth + 1);
    return isVector ? [inner] : inner;
  }
  if (kind === '|') {
    const member = field.members[turn % field.members.length]!;
    return { type: member.name, value: everything(member.name, turn, depth + 1) };
  }
  // An external buffer that can be opened.
  if (field.path === 'ExternalBuffer.packing') return '';
  if (field.path === 'ExternalBuffer.id') return 1;
  if (kind === 's') return isVector ? ['a', ''] : field.name;
  if (isVector && kind === 'B') return Uint8Array.of(1, 0);
  if (isVector) return kind === 'q' || kind === 'Q' ? [1n, 2n] : [1, 0];
  // Offsets of content outside would be out of the file.
  if (/offset$/i.test(field.name) && /Buffer|Operator/.test(table.name)) return 0n;
  return table.name === 'Model' ? 3 : defaultOf(field);
}

function smallModel(): ModelRecord {
  const one = (...values: number[]): Int32Array => Int32Array.from(values);
  const sparsity: SparsityParametersRecord = {
    traversalOrder: one(0, 1),
    dimMetadata: [
      { denseSize: 2 },
      {
        format: 1,
        arraySegments: { type: 'Uint8Vector', value: { values: Uint8Array.of(0, 1, 2) } },
        arrayIndices: { type: 'Uint16Vector', value: { values: Uint16Array.of(2, 0) } },
      },
    ],
  };
  return {
    version: 3,
    operatorCodes: [
      { builtinCode: 9, deprecatedBuiltinCode: 9 },
      { deprecatedBuiltinCode: 32, customCode: 'Mine' },
    ],
    subgraphs: [
      {
        tensors: [
          { name: 'x', shape: one(1, 3), buffer: 0 },
          {
            name: 'w',
            shape: one(2, 3),
            type: 9,
            buffer: 1,
            sparsity,
            quantization: {
              scale: Float32Array.of(0.5, 0.25),
              zeroPoint: BigInt64Array.of(0n, 0n),
            },
          },
          { name: 'b', shape: one(2), buffer: 2 },
          { name: 'y', shape: one(1, 2) },
          { name: 's', shape: one(2), type: 5, buffer: 3 },
          { name: 'z', shape: one(1, 2) },
        ],
        inputs: one(0),
        outputs: one(5),
        operators: [
          {
            inputs: one(0, 1, 2),
            outputs: one(3),
            builtinOptions: { type: 'FullyConnectedOptions', value: { keepNumDims: true } },
          },
          {
            opcodeIndex: 1,
            inputs: one(3, -1, 4),
            outputs: one(5),
            customOptions: encodeFlex({
              scale: 0.5,
              names: ['a', 'b'],
              sizes: Int32Array.of(1, 2),
            }),
          },
        ],
      },
    ],
    buffers: [
      {},
      { data: Uint8Array.of(5, 251) },
      { data: new Uint8Array(Float32Array.of(1, -1).buffer) },
      { data: new Uint8Array(Int32Array.of(2, 16, 18, 20, 0x64636261).buffer) },
    ],
    signatureDefs: [
      { signatureKey: 'run', inputs: [{ name: 'x' }], outputs: [{ name: 'z', tensorIndex: 5 }] },
    ],
    metadata: [{ name: 'min_runtime_version', buffer: 0 }],
  };
}
