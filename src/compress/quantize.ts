import { breather } from '../core/breathe.ts';
import { checkAborted } from '../core/errors.ts';
import { volume } from '../core/shape.ts';
import { Edit } from '../ir/edit.ts';
import type { Model } from '../ir/model.ts';
import { tensorType } from '../ir/types.ts';
import { allGraphs, freshName, namesAround } from '../ir/walk.ts';
import { asInitializer, removeHolder } from '../passes/constants.ts';
import type { KeptReport, LayerReport } from '../report/report.ts';
import { formatDecibels } from '../report/units.ts';
import type { AffineParameters } from './affine.ts';
import { halfConstant, measureHalf } from './half.ts';
import type { CompressOptions, ResolvedQuantize } from './options.ts';
import type { Decision, Decisions } from './pipeline/decide.ts';
import type { PlannedWeight } from './plan.ts';
import { type Measured, measure, quantizationOf, quantizedConstant } from './quantized.ts';
import { setRealBias } from './rounding/bias.ts';
import { levelsConstant } from './rounding/levels-constant.ts';
import { type RoundedWeight, reportOf, type Wish } from './rounding/sequential.ts';
import { formatScheme, type Scheme, storedBytes } from './scheme.ts';
import { findWeights, keep, type Weight } from './weights.ts';

export interface Quantized {
  planned: PlannedWeight[];
  layers: LayerReport[];
  kept: KeptReport[];
}

/** Stores a model's weights in fewer bits: each is measured first, and stays as it is, with the reason, where it
 *  would lose too much or save too little. Every constant is quantized once, however many operators share it.
 *  Memory does not grow with the weights: they are converted when the model is written.
 *  @param rounded  levels that were chosen already, by name of the weight (see `wishesFor`) */
export async function quantizeWeights(
  model: Model,
  decisions: Decisions,
  { signal, onProgress }: Pick<CompressOptions, 'signal' | 'onProgress'>,
  rounded: ReadonlyMap<string, RoundedWeight> = new Map(),
): Promise<Quantized> {
  const { weights, kept } = findWeights(model);
  const result: Quantized = { planned: [], layers: [], kept };
  const graphs = [...allGraphs(model.graph)];
  const edit = new Edit(model, {
    pass: 'quantize',
    rule: decisions.base.weights,
    reason: 'weights in fewer bits',
  });
  const names = namesAround(model.graph);
  const breathe = breather();
  for (const [done, weight] of weights.entries()) {
    await breathe();
    checkAborted(signal);
    onProgress?.({ stage: 'quantize', done, total: weights.length, name: weight.value.name });
    const graph = graphs.indexOf(weight.graph);
    const planned = (storage: PlannedWeight['storage']): PlannedWeight => ({
      weight: weight.value.name,
      graph,
      storage,
    });
    const { settings, why } = decisionFor(weight, decisions);
    if (settings === null) {
      kept.push(keep(weight, weight.layers, 'kept-float', `stays float: ${why}`));
    } else if (volume(weight.constant.shape) < settings.minElements) {
      const reason = `fewer than ${settings.minElements} elements`;
      kept.push(keep(weight, weight.layers, 'small', reason));
    } else if (settings.weights === 'float16') {
      const sqnrDb = await measureHalf(weight.constant);
      if (Number.isNaN(sqnrDb)) {
        kept.push(
          keep(weight, weight.layers, 'not-finite', 'has elements outside the range of float16'),
        );
        continue;
      }
      result.layers.push(layerReport(weight, 'float16', weight.constant.data.size / 2, sqnrDb));
      result.planned.push(planned({ storage: 'float16' }));
      storeHalf(edit, weight, names);
    } else {
      const chosen = await choose(weight, settings);
      if ('code' in chosen) {
        kept.push(keep(weight, weight.layers, chosen.code, chosen.reason));
        continue;
      }
      const { scheme, measured } = chosen;
      const done = rounded.get(weight.value.name);
      const layer = layerReport(weight, formatScheme(scheme), storedBytes(scheme), measured.sqnrDb);
      if (done !== undefined) layer.rounding = reportOf(done);
      result.layers.push(layer);
      result.planned.push(planned(scheme));
      store(edit, weight, scheme, done ?? measured);
      const [node] = weight.users;
      if (done?.bias != null && node !== undefined) setRealBias(edit, node, done.bias, names);
    }
  }
  if (result.layers.length > 0) edit.commit();
  onProgress?.({ stage: 'quantize', done: weights.length, total: weights.length, name: '' });
  return result;
}

/** A weight that layers share stays float where one of them does. */
function decisionFor({ users }: Weight, decisions: Decisions): Decision {
  const all = users.map((node) => decisions.of(node));
  return (
    all.find(({ settings }) => settings === null) ??
    all[0] ?? { settings: decisions.base, why: null }
  );
}

function layerReport(weight: Weight, to: string, bytesAfter: number, sqnrDb: number): LayerReport {
  return {
    weight: weight.value.name,
    layers: weight.layers,
    shape: weight.constant.shape,
    from: weight.constant.dtype,
    to,
    bytesBefore: weight.constant.data.size,
    bytesAfter,
    sqnrDb: Number.isFinite(sqnrDb) ? sqnrDb : null,
  };
}

