import { Tensor } from '../../core/tensor.ts';
import { constantOfValue } from '../../ir/constant.ts';
import { exp, log } from '../../kernels/math.ts';
import { floatsOf } from '../../passes/constants.ts';
import type { Feeds } from '../../runtime/runner.ts';
import type { LinearLayer } from '../sensitivity/linear.ts';
import type { Parts } from '../sensitivity/parts.ts';
import { openProbe, type Probe } from '../sensitivity/probe.ts';

/** Something that may have been done, or forgotten, to images before the model sees them. */
export interface Hypothesis {
  /** `divided by 255`: inputs are right after this. */
  readonly name: string;
  /** What is wrong with them as they are. */
  readonly fault: string;
  /** Of the images that it is about; default any. */
  readonly channels?: number;
  /** What it does to a number of the first channel, where it is a line. */
  readonly line?: { readonly factor: number; readonly offset: number };
  apply(image: Tensor, axis: number): Tensor;
}

const affine = (
  name: string,
  fault: string,
  divisor: number,
  mean: readonly number[],
  deviation: readonly number[],
): Hypothesis => ({
  name,
  fault,
  line: { factor: 1 / divisor / deviation[0]!, offset: -mean[0]! / deviation[0]! },
  ...(mean.length === 3 ? { channels: 3 } : mean[0] === 0.1307 ? { channels: 1 } : {}),
  apply: (image, axis) =>
    each(image, axis, (x, c) => (x / divisor - pick(mean, c)) / pick(deviation, c)),
});

const imageNet = [
  [0.485, 0.456, 0.406],
  [0.229, 0.224, 0.225],
] as const;

/** Usual ones; what the others do is not among what is found of the data. */
export const hypotheses: readonly Hypothesis[] = [
  affine('divided by 255', 'the division by 255 is missing', 255, [0], [1]),
  affine(
    'multiplied by 255',
    'they were divided by 255, which the model does not expect',
    1 / 255,
    [0],
    [1],
  ),
  affine('from −1 to 1', 'they are not brought to −1 … 1', 1, [0.5], [0.5]),
  affine('from 0…255 to −1…1', 'they are not brought from 0 … 255 to −1 … 1', 255, [0.5], [0.5]),
  affine('normalized', 'mean and deviation are not applied', 1, ...imageNet),
  affine(
    'divided by 255 and normalized',
    'neither the division by 255 nor mean and deviation are applied',
    255,
    ...imageNet,
  ),
  affine('normalized as MNIST', 'mean and deviation are not applied', 1, [0.1307], [0.3081]),
  affine(
    'divided by 255 and normalized as MNIST',
    'neither the division by 255 nor mean and deviation are applied',
    255,
    [0.1307],
    [0.3081],
  ),
  {
    name: 'with channels in the other place',
    fault: 'channels are last where the model has them first, or the reverse',
    apply: swapLayout,
  },
  {
    name: 'with channels in reverse order',
    fault: 'channels are in reverse order (BGR for RGB)',
    apply: reverseChannels,
  },
];

function each(image: Tensor, axis: number, f: (x: number, channel: number) => number): Tensor {
  const { dims, data } = image;
  const inner = dims.slice(axis + 1).reduce((product, size) => product * size, 1);
  const made = Float32Array.from(data as Float32Array, (x, i) =>
    f(x, Math.floor(i / inner) % dims[axis]!),
  );
  return new Tensor('float32', made, dims);
}

const pick = (list: readonly number[], at: number): number => list[at % list.length]!;

/** The same elements read as if the channels had been in the other place. */
function swapLayout({ data, dims }: Tensor, axis: number): Tensor {
  const channels = dims[axis]!;
  const places = dims.slice(1).reduce((product, size) => product * size, 1) / channels;
  const size = channels * places;
  const isFirst = axis === 1;
  const made = Float32Array.from(data as Float32Array, (_, i) => {
    const [image, at] = [Math.floor(i / size), i % size];
    const from = isFirst
      ? (at % places) * channels + Math.floor(at / places)
      : (at % channels) * places + Math.floor(at / channels);
    return Number(data[image * size + from]);
  });
  return new Tensor('float32', made, dims);
}

