import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ModelpressError } from '../../../src/core/errors.ts';
import { type Random, random } from '../../../src/core/random.ts';
import { readModel } from '../../../src/formats/index.ts';
import { decodeTflite, encodeTflite } from '../../../src/formats/tflite/codec.ts';
import type { ModelRecord } from '../../../src/formats/tflite/records.ts';
import { verify } from '../../../src/ir/index.ts';
import { elementwiseCases } from './cases/elementwise.ts';
import { movingCases } from './cases/moving.ts';
import { quantizedCases } from './cases/quantized.ts';
import { windowCases } from './cases/window.ts';
import { fileOf } from './one-operator.ts';

/** Rows get whatever the tables allow: options, sizes, types and operands that no converter writes. */

const mutated = suite('tflite mutated operators');

const numbers = [0, 1, 2, -1, 3, 5, -2, 127, -128, 1000, 2 ** 31 - 1, -(2 ** 31)];

function mutate(record: ModelRecord, r: Random): void {
  const pick = <T>(list: readonly T[]): T => list[r.below(list.length)]!;
  const graph = record.subgraphs![0]!;
  const [operator] = graph.operators!;
  const tensor = pick(graph.tensors!);
  const inputs = operator!.inputs!.slice();
  switch (r.below(8)) {
    case 0: {
      const options = (operator!.builtinOptions?.value ?? {}) as Record<string, unknown>;
      const name = pick(Object.keys(options));
      if (typeof options[name] === 'number') options[name] = pick(numbers);
      else if (typeof options[name] === 'boolean') options[name] = !options[name];
      break;
    }
    case 1:
      tensor.shape =
        tensor.shape?.map((size) => (r.below(2) === 0 ? size : pick([0, 1, 2, 7]))) ??
        new Int32Array(0);
      break;
    case 2:
      tensor.shape = Int32Array.from({ length: r.below(6) }, () => pick([1, 2, 3, 0]));
      break;
    case 3:
      tensor.type = r.below(23);
      break;
    case 4:
      if (inputs.length > 0) inputs[r.below(inputs.length)] = pick([-1, ...graph.tensors!.keys()]);
      operator!.inputs = inputs;
      break;
    case 5:
      operator!.inputs = inputs.slice(0, r.below(inputs.length + 1));
      break;
    case 6: {
      const buffer = record.buffers![tensor.buffer ?? 0];
      if (buffer?.data === undefined || buffer.data.length === 0) break;
      buffer.data = buffer.data.slice();
      buffer.data[r.below(buffer.data.length)] = r.below(256);
      break;
    }
    default:
      tensor.quantization = {
        scale: Float32Array.of(pick([0, 0.1, -1, NaN])),
        zeroPoint: BigInt64Array.of(BigInt(pick(numbers))),
      };
  }
}

/** Null where the field of an option has no room for the number. */
function encoded(record: ModelRecord): Uint8Array | null {
  try {
    return encodeTflite(record);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

mutated('end in a model or in our error, soon', async () => {
  const files = [...elementwiseCases, ...movingCases, ...quantizedCases, ...windowCases].map(
    fileOf,
  );
  const r = random(11);
  let read = 0;
  for (let run = 0; run < 1200; run++) {
    const record = decodeTflite(files[r.below(files.length)]!);
    for (let times = r.below(3); times >= 0; times--) mutate(record, r);
    const bytes = encoded(record);
    if (bytes === null) continue;
    try {
      verify(await readModel(bytes));
      read++;
    } catch (error) {
      if (!(error instanceof ModelpressError) || error.code === 'E_VERIFY') throw error;
    }
  }
  assert.ok(read > 400, `${read} were read`);
});

mutated.run();
