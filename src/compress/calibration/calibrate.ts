import { checkAborted, NumericError, rangeError } from '../../core/errors.ts';
import { Tensor } from '../../core/tensor.ts';
import { clone } from '../../ir/clone.ts';
import { Edit } from '../../ir/edit.ts';
import type { Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { float16ToFloat32 } from '../../kernels/float16.ts';
import { hasNaN } from '../../kernels/reduce.ts';
import { ops } from '../../ops/index.ts';
import { inferShapes } from '../../passes/shapes.ts';
import { loadWeights } from '../../runtime/prepare.ts';
import type { Feeds } from '../../runtime/runner.ts';
import { createSession, type Session } from '../../runtime/session.ts';
import type { Progress } from '../options.ts';
import {
  type CalibrationMethod,
  makeObserver,
  type Observer,
  type Range,
  type Target,
} from './observer.ts';

export interface CalibrateOptions {
  /** Default minmax. */
  method?: CalibrationMethod;
  /** What the values are quantized to, all or each by its name; default 256 levels, not symmetric. */
  target?: Target | ((value: string) => Target);
  /** Number of samples, where it is known, for the progress. */
  total?: number;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/** Bytes of observed values that a session may hold at once. */
const heldBytes = 2 ** 28;

/** Runs samples through a model and says between which bounds values lie. The model is not changed; states are as at the
 *  first run for every sample.
 *  @param samples  feeds; a batch of several along their first axis gives what its samples give one by one
 *  @param values   names of values of the main graph, inputs and outputs included
 *  @returns        a range with 0 in it for each value of floating-point numbers that was there, in the order of `values`
 *  @throws {RangeError} no sample, no such value
 *  @throws {NumericError} a value is NaN
 *  @throws {AbortError} the signal was aborted
 *  Errors of the session are passed on, too. Memory: the model, one sample's values, the observers. */
export async function calibrate(
  model: Model,
  samples: AsyncIterable<Feeds> | Iterable<Feeds>,
  values: readonly string[],
  options: CalibrateOptions = {},
): Promise<Map<string, Range>> {
  const { method = 'minmax', target = { levels: 256, symmetric: false }, signal } = options;
  const watched = new Map<string, Watched>();
  for (const name of new Set(values)) {
    const observer = makeObserver(method, typeof target === 'function' ? target(name) : target);
    watched.set(name, { observer, seen: false });
  }
  checkNames(model, watched);
  let sessions: Part[] | null = null;
  let done = 0;
  try {
    for await (const feeds of samples) {
      checkAborted(signal);
      sessions ??= await makeSessions(model, feeds, [...watched.keys()]);
      const batch = batchOf(feeds);
      for (const [name, tensor] of Object.entries(feeds)) {
        const found = watched.get(model.aliases.inputs.get(name) ?? name);
        if (found !== undefined) observe(found, name, tensor, batch);
      }
      for (const { session, outputs } of sessions) {
        session.reset();
        const results = await session.runAsync(feeds, {
          outputs,
          ...(signal === undefined ? {} : { signal }),
        });
        for (const name of outputs) observe(watched.get(name)!, name, results[name], batch);
      }
      done++;
      options.onProgress?.({ stage: 'calibrate', done, total: options.total ?? done, name: '' });
    }
  } finally {
    for (const { session } of sessions ?? []) session.dispose();
  }
  if (done === 0) throw rangeError('calibration', 'at least one sample', 0);
  const ranges = new Map<string, Range>();
  for (const [name, { observer, seen }] of watched) if (seen) ranges.set(name, observer.range());
  return ranges;
}

interface Watched {
  observer: Observer;
  seen: boolean;
}

/** A session that gives some of the values. */
interface Part {
  session: Session;
  outputs: string[];
}

function checkNames(model: Model, names: ReadonlyMap<string, unknown>): void {
  const known = valuesOf(model);
  for (const name of names.keys())
    if (!known.has(name)) throw rangeError('values', 'values of the main graph', name);
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
function batchOf(feeds: Feeds): number {
  const sizes = new Set(
    Object.values(feeds)
      .filter(({ dims }) => dims.length > 0)
      .map(({ dims }) => dims[0]!),
  );
  const [size = 1] = sizes;
  return sizes.size === 1 ? Math.max(size, 1) : 1;
}

function observe(watched: Watched, name: string, tensor: unknown, batch: number): void {
  if (!(tensor instanceof Tensor)) return;
  const floats = floatsOf(tensor);
  if (floats === null) return;
  if (hasNaN(floats)) {
    throw new NumericError('a value of the model is NaN on a calibration sample', {
      code: 'E_CALIBRATION_NAN',
      where: `"${name}"`,
      hint: 'check that the samples are what the model takes',
    });
  }
  watched.seen = true;
  // A value may have the batch as a factor of its first axis; one that has not is of all samples together.
  watched.observer.observe(floats, (tensor.dims[0] ?? 1) % batch === 0 ? batch : 1);
}

function floatsOf({ type, data }: Tensor): Float32Array | null {
  if (data instanceof Float32Array) return data;
  if (data instanceof Float64Array) return Float32Array.from(data);
  if (type === 'float16' && data instanceof Uint16Array) return float16ToFloat32(data);
  return null;
}