function reverseChannels({ data, dims }: Tensor, axis: number): Tensor {
  const inner = dims.slice(axis + 1).reduce((product, size) => product * size, 1);
  const channels = dims[axis]!;
  const made = Float32Array.from(data as Float32Array, (_, i) => {
    const channel = Math.floor(i / inner) % channels;
    return Number(data[i + (channels - 1 - 2 * channel) * inner]);
  });
  return new Tensor('float32', made, dims);
}

/** What speaks for inputs being as the model expects them, without labels. */
export interface Witness {
  /** Mutual information of samples and classes, nats: answers that are sure, and differ. null for no classifier. */
  information: number | null;
  /** Mean entropy of the answers, nats: 0 where all are sure. null for no classifier. */
  doubt: number | null;
  /** How badly biases match what products make of the inputs, 0 … 1: where BatchNormalization was folded into them, they
   *  take the mean away. */
  misfit: number;
}

export interface PreprocessingFinding {
  hypothesis: Hypothesis;
  before: Witness;
  after: Witness;
}

/** Fewer samples say nothing about how answers differ. */
const leastSamples = 8;
/** Nats, or misfit, by which a hypothesis must be better than the inputs as they are. Of a few samples, how many answers
 *  differ is partly luck; how sure they are is not. */
const clearly = { information: 0.6, doubt: 0.2, misfit: 0.4 };

/** Tries what may be wrong with images, and says what makes the model's answers sure and varied, if the images as they are
 *  don't. null where nothing is clearly better, or where inputs are no images.
 *  Cost: eleven runs for each sample. */
export async function findPreprocessing(
  reference: Parts,
  samples: readonly Feeds[],
): Promise<PreprocessingFinding | null> {
  const name = Object.keys(samples[0] ?? {})[0];
  const image = name === undefined ? undefined : samples[0]![name];
  if (name === undefined || image?.dims.length !== 4 || image.type !== 'float32') return null;
  const rows = samples.reduce((sum, feeds) => sum + (feeds[name]?.dims[0] ?? 1), 0);
  const axis = channelAxis(image.dims);
  if (rows < leastSamples || axis === null || Object.keys(samples[0]!).length > 1) return null;
  const layers = [...reference.layers.values()];
  const read = [...new Set([...layers.map(({ key }) => key), ...reference.heads])];
  const probe = await openProbe(reference.model, { add: [], read, twins: new Map() });
  try {
    const run = (apply: (tensor: Tensor) => Tensor): Promise<Witness> =>
      witness(
        probe,
        reference,
        layers,
        samples.map((feeds) => ({ [name]: apply(feeds[name]!) })),
      );
    const before = await run((tensor) => tensor);
    let best: PreprocessingFinding | null = null;
    for (const hypothesis of hypotheses) {
      const channels = image.dims[axis]!;
      if ((hypothesis.channels ?? channels) !== channels) continue;
      if (channels === 1 && hypothesis.line === undefined) continue;
      const after = await run((tensor) => hypothesis.apply(tensor, axis));
      if (isBetter(after, before) && (best === null || score(after) > score(best.after)))
        best = { hypothesis, before, after };
    }
    return best;
  } finally {
    probe.dispose();
  }
}

function channelAxis(dims: readonly number[]): number | null {
  if (dims[1]! <= 4) return 1;
  return dims[3]! <= 4 ? 3 : null;
}

function isBetter(after: Witness, before: Witness): boolean {
  // Numbers that are far too large make any answer sure: biases must not fit worse.
  if (after.misfit > before.misfit + 0.01) return false;
  const fits = before.misfit - after.misfit > clearly.misfit;
  if (after.information === null || before.information === null) return fits;
  const gain = after.information - before.information;
  const [doubt, less] = [before.doubt ?? 0, after.doubt ?? 0];
  if (gain < -0.3) return false;
  if (doubt - less > clearly.doubt && less < 0.5 * doubt) return true;
  return fits || (gain > clearly.information && less <= doubt);
}

