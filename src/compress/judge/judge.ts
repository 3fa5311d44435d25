import { clone } from '../../ir/clone.ts';
import { constantOfValue } from '../../ir/constant.ts';
import { describe } from '../../ir/edit.ts';
import type { Value } from '../../ir/graph.ts';
import { realsOf } from '../../ir/levels.ts';
import type { Model } from '../../ir/model.ts';
import { heldConstant } from '../../ir/permute.ts';
import { allGraphs } from '../../ir/walk.ts';
import { ops } from '../../ops/index.ts';
import { floatsOf } from '../../passes/constants.ts';
import { profile } from '../../passes/profile.ts';
import type { JudgeReport, RestoredReport } from '../../report/judge.ts';
import { formatDecibels } from '../../report/units.ts';
import { survey } from '../activations/quantize.ts';
import type { CalibrationMethod } from '../calibration/index.ts';
import { type QuantizeSettings, type ResolvedQuantize, resolveLayer } from '../options.ts';
import type { Context } from '../pipeline/context.ts';
import { type Decision, Decisions, type Layer, layerKey, layersOf } from '../pipeline/decide.ts';
import { type Candidate, quantizeWith } from '../pipeline/quantize.ts';
import type { Judging } from '../pipeline/samples.ts';
import { type Grid, gridOf } from '../sensitivity/rounding.ts';
import { isRounded } from '../sensitivity/sites.ts';
import { weightOf } from '../weight-of.ts';
import { type Evaluation, evaluate, Reference } from './evaluate.ts';
import { type Remaining, type Restored, Search } from './restore.ts';
import { aloneDb, measureSources, type Source, type Sources } from './sources.ts';

/** A candidate that was run. */
export interface Judged {
  candidate: Candidate;
  evaluation: Evaluation;
}

/** Rounds of choosing and measuring at most: each chooses more than the one before. */
const mostRounds = 8;
/** What was put back without need is quantized again, if so many tries find it. */
const mostReturns = 6;
/** Of so many places errors are sent through for one sample only. */
const manyPlaces = 120;
/** Beside minmax, which holds whatever comes within the samples' range: another must be better by so much, dB. */
const otherMethods: readonly CalibrationMethod[] = ['mse', 'percentile'];
const methodGainDb = 0.3;
/** Other inputs than the samples may do worse: so much more is wished for, and looked for where that is not there, dB. */
const reserve = 2;
const margin = 3;

export interface Verdict extends Judged {
  report: JudgeReport;
}

/** Quantizes a model as was decided, and puts back into real numbers what keeps its outputs from a least signal-to-noise
 *  ratio: as little as is needed, found by what each rounding does alone, proved on samples with integer kernels.
 *  @param reference  the model that is right */
export async function judge(
  context: Context,
  reference: Model,
  decisions: Decisions,
  { feeds, isHeldBack, inputs }: Judging,
  minOutputDb: number | null,
): Promise<Verdict> {
  const { signal, onProgress } = context;
  const watch = signal === undefined ? {} : { signal };
  const known = await Reference.of(reference, feeds, watch);
  let evaluations = 0;
  const run = async (chosen: Decisions): Promise<Judged> => {
    const candidate = await quantizeWith(context, chosen);
    evaluations++;
    onProgress?.({ stage: 'judge', done: evaluations, total: evaluations, name: '' });
    return { candidate, evaluation: await evaluate(known, candidate.model, feeds, watch) };
  };
  const start = await firstOf(decisions, context.given, minOutputDb, run);
  let best = start;
  let restored: RestoredReport[] = [];
  if (minOutputDb !== null && start.evaluation.sqnrDb < minOutputDb + reserve) {
    const found = await restore(
      context,
      start.candidate.decisions,
      start,
      feeds,
      minOutputDb + reserve,
      run,
    );
    best = found.judged;
    restored = found.restored;
  }
  const plain = (ratio: number): number | null => (ratio === Infinity ? null : ratio);
  return {
    ...best,
    report: {
      samples: feeds.length,
      heldBack: isHeldBack,
      inputs,
      minOutputDb,
      sqnrDb: {
        before: plain(start.evaluation.sqnrDb),
        after: plain(best.evaluation.sqnrDb),
      },
      outputs: best.evaluation.outputs.map(({ name, sqnrDb, top1 }) => ({
        output: name,
        sqnrDb: plain(sqnrDb),
        top1,
      })),
      restored,
      evaluations,
    },
  };
}

/** Everything quantized that can be, with the ranges of activations that serve best where nobody said how they are to be
 *  found. */