/** A zero point costs bytes and, in integer kernels, time: an affine scheme must be more exact by this much. */
const affineGainDb = 1;

interface Choice {
  scheme: Scheme;
  measured: Measured;
}

/** The wished granularity, or the next coarser one that saves a quarter of the bytes at least. */
async function choose(
  weight: Weight,
  settings: ResolvedQuantize,
): Promise<Choice | { code: string; reason: string }> {
  let best: Measured | null = null;
  for (const scheme of candidates(weight, settings)) {
    if (storedBytes(scheme) > 0.75 * weight.constant.data.size) continue;
    const { measured, scheme: refined } = await withZeroPoint(weight, scheme, settings);
    if (Number.isNaN(measured.sqnrDb)) {
      return { code: 'not-finite', reason: 'has NaN or infinite elements' };
    }
    if (measured.sqnrDb >= settings.minSqnrDb) return { scheme: refined, measured };
    if (best === null || measured.sqnrDb > best.sqnrDb) best = measured;
  }
  if (best === null) return { code: 'no-gain', reason: 'scales and names would eat the gain' };
  const got = formatDecibels(best.sqnrDb);
  return { code: 'loses', reason: `would lose too much: ${got} of ${settings.minSqnrDb} dB` };
}

/** The scheme as wished, or, where nothing was wished, symmetric unless a zero point makes it clearly more exact. */
async function withZeroPoint(
  weight: Weight,
  scheme: Scheme,
  { symmetric }: ResolvedQuantize,
): Promise<Choice> {
  const measured = await measure(weight.constant, scheme);
  if (symmetric !== null) return { scheme, measured };
  const affine = { ...scheme, symmetric: false };
  const other = await measure(weight.constant, affine);
  const better = other.sqnrDb >= measured.sqnrDb + affineGainDb;
  return better ? { scheme: affine, measured: other } : { scheme, measured };
}

function candidates(weight: Weight, settings: ResolvedQuantize): Scheme[] {
  const { granularity, blockSize, symmetric, convBlocks } = settings;
  const storage = settings.weights as Scheme['storage'];
  const { shape } = weight.constant;
  const base = { storage, symmetric: symmetric ?? true };
  const list: Scheme[] = [];
  const isConvolution = weight.users.some(({ op }) => op.includes('Conv'));
  if (granularity === 'block' && weight.blocks !== null && (convBlocks || !isConvolution)) {
    const { view, axis } = weight.blocks;
    if ((view[axis] ?? 0) > 1) list.push({ ...base, granularity: 'block', axis, blockSize, view });
  }
  const whole: Scheme = {
    ...base,
    granularity: 'tensor',
    axis: null,
    blockSize: null,
    view: shape,
  };
  // With one scale for a matrix, all versions of TFLite's kernels quantize what they read.
  if (settings.dynamic === 'hybrid' && weight.users.every(({ op }) => op === 'MatMul'))
    list.push(whole);
  if (granularity !== 'tensor' && weight.channel !== null && shape.length > 1) {
    list.push({
      ...base,
      granularity: 'channel',
      axis: weight.channel,
      blockSize: null,
      view: shape,
    });
  }
  list.push(whole);
  return list;
}

/** The weights that `quantizeWeights` would store as integers, and how: what rounding needs to know. */
export async function wishesFor(
  model: Model,
  decisions: Decisions,
  signal?: AbortSignal,
): Promise<Map<string, Wish>> {
  const wishes = new Map<string, Wish>();
  const breathe = breather();
  for (const weight of findWeights(model).weights) {
    await breathe();
    checkAborted(signal);
    const { settings } = decisionFor(weight, decisions);
    if (settings === null || settings.weights === 'float16') continue;
    if (volume(weight.constant.shape) < settings.minElements) continue;
    const chosen = await choose(weight, settings);
    if ('code' in chosen) continue;
    const { scheme, measured } = chosen;
    const { parameters } = measured;
    wishes.set(weight.value.name, { scheme, parameters, rounding: settings.rounding });
  }
  return wishes;
}

/** The value keeps its name and real type; its constant becomes integers with the quantization attached. */
function store(
  edit: Edit,
  weight: Weight,
  scheme: Scheme,
  { parameters, levels }: { parameters: AffineParameters; levels?: Int16Array },
): void {
  const value = asInitializer(edit, weight.value);
  edit.fixConstant(value);
  const integers =
    levels === undefined
      ? quantizedConstant(weight.constant, scheme, parameters)
      : levelsConstant(scheme, weight.constant.shape, levels);
  edit.setConstant(value, integers, quantizationOf(weight.constant, scheme, parameters));
}

/** A half-float constant, and a Cast that makes the value of it. */
function storeHalf(edit: Edit, weight: Weight, names: Set<string>): void {
  const { value, graph, constant } = weight;
  const half = edit.addConstant(
    graph,
    freshName(names, `${value.name}_float16`),
    halfConstant(constant),
  );
  const cast = edit.addNode(
    { startOf: graph },
    { op: 'Cast', attributes: [['to', { type: 'int', value: 1 }]], inputs: [half] },
    [{ name: value.name, type: tensorType('float32', constant.shape) }],
  );
  edit.replaceUses(value, cast.outputs[0]!);
  removeHolder(edit, value);
}