const score = ({ doubt, misfit }: Witness): number => -(doubt ?? 0) - misfit;

async function witness(
  probe: Probe,
  { heads }: Parts,
  layers: readonly LinearLayer[],
  samples: readonly Feeds[],
): Promise<Witness> {
  const means = layers.map(() => new Map<number, { sum: number; count: number }>());
  const answers: Float64Array[] = [];
  for (const feeds of samples) {
    const { values } = probe.run(feeds, new Map());
    layers.forEach((layer, at) => {
      addMeans(means[at]!, layer, values.get(layer.key)!);
    });
    const head = values.get(heads[0]!);
    if (head !== undefined) answers.push(...rowsOf(head));
  }
  const misfits: number[] = [];
  for (const [at, layer] of layers.entries()) {
    const found = await misfitOf(layer, means[at]!);
    if (found !== null) misfits.push(found);
  }
  return {
    ...answersOf(answers),
    misfit: misfits.reduce((sum, value) => sum + value, 0) / Math.max(misfits.length, 1),
  };
}

function addMeans(
  means: Map<number, { sum: number; count: number }>,
  { outputAxis }: LinearLayer,
  { data, dims }: Tensor,
): void {
  const axis = outputAxis === 'second' ? 1 : dims.length - 1;
  const inner = dims.slice(axis + 1).reduce((product, size) => product * size, 1);
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / inner) % dims[axis]!;
    const known = means.get(channel);
    if (known === undefined) means.set(channel, { sum: Number(data[i]), count: 1 });
    else {
      known.sum += Number(data[i]);
      known.count++;
    }
  }
}

/** Σ mean² / Σ ((mean − bias)² + bias²): small where a bias takes away what the weights make on average. */
async function misfitOf(
  { bias }: LinearLayer,
  means: ReadonlyMap<number, { sum: number; count: number }>,
): Promise<number | null> {
  const constant = bias === null ? null : constantOfValue(bias);
  if (constant === null || constant.dtype !== 'float32') return null;
  const biases = await floatsOf(constant);
  let [left, whole] = [0, 0];
  for (const [channel, { sum, count }] of means) {
    const mean = sum / count;
    const own = biases[channel] ?? 0;
    left += mean * mean;
    whole += (mean - own) ** 2 + own ** 2;
  }
  return whole > 0 ? left / whole : null;
}

/** Rows of logits; none where the head is no classifier. */
function rowsOf({ data, dims }: Tensor): Float64Array[] {
  const classes = dims.at(-1) ?? 1;
  const isRows = dims.length >= 2 && dims.slice(1, -1).every((size) => size === 1);
  if (!isRows || classes < 2) return [];
  return Array.from({ length: data.length / classes }, (_, row) =>
    Float64Array.from({ length: classes }, (_, i) => Number(data[row * classes + i])),
  );
}

/** Entropy of the mean answer less the mean entropy of answers, and that. */
function answersOf(rows: readonly Float64Array[]): Pick<Witness, 'information' | 'doubt'> {
  if (rows.length < leastSamples) return { information: null, doubt: null };
  const classes = rows[0]!.length;
  const mean = new Float64Array(classes);
  let doubt = 0;
  for (const row of rows) {
    const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const powers = exp(row.map((x) => x - most));
    const total = powers.reduce((sum, x) => sum + x, 0);
    const parts = powers.map((x) => x / total);
    parts.forEach((x, i) => {
      mean[i]! += x / rows.length;
    });
    doubt += entropy(parts) / rows.length;
  }
  return { information: entropy(mean) - doubt, doubt };
}

function entropy(parts: Float64Array): number {
  const logarithms = log(parts.map((x) => Math.max(x, 2 ** -1000)));
  return -parts.reduce((sum, x, i) => sum + x * logarithms[i]!, 0);
}
