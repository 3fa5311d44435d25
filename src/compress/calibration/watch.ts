import { checkAborted, NumericError, rangeError } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import { clone } from '../../ir/clone.ts';
import { Edit } from '../../ir/edit.ts';
import type { Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { float16ToFloat32 } from '../../kernels/float16.ts';
import { ops } from '../../ops/index.ts';
import { inferShapes } from '../../passes/shapes.ts';
import { loadWeights } from '../../runtime/prepare.ts';
import type { Feeds } from '../../runtime/runner.ts';
import { createSession, type Session } from '../../runtime/session.ts';

// Values of a model while it runs: what calibration and statistics look at.

/** Bytes of watched values that a session may hold at once. */
const heldBytes = 2 ** 28;

export interface WatchOptions {
  signal?: AbortSignal | undefined;
  /** What a value was for one element of `samples`: a tensor of `batch` samples, the first of which has the index
   *  `first` among all. */
  see(name: string, value: unknown, at: { batch: number; first: number }): void;
  /** Called when all values of an element of `samples` were seen. */
  after?(done: number): void;
}

/** Runs samples through a model and shows values of its main graph. The model is not changed; states are as at the first
 *  run for every sample. Values that can't be floating-point numbers are left out.
 *  @param names  of values, inputs included, each once
 *  @throws {RangeError} no sample, no such value
 *  @throws {AbortError} the signal was aborted
 *  Errors of the session are passed on, too. Memory: the model and one sample's values. */
export async function watch(
  model: Model,
  samples: AsyncIterable<Feeds> | Iterable<Feeds>,
  names: readonly string[],
  { signal, see, after }: WatchOptions,
): Promise<void> {
  const known = valuesOf(model);
  for (const name of names)
    if (!known.has(name)) throw rangeError('values', 'values of the main graph', name);
  const isWatched = new Set(names);
  let sessions: Part[] | null = null;
  let done = 0;
  let first = 0;
  try {
    for await (const feeds of samples) {
      checkAborted(signal);
      sessions ??= await makeSessions(model, feeds, names);
      const batch = batchOf(feeds);
      const at = { batch, first };
      for (const [given, tensor] of Object.entries(feeds)) {
        const name = model.aliases.inputs.get(given) ?? given;
        if (isWatched.has(name)) see(name, tensor, at);
      }
      for (const { session, outputs } of sessions) {
        session.reset();
        const results = await session.runAsync(feeds, {
          outputs,
          ...(signal === undefined ? {} : { signal }),
        });
        for (const name of outputs) see(name, results[name], at);
      }
      first += batch;
      done++;
      after?.(done);
    }
  } finally {
    for (const { session } of sessions ?? []) session.dispose();
  }
  if (done === 0) throw rangeError('calibration', 'at least one sample', 0);
}

/** A session that gives some of the values. */
interface Part {
  session: Session;
  outputs: string[];
}

/** What nodes of the main graph make, and what it is given. */
function valuesOf({ graph }: Model): Map<string, Value> {
  const values = graph.nodes.flatMap(({ outputs }) => outputs);
  return new Map([...graph.inputs, ...values].map((value) => [value.name, value]));
}

/** As many sessions as it takes for none to hold too much; most often one. */
async function makeSessions(model: Model, feeds: Feeds, names: readonly string[]): Promise<Part[]> {
  const held = clone(model);
  await loadWeights(held);
  const shaped = clone(held);
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, { dims }]) => [model.aliases.inputs.get(name) ?? name, dims]),
  );
  inferShapes(shaped, ops, { inputs });
  const known = valuesOf(shaped);
  const parts: string[][] = [];
  let bytes = Infinity;
  for (const name of names) {
    const value = known.get(name)!;
    if (value.producer === null || !mayBeReal(value)) continue;
    const size = bytesOf(value);
    if (bytes + size > heldBytes) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)!.push(name);
    bytes += size;
  }
  return parts.map((outputs) => ({ session: sessionFor(held, outputs), outputs }));
}

/** A session of a copy that has values as outputs, too. */
function sessionFor(model: Model, names: readonly string[]): Session {
  const copy = clone(model);
  const edit = new Edit(copy, { pass: 'calibrate', rule: 'observe', reason: 'values to observe' });
  const values = valuesOf(copy);
  const present = new Set(copy.graph.outputs);
  for (const name of names) {
    const value = values.get(name)!;
    if (!present.has(value)) edit.addOutput(value);
  }
  edit.commit();
  return createSession(copy);
}

function mayBeReal({ type }: Value): boolean {
  if (type === null) return true;
  return type.kind === 'tensor' && (type.dtype === null || isReal(type.dtype));
}

function isReal(dtype: string): boolean {
  return dtype === 'float32' || dtype === 'float16' || dtype === 'float64';
}

/** Of float32 elements; 0 where a size is not known. */
function bytesOf({ type }: Value): number {
  if (type?.kind !== 'tensor' || type.shape === null) return 0;
  let bytes = 4;
  for (const dim of type.shape) bytes *= typeof dim === 'number' ? dim : 0;
  return bytes;
}

/** Samples in a run: the first size of all inputs, where they agree. */
export function batchOf(feeds: Feeds): number {
  const sizes = new Set(
    Object.values(feeds)
      .filter(({ dims }) => dims.length > 0)
      .map(({ dims }) => dims[0]!),
  );
  const [size = 1] = sizes;
  return sizes.size === 1 ? Math.max(size, 1) : 1;
}

/** What stops calibration: a value that is no number. */
export function nanError(name: string): NumericError {
  return new NumericError('a value of the model is NaN on a calibration sample', {
    code: 'E_CALIBRATION_NAN',
    where: `"${name}"`,
    hint: 'check that the samples are what the model takes',
  });
}

/** Elements of a tensor of floating-point numbers; null for others. */
export function floatsOf({ type, data }: Tensor): Float32Array | null {
  if (data instanceof Float32Array) return data;
  if (data instanceof Float64Array) return Float32Array.from(data);
  if (type === 'float16' && data instanceof Uint16Array) return float16ToFloat32(data);
  return null;
}