async function firstOf(
  decisions: Decisions,
  { calibrationMethod }: QuantizeSettings,
  minOutputDb: number | null,
  run: (decisions: Decisions) => Promise<Judged>,
): Promise<Judged> {
  let best = await run(decisions);
  const { base, layers, real } = decisions;
  const { activations } = base;
  const isOpen =
    activations !== null && activations.scheme === null && activations.ranges.size === 0;
  if (!isOpen || minOutputDb === null || calibrationMethod !== undefined) return best;
  for (const method of otherMethods) {
    const other = new Decisions({ ...base, activations: { ...activations, method } }, layers, real);
    const judged = await run(other);
    if (judged.evaluation.sqnrDb > best.evaluation.sqnrDb + methodGainDb) best = judged;
  }
  return best;
}

async function restore(
  context: Context,
  decisions: Decisions,
  start: Judged,
  feeds: Judging['feeds'],
  goalDb: number,
  run: (decisions: Decisions) => Promise<Judged>,
): Promise<{ judged: Judged; restored: RestoredReport[] }> {
  const layers = layersOf(context.model);
  const sources = await sourcesOf(context, start.candidate, layers, feeds);
  await addOthers(decisions, sources, start.candidate, layers, run);
  const search = await searchFor(context, decisions, sources, layers);
  const { given, model } = context;
  const kinds = (['float16', { mode: 'weight-only' }] as const).map((option) =>
    resolveLayer('', option, given, model.format, false),
  );
  const decisionsFor = (moves: readonly Source[]): Decisions =>
    withRestored(decisions, search.restored(moves), moves, sources, kinds);
  let judged = start;
  for (let round = 1; round <= mostRounds && judged.evaluation.sqnrDb < goalDb; round++) {
    search.anchor(judged.evaluation.outputs.map(({ sqnrDb }) => sqnrDb));
    const least = round < mostRounds ? round : Infinity;
    if (!search.advance(goalDb + margin - reserve, least)) break;
    judged = await run(decisionsFor(search.moves));
  }
  let moves = [...search.moves];
  if (judged.evaluation.sqnrDb >= goalDb) {
    search.anchor(judged.evaluation.outputs.map(({ sqnrDb }) => sqnrDb));
    let tries = 0;
    for (const move of [...moves].sort((a, b) => search.costOf([b]) - search.costOf([a]))) {
      const fewer = moves.filter((other) => other !== move);
      if (tries === mostReturns || !search.isEnough(fewer, goalDb)) continue;
      tries++;
      const other = await run(decisionsFor(fewer));
      if (other.evaluation.sqnrDb < goalDb) continue;
      judged = other;
      moves = fewer;
    }
  }
  const nodes = new Map(layers.map(({ key, node }) => [key, describe(node)]));
  const restored = moves.map((move): RestoredReport => {
    const alone = aloneDb(move, sources.signal);
    return {
      kind: move.kind,
      name: move.kind === 'value' ? move.place : (nodes.get(move.place) ?? move.place),
      aloneDb: Number.isFinite(alone) ? alone : null,
      reason: reasonOf(move, sources),
    };
  });
  return { judged, restored };
}

/** Weights that no error can be sent from by itself (recurrent ones, lookups, those of inner graphs): models in which
 *  they alone are quantized are run. */
async function addOthers(
  { base }: Decisions,
  { signal, sources }: Sources,
  { layers: stored }: Candidate,
  layers: readonly Layer[],
  run: (decisions: Decisions) => Promise<Judged>,
): Promise<void> {
  const known = new Set(sources.map(({ place }) => place));
  const isStored = new Set(stored.map(({ weight }) => weight));
  const left = { settings: null, why: 'others are looked at' };
  for (const { key, weights } of layers) {
    if (known.has(key) || !weights.some(({ name }) => isStored.has(name))) continue;
    const settings = { ...base, activations: null, dynamic: null };
    const others = layers.filter((layer) => layer.key !== key);
    const alone = new Decisions(settings, new Map(others.map((layer) => [layer.key, left])));
    const { outputs } = (await run(alone)).evaluation;
    // Ratios are alike before and behind a last function, powers are not.
    const noise = outputs.map((output, at) =>
      output.noise === 0 ? 0 : (output.noise / output.signal) * (signal[at] ?? output.signal),
    );
    sources.push({ kind: 'weights', place: key, noise });
  }
}

function reasonOf(move: Source, { signal }: Sources): string {
  if (move.kind === 'layer') return 'rounding what it reads or makes loses too much';
  const ratio = formatDecibels(aloneDb(move, signal));
  return move.kind === 'value'
    ? `rounding "${move.place}" alone leaves ${ratio} of the outputs`
    : `rounding its weights alone leaves ${ratio} of the outputs`;
}

function withRestored(
  decisions: Decisions,
  { values, weights, layers }: Restored,
  moves: readonly Source[],
  sources: Sources,
  [half = null, weightsOnly = null]: readonly (ResolvedQuantize | null)[],
): Decisions {
  const why = new Map(moves.map((move) => [move.place, reasonOf(move, sources)]));
  const most = moves.find(({ kind }) => kind === 'value');
  const other = most === undefined ? '' : reasonOf(most, sources);
  return decisions.with(
    [
      ...[...layers].map((key): [string, Decision] => [
        key,
        { settings: weightsOnly, option: { mode: 'weight-only' }, why: why.get(key) ?? '' },
      ]),
      ...[...weights].map((key): [string, Decision] => [
        key,
        { settings: half, option: 'float16', why: why.get(key) ?? '' },
      ]),
    ],
    [...values].map((name) => [name, why.get(name) ?? other]),
  );
}

