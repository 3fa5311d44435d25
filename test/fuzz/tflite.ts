import { pathToFileURL } from 'node:url';
import { ModelpressError } from '../../src/core/errors.ts';
import { resolveLimits } from '../../src/core/limits.ts';
import type { Random } from '../../src/core/random.ts';
import { bufferSource, readSync } from '../../src/core/source.ts';
import { decodeFlex } from '../../src/formats/flatbuffer/flex-read.ts';
import { encodeFlex } from '../../src/formats/flatbuffer/flex-write.ts';
import { readModel } from '../../src/formats/index.ts';
import { encodeTflite, openTflite, tfliteSchema } from '../../src/formats/tflite/codec.ts';
import type { ModelRecord } from '../../src/formats/tflite/records.ts';
import { usedOperators } from '../../src/formats/tflite/releases.ts';
import { denseSource } from '../../src/formats/tflite/sparsity.ts';
import { verifyTflite } from '../../src/formats/tflite/verify.ts';
import { withVersions } from '../../src/formats/tflite/versions.ts';
import { verify } from '../../src/ir/verify.ts';
import { malformedTflite, tfliteFiles } from '../formats/tflite/corpus.ts';
import { differences } from '../formats/tflite/same-tables.ts';
import { type FuzzTarget, fuzz, fuzzOptions, report } from './fuzz.ts';
import { seedFiles } from './tflite-seeds.ts';

const refused = (error: unknown): void => {
  if (!(error instanceof ModelpressError)) throw error;
};

const external = (): Uint8Array => new Uint8Array(64);

/** Reads all that a file has. What the verifier accepts, the published runtime walks to the end, both here and as we
 *  write it again, and finds the same. */
async function readAllTables(bytes: Uint8Array): Promise<void> {
  const file = await openTflite(bufferSource(bytes), { external });
  const { record, buffers, unknown } = file;
  const again = encodeTflite(record, { buffers });
  // Content that lies behind the tables has no place to be compared; newer fields are not written.
  const outside = record.buffers?.some(({ offset, size }) => offset !== undefined || size);
  const found = differences(bytes, again, outside !== true && !hasLargeOptions(record));
  const expected = / no value$|beyond the schema$/;
  const wrong = found.filter((path) => !expected.test(path));
  if (wrong.length > 0) throw new Error(`written again, it differs at ${wrong.slice(0, 3)}`);
  if (unknown.length === 0 && found.some((path) => path.endsWith('beyond the schema')))
    throw new Error('fields of a newer schema are not reported');
  for (const { operators = [], tensors = [] } of record.subgraphs ?? []) {
    for (const { customOptions } of operators) {
      if (customOptions === undefined) continue;
      try {
        decodeFlex(encodeFlex(decodeFlex(customOptions)));
      } catch (error) {
        refused(error);
      }
    }
    for (const { sparsity, shape = [], buffer = 0 } of tensors) {
      if (sparsity === undefined) continue;
      const form = { shape: [...shape], itemBytes: 1 };
      try {
        const limits = resolveLimits({ decodedBytes: 2 ** 20 }, 0);
        const source = buffers[buffer] ?? bufferSource(new Uint8Array(0));
        const dense = denseSource(sparsity, form, source, limits, 'tensor');
        readSync(dense, 0, dense.size);
      } catch (error) {
        refused(error);
      }
    }
  }
  await verifyTflite(file);
  usedOperators(withVersions(record));
}

function hasLargeOptions({ subgraphs = [] }: ModelRecord): boolean {
  return subgraphs.some(({ operators = [] }) =>
    operators.some(
      ({ largeCustomOptionsOffset, largeCustomOptionsSize }) =>
        largeCustomOptionsOffset !== undefined || largeCustomOptionsSize !== undefined,
    ),
  );
}

/** Also makes a graph of it. */
async function readGraph(bytes: Uint8Array): Promise<void> {
  await readAllTables(bytes);
  verify(await readModel(bytes, { format: 'tflite', external }));
}

function seeds(): Uint8Array[] {
  const real = [...tfliteFiles(), ...malformedTflite()].map(({ bytes }) => bytes);
  return [...seedFiles(), ...real.filter((bytes) => bytes.length < 3000)];
}

const edges = [
  0,
  1,
  2,
  3,
  4,
  5,
  7,
  8,
  16,
  32,
  127,
  128,
  255,
  256,
  2 ** 16,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];

/** A copy of a seed with words changed where offsets, lengths and vtables are. */
function mutate(files: readonly Uint8Array[], { below }: Random): Uint8Array {
  let bytes = files[below(files.length)]!.slice();
  for (let count = 1 + below(1 + below(4)); count > 0; count--) {
    const view = new DataView(bytes.buffer);
    const word = 4 * below(Math.max(1, bytes.length >> 2));
    const half = 2 * below(Math.max(1, bytes.length >> 1));
    if (bytes.length < 16) break;
    const last = bytes.length - 4;
    switch (below(12)) {
      case 0:
        bytes = bytes.slice(0, below(bytes.length + 1));
        break;
      case 1:
        bytes[below(bytes.length)] = below(256);
        break;
      case 2:
        bytes[below(bytes.length)]! ^= 1 << below(8);
        break;
      case 3:
        view.setUint32(Math.min(word, last), edges[below(edges.length)]!, true);
        break;
      case 4:
        // Another word of the file: an offset that is right elsewhere.
        view.setUint32(
          Math.min(word, last),
          view.getUint32(4 * below(bytes.length >> 2), true),
          true,
        );
        break;
      case 5:
        view.setUint16(Math.min(half, last), below(80), true);
        break;
      case 6:
        view.setUint16(
          Math.min(half, last),
          view.getUint16(2 * below(bytes.length >> 1), true),
          true,
        );
        break;
      case 7: {
        // An offset a little further or nearer.
        const at = Math.min(word, last);
        view.setUint32(at, (view.getUint32(at, true) + 4 * (below(17) - 8)) >>> 0, true);
        break;
      }
      case 8: {
        // An offset to anywhere behind it.
        const at = Math.min(word, last);
        view.setUint32(at, 4 * below(Math.max(1, (bytes.length - at) >> 2)), true);
        break;
      }
      case 9: {
        const [from, to] = [below(bytes.length), below(bytes.length)];
        bytes.copyWithin(to, from, from + 4 * below(16));
        break;
      }
      case 10: {
        const longer = new Uint8Array(bytes.length + below(64));
        longer.set(bytes);
        bytes = longer;
        break;
      }
      default: {
        const at = Math.min(word, last);
        view.setInt32(at, view.getInt32(at, true) + below(5) - 2, true);
      }
    }
  }
  return bytes;
}

/** Mutated TFLite files into `read`. */
export function tfliteTarget(
  read: (bytes: Uint8Array) => Promise<void> = readAllTables,
): FuzzTarget {
  const files = seeds();
  const own = files.slice(0, seedFiles().length);
  return {
    name: read === readGraph ? 'tflite graphs' : 'tflite',
    make: (random) => mutate(random.below(3) === 0 ? own : files, random),
    run: read,
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  tfliteSchema();
  const target = tfliteTarget(process.argv.includes('--graphs') ? readGraph : readAllTables);
  console.log(report(target, await fuzz(target, fuzzOptions(process.argv.slice(2)))));
}
