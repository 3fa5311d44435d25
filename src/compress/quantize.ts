import { checkAborted } from '../core/errors.ts';
import { volume } from '../core/shape.ts';
import { Edit } from '../ir/edit.ts';
import type { Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { tensorType } from '../ir/types.ts';
import { allGraphs, freshName, namesAround } from '../ir/walk.ts';
import type { KeptReport, LayerReport } from '../report/report.ts';
import { formatDecibels } from '../report/units.ts';
import { halfConstant, measureHalf } from './half.ts';
import type { CompressOptions, ResolvedQuantize } from './options.ts';
import type { PlannedWeight } from './plan.ts';
import { type Measured, measure, quantizationOf, quantizedConstant } from './quantized.ts';
import { formatScheme, type Scheme, storedBytes } from './scheme.ts';
import { findWeights, keep, type Weight } from './weights.ts';

export interface Quantized {
  planned: PlannedWeight[];
  layers: LayerReport[];
  kept: KeptReport[];
}

/** Stores a model's weights in fewer bits: each is measured first, and stays as it is, with the reason, where it
 *  would lose too much or save too little. Every constant is quantized once, however many operators share it.
 *  Memory does not grow with the weights: they are converted when the model is written. */
export async function quantizeWeights(
  model: Model,
  settings: ResolvedQuantize,
  { signal, onProgress }: CompressOptions,
): Promise<Quantized> {
  const { weights, kept } = findWeights(model);
  const result: Quantized = { planned: [], layers: [], kept };
  const graphs = [...allGraphs(model.graph)];
  const edit = new Edit(model, {
    pass: 'quantize',
    rule: settings.weights,
    reason: 'weights in fewer bits',
  });
  const names = namesAround(model.graph);
  for (const [done, weight] of weights.entries()) {
    checkAborted(signal);
    onProgress?.({ stage: 'quantize', done, total: weights.length, name: weight.value.name });
    const graph = graphs.indexOf(weight.graph);
    const planned = (storage: PlannedWeight['storage']): PlannedWeight => ({
      weight: weight.value.name,
      graph,
      storage,
    });
    if (volume(weight.constant.shape) < settings.minElements) {
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
      result.layers.push(
        layerReport(weight, formatScheme(scheme), storedBytes(scheme), measured.sqnrDb),
      );
      result.planned.push(planned(scheme));
      store(edit, weight, scheme, measured);
    }
  }
  if (result.layers.length > 0) edit.commit();
  onProgress?.({ stage: 'quantize', done: weights.length, total: weights.length, name: '' });
  return result;
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

/** The wished granularity, or the next coarser one that saves a quarter of the bytes at least. */
async function choose(
  weight: Weight,
  settings: ResolvedQuantize,
): Promise<{ scheme: Scheme; measured: Measured } | { code: string; reason: string }> {
  let best: Measured | null = null;
  for (const scheme of candidates(weight, settings)) {
    if (storedBytes(scheme) > 0.75 * weight.constant.data.size) continue;
    const measured = await measure(weight.constant, scheme);
    if (Number.isNaN(measured.sqnrDb))
      return { code: 'not-finite', reason: 'has NaN or infinite elements' };
    if (measured.sqnrDb >= settings.minSqnrDb) return { scheme, measured };
    if (best === null || measured.sqnrDb > best.sqnrDb) best = measured;
  }
  if (best === null) return { code: 'no-gain', reason: 'scales and names would eat the gain' };
  const got = formatDecibels(best.sqnrDb);
  return { code: 'loses', reason: `would lose too much: ${got} of ${settings.minSqnrDb} dB` };
}

function candidates(weight: Weight, settings: ResolvedQuantize): Scheme[] {
  const { granularity, blockSize, symmetric } = settings;
  const storage = settings.weights as Scheme['storage'];
  const { shape } = weight.constant;
  const base = { storage, symmetric };
  const list: Scheme[] = [];
  if (granularity === 'block' && weight.blocks !== null) {
    const { view, axis } = weight.blocks;
    if ((view[axis] ?? 0) > 1) list.push({ ...base, granularity: 'block', axis, blockSize, view });
  }
  if (granularity !== 'tensor' && weight.channel !== null && shape.length > 1) {
    list.push({
      ...base,
      granularity: 'channel',
      axis: weight.channel,
      blockSize: null,
      view: shape,
    });
  }
  list.push({ ...base, granularity: 'tensor', axis: null, blockSize: null, view: shape });
  return list;
}

/** The value keeps its name and real type; its constant becomes integers with the quantization attached. */
function store(edit: Edit, weight: Weight, scheme: Scheme, { parameters }: Measured): void {
  const value = asInitializer(edit, weight);
  edit.fixConstant(value);
  const integers = quantizedConstant(weight.constant, scheme, parameters);
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
  removeHeld(edit, value);
}

/** The value if it is an initializer; for a Constant node, an initializer in its place. */
function asInitializer(edit: Edit, { value, graph, constant }: Weight): Value {
  if (value.constant !== null) return value;
  const initializer = edit.addConstant(graph, value.name, constant);
  edit.replaceUses(value, initializer);
  removeHeld(edit, value);
  return initializer;
}

function removeHeld(edit: Edit, value: Value): void {
  if (value.producer === null) edit.removeConstant(value);
  else edit.removeNode(value.producer);
}