async function searchFor(
  context: Context,
  decisions: Decisions,
  sources: Sources,
  layers: readonly Layer[],
): Promise<Search> {
  const { model } = context;
  const settings = decisions.base.activations;
  const found = settings === null ? null : await survey(model, decisions, settings, context.signal);
  const isLinear = new Set(layers.map(({ node }) => node));
  const remaining = (restored: Restored): Remaining => {
    if (found === null) return { values: new Set(), layers: [] };
    const { nodes, groups } = found.choose(
      ({ name }) => !restored.values.has(name),
      (node) => restored.weights.has(layerKey(node)) || restored.layers.has(layerKey(node)),
    );
    return {
      values: new Set(groups.flatMap(({ values }) => values.map(({ name }) => name))),
      layers: nodes.filter((node) => isLinear.has(node)),
    };
  };
  const cost = costsOf(model, layers);
  const target = settings?.target ?? 'onnxruntime';
  return new Search({ model, target, sources, remaining, cost });
}

/** Shares of products and of bytes. */
function costsOf(
  model: Model,
  layers: readonly Layer[],
): (key: string) => { time: number; bytes: number } {
  const macs = new Map(
    profile(clone(model), ops).nodes.map((row) => [layerKey(row.node), row.macs]),
  );
  const rows = layers.map(({ key, weights }) => ({
    key,
    macs: macs.get(key) ?? 0,
    bytes: weights.reduce((sum, value) => sum + (constantOfValue(value)?.data.size ?? 0), 0),
  }));
  const all = rows.reduce(
    (sum, row) => ({ macs: sum.macs + row.macs, bytes: sum.bytes + row.bytes }),
    {
      macs: 0,
      bytes: 0,
    },
  );
  const shares = new Map(
    rows.map(({ key, macs: own, bytes }) => [
      key,
      {
        // Each layer has a time of its own, however few products it sums.
        time: own / Math.max(all.macs, 1) + 1 / (4 * rows.length),
        bytes: bytes / Math.max(all.bytes, 1) + 1 / (4 * rows.length),
      },
    ]),
  );
  return (key) => shares.get(key) ?? { time: 0, bytes: 0 };
}

async function sourcesOf(
  context: Context,
  { model: candidate, values, layers: stored }: Candidate,
  layers: readonly Layer[],
  feeds: Judging['feeds'],
): Promise<Sources> {
  const { model, signal, onProgress } = context;
  const isStored = new Set(stored.map(({ weight }) => weight));
  const made = new Map<string, Value>();
  for (const graph of allGraphs(candidate.graph)) {
    for (const value of graph.constants) made.set(value.name, value);
    for (const value of graph.nodes.flatMap(({ outputs }) => outputs)) made.set(value.name, value);
  }
  const weights = new Map<string, Float32Array>();
  for (const { key, node, weights: own } of layers) {
    const value = own.find(({ name }) => isStored.has(name));
    const constant = value === undefined ? null : constantOfValue(value);
    if (value === undefined || constant === null || node.inputs[1] !== value) continue;
    const other = made.get(value.name);
    const now = other === undefined ? null : await realWeights(other);
    if (now === null || now.length * 4 !== constant.data.size) continue;
    const before = await floatsOf(constant);
    weights.set(
      key,
      now.map((x, i) => x - before[i]!),
    );
  }
  const grids = new Map(
    values.map(({ value, storage, scale, zeroPoint }): [string, Grid] => [
      value,
      gridOf(storage, scale, zeroPoint),
    ]),
  );
  const { inputs, nodes } = model.graph;
  const computed = [...inputs, ...nodes.flatMap(({ outputs }) => outputs)];
  const rounded = computed.filter((value) => {
    const grid = grids.get(value.name);
    const isSame = ({ name }: Value): boolean => {
      const other = grids.get(name);
      return other?.scale === grid?.scale && other?.zeroPoint === grid?.zeroPoint;
    };
    return grid !== undefined && !isRounded(value, isSame);
  });
  const places = weights.size + rounded.length;
  return measureSources(model, feeds.slice(0, places > manyPlaces ? 1 : 2), {
    weights,
    values: new Map(rounded.map(({ name }) => [name, grids.get(name)!])),
    signal,
    onProgress,
  });
}

/** Weights as they are multiplied, however they are stored; null where they are none. */
async function realWeights(value: Value): Promise<Float32Array | null> {
  const { quantization, constant } = value;
  if (quantization === null || constant === null) return (await weightOf(value)?.read()) ?? null;
  return floatsOf(realsOf(await heldConstant(constant), quantization));
}
