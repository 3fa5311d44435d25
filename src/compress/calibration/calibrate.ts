import { Tensor } from '../../core/tensor.ts';
import type { Model } from '../../ir/model.ts';
import { extent } from '../../kernels/reduce.ts';
import type { Feeds } from '../../runtime/runner.ts';
import type { Progress } from '../options.ts';
import {
  type CalibrationMethod,
  makeObserver,
  type Observer,
  type Range,
  type Target,
} from './observer.ts';
import { floatsOf, nanError, watch } from './watch.ts';

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
  await watch(model, samples, [...watched.keys()], {
    signal,
    see: (name, tensor, { batch }) => observe(watched.get(name)!, name, tensor, batch),
    after: (done) =>
      options.onProgress?.({ stage: 'calibrate', done, total: options.total ?? done, name: '' }),
  });
  const ranges = new Map<string, Range>();
  for (const [name, { observer, seen }] of watched) if (seen) ranges.set(name, observer.range());
  return ranges;
}

interface Watched {
  observer: Observer;
  seen: boolean;
}

function observe(watched: Watched, name: string, tensor: unknown, batch: number): void {
  if (!(tensor instanceof Tensor)) return;
  const floats = floatsOf(tensor);
  if (floats === null) return;
  const known = extent(floats);
  if (known.hasNaN) throw nanError(name);
  watched.seen = true;
  // A value may have the batch as a factor of its first axis; one that has not is of all samples together.
  const samples = (tensor.dims[0] ?? 1) % batch === 0 ? batch : 1;
  watched.observer.observe(floats, samples, known);
}
