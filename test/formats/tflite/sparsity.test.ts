import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError, LimitError } from '../../../src/core/errors.ts';
import { resolveLimits } from '../../../src/core/limits.ts';
import { random } from '../../../src/core/random.ts';
import { bufferSource, readSync } from '../../../src/core/source.ts';
import { decodeTflite, encodeTflite } from '../../../src/formats/tflite/codec.ts';
import type { SparsityParametersRecord } from '../../../src/formats/tflite/records.ts';
import {
  countSparse,
  denseSource,
  densify,
  sparsify,
} from '../../../src/formats/tflite/sparsity.ts';

const x = suite('tflite sparsity');

const u8 = (...values: number[]) =>
  ({ type: 'Uint8Vector', value: { values: Uint8Array.from(values) } }) as const;
const dense = (denseSize: number) => ({ denseSize });
const csr = (segments: number[], indices: number[]) => ({
  format: 1,
  arraySegments: u8(...segments),
  arrayIndices: u8(...indices),
});

// Known answers: the examples of the reference's sparsity/format_converter_test.cc, matrices of 3 × 4.
const matrix = Uint8Array.of(6, 0, 9, 8, 0, 0, 0, 0, 5, 0, 0, 7);
const known: [string, SparsityParametersRecord, number[]][] = [
  [
    'all dense',
    { traversalOrder: Int32Array.of(0, 1), dimMetadata: [dense(3), dense(4)] },
    [...matrix],
  ],
  [
    'rows, CSR',
    {
      traversalOrder: Int32Array.of(0, 1),
      dimMetadata: [dense(3), csr([0, 3, 3, 5], [0, 2, 3, 0, 3])],
    },
    [6, 9, 8, 5, 7],
  ],
  [
    'columns first',
    {
      traversalOrder: Int32Array.of(1, 0),
      dimMetadata: [dense(4), csr([0, 2, 2, 3, 5], [0, 2, 0, 0, 2])],
    },
    [6, 5, 9, 8, 7],
  ],
  [
    'both sparse',
    {
      traversalOrder: Int32Array.of(0, 1),
      dimMetadata: [csr([0, 2], [0, 2]), csr([0, 3, 5], [0, 2, 3, 0, 3])],
    },
    [6, 9, 8, 5, 7],
  ],
];

x('known answers in order, by columns and with sparse rows', () => {
  for (const [name, sparsity, values] of known) {
    assert.equal(
      densify(sparsity, { shape: [3, 4], itemBytes: 1 }, Uint8Array.from(values)),
      matrix,
      name,
    );
    const again = sparsify(matrix, { shape: [3, 4], itemBytes: 1 }, sparsity);
    assert.equal([again.sparsity, [...again.values]], [sparsity, values], name);
  }
});

x('blocks of 2 × 2', () => {
  // 4 × 4: rows of blocks dense, columns sparse, in blocks dense (format_converter_test.cc, BlockTestD0S1).
  const sparsity = {
    traversalOrder: Int32Array.of(0, 1, 2, 3),
    blockMap: Int32Array.of(0, 1),
    dimMetadata: [dense(2), csr([0, 2, 3], [0, 1, 1]), dense(2), dense(2)],
  };
  const values = [1, 0, 0, 4, 2, 3, 0, 0, 5, 0, 0, 6];
  const full = [1, 0, 2, 3, 0, 4, 0, 0, 0, 0, 5, 0, 0, 0, 0, 6];
  const form = { shape: [4, 4], itemBytes: 4 };
  const bytes = (list: number[]): Uint8Array => new Uint8Array(Float32Array.from(list).buffer);
  assert.is(countSparse(sparsity, [4, 4]), 12);
  assert.equal(densify(sparsity, form, bytes(values)), bytes(full));
  const again = sparsify(bytes(full), form, sparsity);
  assert.equal(again, { sparsity, values: bytes(values) });
});

x('random tensors come back', () => {
  const { below } = random(3);
  for (let run = 0; run < 200; run++) {
    const shape = Array.from({ length: 1 + below(4) }, () => 1 + below(6));
    const itemBytes = 1 << below(4);
    const full = new Uint8Array(shape.reduce((a, b) => a * b, itemBytes));
    for (let i = 0; i < full.length; i++) if (below(3) === 0) full[i] = below(256);
    const order = shape.map((_, i) => i).sort(() => below(3) - 1);
    const like = {
      traversalOrder: Int32Array.from(order),
      dimMetadata: order.map((axis) => (below(2) === 0 ? dense(shape[axis]!) : csr([], []))),
    };
    const { sparsity, values } = sparsify(full, { shape, itemBytes }, like);
    assert.equal(densify(sparsity, { shape, itemBytes }, values), full);
    // And through a file.
    const tensor = { shape: Int32Array.from(shape), sparsity };
    const file = { version: 3, subgraphs: [{ tensors: [tensor] }] };
    assert.equal(decodeTflite(encodeTflite(file)), file);
  }
});

x('a dense form is made when it is read, within limits', () => {
  const [, sparsity, values] = known[1]!;
  const form = { shape: [3, 4], itemBytes: 1 };
  const source = bufferSource(Uint8Array.from(values));
  const limits = resolveLimits(undefined, 100);
  const made = denseSource(sparsity, form, source, limits, 'tensor');
  assert.equal(readSync(made, 2, 3), Uint8Array.of(9, 8, 0));
  const huge = {
    traversalOrder: Int32Array.of(0, 1),
    dimMetadata: [csr([0, 1], [5]), csr([0, 1], [7])],
  };
  const wide = { shape: [2 ** 20, 2 ** 20], itemBytes: 1 };
  assert.throws(
    () => denseSource(huge, wide, bufferSource(Uint8Array.of(1)), limits, 'tensor'),
    (error: unknown) => error instanceof LimitError && error.limit === 'decodedBytes',
  );
});

x('broken ones are refused', () => {
  const base = known[1]![1];
  const [rows, columns] = base.dimMetadata!;
  const wrong: SparsityParametersRecord[] = [
    {},
    { ...base, traversalOrder: Int32Array.of(0, 0) },
    { ...base, traversalOrder: Int32Array.of(0, 2) },
    { ...base, blockMap: Int32Array.of(0) },
    { ...base, dimMetadata: [rows!] },
    { ...base, dimMetadata: [dense(2), columns!] },
    { ...base, dimMetadata: [rows!, csr([0, 3, 2, 5], [0, 2, 3, 0, 3])] },
    { ...base, dimMetadata: [rows!, csr([0, 3, 3, 4], [0, 2, 3, 0, 3])] },
    { ...base, dimMetadata: [rows!, csr([0, 3, 3, 5], [0, 2, 4, 0, 3])] },
    { ...base, dimMetadata: [rows!, csr([0, 3, 3, 5], [0, 2, 2, 0, 3])] },
    { ...base, dimMetadata: [rows!, csr([0, 3, 5], [0, 2, 3, 0, 3])] },
    { ...base, dimMetadata: [rows!, { format: 1 }] },
    { ...base, dimMetadata: [rows!, { format: 2 }] },
  ];
  for (const sparsity of wrong)
    assert.throws(
      () => countSparse(sparsity, [3, 4]),
      (error: unknown) => error instanceof FormatError && error.code === 'E_TFLITE_SPARSE',
      JSON.stringify(sparsity),
    );
  assert.throws(
    () => densify(base, { shape: [3, 4], itemBytes: 1 }, new Uint8Array(4)),
    (error: unknown) => error instanceof FormatError,
  );
});

x.run();
