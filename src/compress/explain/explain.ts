import { decibels } from '../../core/decibels.ts';
import { rangeError } from '../../core/errors.ts';
import type { Model } from '../../ir/model.ts';
import { operatorOf } from '../../passes/rule.ts';
import type {
  Cause,
  ExplainedLayer,
  ExplanationReport,
  NoiseShares,
} from '../../report/explanation.ts';
import type { RecoveryStep } from '../../report/recovery.ts';
import { formatNumber } from '../../report/units.ts';
import type { Feeds } from '../../runtime/runner.ts';
import type { Progress } from '../options.ts';
import { clippingCauses } from './causes/clipping.ts';
import type { Evidence } from './causes/evidence.ts';
import { severityOf, shareOf } from './causes/evidence.ts';
import { mismatchedLevels, unfoldedNormalization } from './causes/structure.ts';
import { residualCauses, roundingCauses } from './causes/values.ts';
import { biasCauses, deadChannels, weightCauses } from './causes/weights.ts';
import { observe } from './observe.ts';
import { findPreprocessing, type PreprocessingFinding } from './preprocessing.ts';
import { type Shares, type SourceKind, shareOut } from './shares.ts';
import { type Sides, sidesOf } from './sides.ts';
import { type Place, placesOf } from './sources.ts';

