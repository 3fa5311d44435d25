import { rangeError } from '../../core/errors.ts';
import { random } from '../../core/random.ts';
import { Tensor } from '../../core/tensor.ts';
import type { Node } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { hasNaN } from '../../kernels/reduce.ts';
import type { Feeds } from '../../runtime/runner.ts';
import { floatsOf, nanError, watch } from '../calibration/watch.ts';
import type { Progress } from '../options.ts';
import { type Reader, readerOf } from './reader.ts';
import { MomentSum, type Moments } from './sum.ts';

export interface MomentOptions {
  /** Whether E[a aᵀ] is wanted, too: K² numbers a layer. */
  gram: boolean;
  /** Most vectors of a sample that a layer counts, default 64: places of an image, or rows of a sequence. */
  rowsPerSample?: number;
  /** Of the choice of vectors, default 0. */
  seed?: number;
  /** Number of elements of `samples`, where it is known, for the progress. */
  total?: number;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/** Most numbers of a layer's E[a aᵀ], 268 MB: vectors of 5792 elements in one group. */
const mostGram = 2 ** 25;

/** Moments of what linear layers read, in one pass over samples. Conv, ConvTranspose, Gemm and MatMul with weights of
 *  known sizes as operand 1; a layer of another kind, or that read nothing, is not among the results. Of every sample
 *  the same places are counted whatever batch it comes in: for the same samples the same bits.
 *  @param samples  feeds; a batch of several along their first axis gives what its samples give one by one
 *  @param layers   names of the layers' first outputs
 *  @returns        by layer; layers that read the same vectors share theirs. `gram` is null where it would have more than
 *                  2^25 numbers
 *  @throws {RangeError} no sample, no such layer, an option out of range
 *  @throws {NumericError} a layer reads NaN
 *  @throws {AbortError} the signal was aborted
 *  Cost: a run of the model and rows·K² for each sample; memory groups·K² for each layer. Deterministic. */
export async function collectMoments(
  model: Model,
  samples: Iterable<Feeds> | AsyncIterable<Feeds>,
  layers: readonly string[],
  options: MomentOptions,
): Promise<Map<string, Moments>> {
  const { rowsPerSample = 64, seed = 0, signal } = options;
  if (!Number.isInteger(rowsPerSample) || rowsPerSample < 1)
    throw rangeError('rowsPerSample', 'an integer ≥ 1', rowsPerSample);
  const readers = readersOf(model, layers);
  const sums = new Map<string, Watched>();
  for (const reader of readers.values()) {
    const { key, groups, size } = reader;
    const withGram = options.gram && groups * size * size <= mostGram;
    if (!sums.has(key)) sums.set(key, { reader, sum: new MomentSum(groups, size, withGram) });
  }
  const byInput = new Map<string, Watched[]>();
  for (const watched of sums.values()) {
    const known = byInput.get(watched.reader.input);
    if (known === undefined) byInput.set(watched.reader.input, [watched]);
    else known.push(watched);
  }
  await watch(model, samples, [...byInput.keys()], {
    signal,
    see(name, value, { batch, first }) {
      const data = value instanceof Tensor ? floatsOf(value) : null;
      if (data === null) return;
      if (hasNaN(data)) throw nanError(name);
      for (const { reader, sum } of byInput.get(name)!)
        addRows(reader, sum, data, (value as Tensor).dims, {
          batch,
          first,
          seed,
          most: rowsPerSample,
        });
    },
    after: (done) =>
      options.onProgress?.({ stage: 'statistics', done, total: options.total ?? done, name: '' }),
  });
  const moments = new Map<string, Moments>();
  for (const [key, { sum }] of sums) moments.set(key, sum.moments());
  const found = new Map<string, Moments>();
  for (const [layer, { key }] of readers)
    if (moments.get(key)!.rows > 0) found.set(layer, moments.get(key)!);
  return found;
}

interface Watched {
  reader: Reader;
  sum: MomentSum;
}

/** Names of the first outputs of a model's linear layers, in order. */
export function linearLayers(model: Model): string[] {
  return model.graph.nodes.filter((node) => readerOf(node) !== null).map(keyOf);
}

const keyOf = (node: Node): string => node.outputs[0]!.name;

function readersOf(model: Model, layers: readonly string[]): Map<string, Reader> {
  const nodes = new Map<string, Node>();
  for (const node of model.graph.nodes) if (node.outputs.length > 0) nodes.set(keyOf(node), node);
  const readers = new Map<string, Reader>();
  for (const layer of layers) {
    const node = nodes.get(layer);
    if (node === undefined) throw rangeError('layers', 'first outputs of nodes', layer);
    const reader = readerOf(node);
    if (reader !== null) readers.set(layer, reader);
  }
  return readers;
}

interface Choice {
  batch: number;
  first: number;
  seed: number;
  most: number;
}

function addRows(
  reader: Reader,
  sum: MomentSum,
  data: Float32Array,
  dims: readonly number[],
  { batch, first, seed, most }: Choice,
): void {
  const found = reader.at(dims);
  if (found === null || found.places === 0) return;
  const { places, put } = found;
  // A value may have the batch as a factor of its first axis; one that has not is of all samples together.
  const samples = (dims[0] ?? 1) % batch === 0 && places % batch === 0 ? batch : 1;
  const each = places / samples;
  for (let sample = 0; sample < samples; sample++)
    for (const place of placesOf(each, most, seed, first + sample)) {
      const at = sample * each + place;
      sum.add((to, start, stride) => put(data, at, to, start, stride));
    }
}

/** Some places of a sample: one at random in each of `most` equal parts; all where there are no more. They depend on the
 *  seed and the sample's index alone. */
export function placesOf(places: number, most: number, seed: number, sample: number): number[] {
  if (places <= most) return Array.from({ length: places }, (_, place) => place);
  const next = random(Math.imul(seed, 0x9e3779b1) ^ sample);
  return Array.from({ length: most }, (_, part) =>
    Math.floor(((part + next.uniform()) * places) / most),
  );
}