export interface ExplainOptions {
  /** The error is split among its sources on the first so many samples, default 4: the rest are only looked at. */
  shareSamples?: number;
  /** The samples are random numbers: what they would say about ranges and inputs is left out. */
  areRandom?: boolean;
  /** What was done to lose less, for the report. */
  tried?: readonly RecoveryStep[];
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/** Says where the error of a quantized model's outputs comes from, and why.
 *  @param reference  the model in real numbers that the other was made of, here or elsewhere
 *  @param quantized  as it is run: ONNX or TFLite, whatever tool made it; products and values are matched by names, by
 *                    weights and by what they are made of
 *  @param samples    a few feeds of the reference; eight or more images, for what is wrong with them to be seen
 *  @returns          shares of each source in the measured error, causes with their evidence
 *  @throws {RangeError} no sample
 *  @throws {AbortError} the signal was aborted
 *  Errors of the sessions are passed on. Cost: a run for each source and sample, two or three sources a layer; some
 *  twenty more for each sample. Neither model is changed. Deterministic. */
export async function explain(
  reference: Model,
  quantized: Model,
  samples: readonly Feeds[],
  options: ExplainOptions = {},
): Promise<ExplanationReport> {
  if (samples.length === 0) throw rangeError('samples', 'at least one', 0);
  const { signal, onProgress, tried = [], shareSamples = 4, areRandom = false } = options;
  const shared = samples.slice(0, Math.max(shareSamples, 1));
  const sides = await sidesOf(reference, quantized);
  const places = await placesOf(sides.reference, sides.pairs);
  const { other, heads } = sides;
  const shares = await shareOut(sides.reference, other, places, heads, shared, {
    signal,
    onStep: (done, total, name) => onProgress?.({ stage: 'explain', done, total, name }),
  });
  const names = [...sides.pairs.values.keys()].map(({ name }) => name);
  const observed = await observe(
    sides,
    [...new Set([...names, ...places.map(({ name }) => name)])],
    samples,
    new Map(places.flatMap(({ name, grid }) => (grid === null ? [] : [[name, grid] as const]))),
  );
  const outputs = shares.outputs.map(({ name, signal: power, noise }) => ({
    output: name,
    sqnrDb: noise === 0 ? null : decibels(power, noise),
  }));
  const sqnrDb = outputs.reduce(
    (least, { sqnrDb: own }) => Math.min(least, own ?? Infinity),
    Infinity,
  );
  const corrected = tried.filter(({ kind }) => kind === 'bias-correction');
  const movedBiases = new Set(corrected.flatMap(({ layers }) => layers));
  const evidence: Evidence = { sides, places, shares, observed, sqnrDb, movedBiases };
  const preprocessing = areRandom ? null : await findPreprocessing(sides.reference, samples);
  const causes = [
    ...(preprocessing === null ? [] : [preprocessingCause(preprocessing)]),
    ...mismatchedLevels(quantized),
    ...unfoldedNormalization(evidence),
    ...(areRandom ? [] : clippingCauses(evidence)),
    ...residualCauses(evidence),
    ...places.flatMap((place) => [
      ...weightCauses(evidence, place),
      ...biasCauses(evidence, place),
      ...roundingCauses(evidence, place),
    ]),
    ...deadChannels(evidence),
  ];
  const worst = [...causes, ...unexplained(evidence, causes)].sort(byWeight);
  return {
    kind: 'explanation',
    version: 1,
    samples: shared.length,
    outputs,
    sqnrDb: sqnrDb === Infinity ? null : sqnrDb,
    shares: sharesBy(shares, () => true),
    explained: shares.explained,
    layers: layersOf(sides, places, shares),
    causes: worst,
    tried: [...tried],
    notes: [
      ...(areRandom
        ? [
            'the inputs are random numbers: shares on real ones are others, and nothing is said of ranges',
          ]
        : []),
      ...notesOf(sides, shares),
    ],
  };
}

function preprocessingCause({ hypothesis, before, after }: PreprocessingFinding): Cause {
  const evidence =
    before.information !== null && after.information !== null
      ? `answers then tell the samples apart by ${formatNumber(after.information)} nats instead of ${formatNumber(before.information)}, and biases fit what layers read to ${formatNumber(after.misfit)} instead of ${formatNumber(before.misfit)}`
      : `biases then fit what layers read to ${formatNumber(after.misfit)} instead of ${formatNumber(before.misfit)}`;
  return {
    code: 'preprocessing',
    severity: 'fault',
    layer: null,
    share: null,
    gainDb: null,
    text: `the samples are not as the model expects them: ${hypothesis.fault}; ${hypothesis.name}, they fit (${evidence}); ranges that were found on such samples are wrong, too`,
  };
}

/** Places that are at fault without a cause that stands out. */
function unexplained(evidence: Evidence, causes: readonly Cause[]): Cause[] {
  const named = new Set(causes.map(({ layer }) => layer));
  if (causes.some(({ code, severity }) => code === 'preprocessing' && severity === 'fault'))
    return [];
  return evidence.places.flatMap((place): Cause[] => {
    const key = place.pair?.key ?? place.name;
    const kinds = (['weights', 'rounding'] as const).filter(
      (kind) => severityOf(evidence, shareOf(evidence, place.name, [kind])) === 'fault',
    );
    if (kinds.length === 0 || named.has(key) || named.has(place.name)) return [];
    const share = shareOf(evidence, place.name, kinds);
    const text = `${kinds.join(' and ')} of "${key}" take ${Math.round(100 * share)} % of the error, and nothing stands out: more bits, or real numbers, would help`;
    return [{ code: 'few-bits', severity: 'fault', layer: key, share, gainDb: null, text }];
  });
}

function byWeight(a: Cause, b: Cause): number {
  const rank = ({ severity }: Cause): number => (severity === 'fault' ? 0 : 1);
  return rank(a) - rank(b) || (b.share ?? 0) - (a.share ?? 0);
}

const kinds: readonly SourceKind[] = ['weights', 'rounding', 'clipping', 'bias'];

function sharesBy(shares: Shares, where: (place: Place) => boolean): NoiseShares {
  const sums: NoiseShares = { weights: 0, rounding: 0, clipping: 0, bias: 0 };
  for (const { place, kind, share } of shares.sources) if (where(place)) sums[kind] += share;
  return sums;
}

function layersOf(sides: Sides, places: readonly Place[], shares: Shares): ExplainedLayer[] {
  const nodes = new Map(
    sides.reference.model.graph.nodes.flatMap((node) =>
      node.outputs.map(({ name }) => [name, node] as const),
    ),
  );
  return places.map((place) => {
    const node = nodes.get(place.name);
    const own = sharesBy(shares, ({ name }) => name === place.name);
    const { signal, noise } = shares.powers.get(place.name)!;
    return {
      layer: place.pair?.key ?? place.name,
      operator: node === undefined ? 'input' : operatorOf(node),
      shares: own,
      share: kinds.reduce((sum, kind) => sum + own[kind], 0),
      sqnrDb: noise === 0 ? null : decibels(signal, noise),
    };
  });
}

function notesOf({ reference, pairs, heads }: Sides, { explained, outputs }: Shares): string[] {
  const notes: string[] = [];
  const missing = [...reference.layers.keys()].filter((key) => !pairs.layers.has(key));
  if (missing.length > 0)
    notes.push(
      `${missing.length} layers have no counterpart in the other model: ${missing.slice(0, 3).join(', ')}`,
    );
  if (heads.length === 0) notes.push('no output was found in both models');
  const hasNoise = outputs.some(({ noise }) => noise > 0);
  if (hasNoise && Math.abs(explained - 1) > 0.5)
    notes.push(
      'the two models compute other values on the way, as after channels were rescaled: the shares say little',
    );
  else if (hasNoise && Math.abs(explained - 1) > 0.1)
    notes.push(
      `${Math.round(100 * (1 - explained))} % of the error come from something else: operators that compute otherwise, or layers without a counterpart`,
    );
  return notes;
}
