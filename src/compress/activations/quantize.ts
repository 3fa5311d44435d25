import { breather } from '../../core/breathe.ts';
import { integerRange } from '../../core/dtype.ts';
import { checkAborted, rangeError } from '../../core/errors.ts';
import { clone } from '../../ir/clone.ts';
import { describe, Edit } from '../../ir/edit.ts';
import { Node, type Value } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { allNodes, namesAround } from '../../ir/walk.ts';
import { ops } from '../../ops/index.ts';
import { inferShapes } from '../../passes/shapes.ts';
import type { ActivationsReport, LayerReport } from '../../report/report.ts';
import { affineParameters } from '../affine.ts';
import type { CalibrationMethod, Range } from '../calibration/index.ts';
import type { Decisions } from '../pipeline/decide.ts';
import type { PlannedActivation, PlannedWeight } from '../plan.ts';
import { type RoundedWeight, reportOf } from '../rounding/sequential.ts';
import { bitsOf, formatScheme, type LevelStorage, storedBytes } from '../scheme.ts';
import { activationSteps, type ConverterScheme } from './converter.ts';
import type { GivenRange } from './given.ts';
import { type Levels, measureOperands, storeOperands } from './operands.ts';
import { isPair, roleOf, type TargetRuntime } from './roles.ts';
import { type Group, type Selection, select } from './select.ts';
import { type LinearWeight, linearWeight, type Product, storeLinear } from './weights.ts';
import { type FindLevels, wishesOf } from './wishes.ts';

/** Finds the ranges of values of a model's main graph, by name. A value whose range is not among the results, or is
 *  not finite, stays real. */
export type FindRanges = (
  model: Model,
  values: readonly string[],
) => Promise<ReadonlyMap<string, Range>>;

export interface ActivationSettings {
  storage: LevelStorage;
  target: TargetRuntime;
  method: CalibrationMethod;
  /** Whose arithmetic gives the parameters; null: ours. */
  scheme: ConverterScheme | null;
  /** What the model takes and gives. */
  ioTypes: 'float32' | 'int8';
  /** What is known without samples. */
  ranges: ReadonlyMap<string, GivenRange>;
}

export interface QuantizedActivations {
  planned: PlannedActivation[];
  weights: PlannedWeight[];
  layers: LayerReport[];
  report: ActivationsReport;
}

/** What is known of a model before anything is chosen. */
export interface Survey {
  weights: ReadonlyMap<Value, LinearWeight | string>;
  levels: ReadonlyMap<Value, Levels>;
  /** Why products with weights can't run on integers. */
  faults: ReadonlyMap<Node, string>;
  /** What runs on integers where only these values may be quantized, and without these products. */
  choose(hasRange: (value: Value) => boolean, isLeft?: (node: Node) => boolean): Selection;
}

/** Measures weights and constant operands; the model stays as it is. */
export async function survey(
  model: Model,
  decisions: Decisions,
  { storage, target, scheme }: ActivationSettings,
  signal?: AbortSignal,
): Promise<Survey> {
  const floats = floatNames(model);
  const weights = new Map<Value, LinearWeight | string>();
  const levels = new Map<Value, Levels>();
  const faults = new Map<Node, string>();
  const breathe = breather();
  for (const node of model.graph.nodes) {
    await breathe();
    checkAborted(signal);
    const role = roleOf(node, target);
    if (role === 'linear') {
      const { settings, why } = decisions.of(node);
      const weight =
        settings === null || settings.activations === null
          ? `it is kept real: ${why}`
          : isPair(node)
            ? null
            : await linearWeight(node, settings, weights);
      if (typeof weight === 'string') faults.set(node, weight);
    } else if (role === 'pairwise') await measureOperands(node, storage, scheme, levels);
  }
  const choose: Survey['choose'] = (hasRange, isLeft = () => false) =>
    select(model, {
      target,
      directed: scheme !== null,
      clampsKeep: model.format === 'tflite',
      isFloat: ({ name }) => floats.has(name),
      isWeighted: (node) => !faults.has(node) && !isLeft(node),
      isLevels: (value) => levels.has(value),
      hasRange: (value) => !decisions.real.has(value.name) && hasRange(value),
    });
  return { weights, levels, faults, choose };
}

/** Makes a model compute with integers where operators have kernels on them: values get one scale and zero point from
 *  the range that they take (widened to contain 0; int16 is around zero), weights are int8 or int4 around zero with a scale
 *  for each output, biases int32 in steps of what is summed, or real beside 16 bits: these sums need more. What has no
 *  range, or would lose too much, stays as it is, and is listed. Quantization is attached to values. Inner graphs stay. */
export async function quantizeActivations(
  model: Model,
  decisions: Decisions,
  settings: ActivationSettings,
  findRanges: FindRanges,
  signal?: AbortSignal,
  findLevels: FindLevels = async () => new Map(),
): Promise<QuantizedActivations> {
  const { storage, target, scheme, ranges: given } = settings;
  const { weights, levels, faults, choose } = await survey(model, decisions, settings, signal);
  checkNames(model, given);
  const { nodes, groups, ranges } = await withRanges(model, choose, given, findRanges);
  checkAborted(signal);
  const edit = new Edit(model, {
    pass: 'quantize',
    rule: `static ${storage}`,
    reason: 'kernels on integers',
  });
  const names = namesAround(model.graph);
  const planned = groups.flatMap((group) => attach(group, storage, scheme, ranges));
  const rounded = await findLevels(wishesOf(nodes, weights, decisions));
  const done = await storeWeights(edit, nodes, weights, scheme, names, rounded);
  for (const node of nodes)
    if (roleOf(node, target) === 'pairwise') storeOperands(edit, node, levels, names);
  if (nodes.length > 0) edit.commit();
  const isRun = new Set(nodes);
  const real = [...allNodes(model.graph)].filter(
    (node) => roleOf(node, target) === 'linear' && !isRun.has(node),
  );
  const why = (node: Node): string =>
    node.graph === model.graph
      ? (faults.get(node) ?? whyReal(node, decisions))
      : 'it is in a branch or body: its weights alone become integers';
  return {
    planned,
    ...done,
    report: {
      storage,
      target,
      values: planned.length,
      operators: nodes.length,
      real: real.map((node) => ({ layer: describe(node), reason: why(node) })),
    },
  };
}

function whyReal({ inputs, outputs }: Node, { real }: Decisions): string {
  for (const value of [...inputs, ...outputs.flatMap((output) => [output, ...readersOf(output)])]) {
    const why = value === null ? undefined : real.get(value.name);
    if (why !== undefined) return why;
  }
  return 'no finite range is known for what it reads or makes';
}

/** What the nodes make that read a value. */
function readersOf({ uses }: Value): Value[] {
  return [...uses].flatMap(({ user }) => (user instanceof Node ? user.outputs : []));
}

/** Chooses, asks for ranges that are not given, and chooses again without the values that have none. */
async function withRanges(
  model: Model,
  choose: (hasRange: (value: Value) => boolean) => Selection,
  given: ReadonlyMap<string, GivenRange>,
  findRanges: FindRanges,
): Promise<Selection & { ranges: ReadonlyMap<string, GivenRange> }> {
  let selection = choose(() => true);
  const names = selection.groups
    .filter(({ fixed }) => fixed === null)
    .flatMap(({ leaders }) => leaders.map(({ name }) => name))
    .filter((name) => !given.has(name));
  const found = names.length === 0 ? [] : await findRanges(model, names);
  const ranges = new Map<string, GivenRange>([...found, ...given]);
  const without = new Set<string>();
  for (;;) {
    const before = without.size;
    for (const { leaders, fixed } of selection.groups)
      for (const { name } of leaders)
        if (fixed === null && !isUsable(ranges.get(name))) without.add(name);
    if (without.size === before) return { ...selection, ranges };
    // A product whose clamp stays real is asked for itself: it has no range either.
    selection = choose(({ name }) => !without.has(name));
  }
}

/** @throws {RangeError} a range of something that is no computed value of the main graph */
function checkNames({ graph }: Model, given: ReadonlyMap<string, GivenRange>): void {
  const values = [...graph.inputs, ...graph.nodes.flatMap(({ outputs }) => outputs)];
  const known = new Set(values.map(({ name }) => name));
  for (const name of given.keys())
    if (!known.has(name)) throw rangeError('quantize.ranges', 'values of the main graph', name);
}

/** Whether a range has levels whose products with those of weights are numbers, too. */
function isUsable(range: GivenRange | undefined): boolean {
  if (range === undefined) return false;
  const width = 'scale' in range ? range.scale * 255 : range.max - range.min;
  return width === 0 || (width > narrowest && width < widest);
}

const widest = 2 ** 96;
const narrowest = 2 ** -80;

/** Names of the values of float32: types that a file does not declare are inferred on a copy. */
function floatNames(model: Model): Set<string> {
  const typed = clone(model);
  inferShapes(typed, ops);
  const { inputs, constants, nodes } = typed.graph;
  const names = new Set<string>();
  for (const value of [...inputs, ...constants, ...nodes.flatMap(({ outputs }) => outputs)])
    if (value.type?.kind === 'tensor' && value.type.dtype === 'float32') names.add(value.name);
  return names;
}

/** Gives the values of a group their levels. */
function attach(
  { values, leaders, fixed }: Group,
  storage: LevelStorage,
  scheme: ConverterScheme | null,
  ranges: ReadonlyMap<string, GivenRange>,
): PlannedActivation[] {
  const own =
    fixed === null
      ? leaders.map(({ name }) => ranges.get(name)!)
      : [bitsOf[storage] > 8 ? finer(fixed, storage) : fixed];
  const { scale, zeroPoint, min, max } = levelsOfRanges(own, storage, scheme);
  return values.map((value) => {
    value.quantization = {
      storage,
      view: null,
      scale: Float32Array.of(scale),
      zeroPoint: zeroPoint === 0 ? null : Int32Array.of(zeroPoint),
      axis: null,
      blockSize: null,
    };
    return { value: value.name, storage, scale, zeroPoint, min, max };
  });
}

/** The levels of 16 bits for a range that is known for 256 steps: of int16, TFLite's kernels are made for 1/32768. */
function finer({ min, max }: Range, storage: LevelStorage): GivenRange {
  const width = ((max - min) * 256) / 255;
  const isOneSided = min === 0 || max === 0;
  if (storage === 'int16') return { scale: (isOneSided ? width : width / 2) / 32768, zeroPoint: 0 };
  const zeroPoint = min === 0 ? 0 : isOneSided ? 65535 : 32768;
  return { scale: width / 65536, zeroPoint };
}

interface LevelsOfRange {
  scale: number;
  zeroPoint: number;
  /** What they span. */
  min: number;
  max: number;
}

/** Levels for all that is known about values which share them; levels that are given for the first of them are taken. */
function levelsOfRanges(
  ranges: readonly GivenRange[],
  storage: LevelStorage,
  scheme: ConverterScheme | null,
): LevelsOfRange {
  const { min: least, max: most } = integerRange(storage);
  const bounds = ranges.map((range) => {
    if (!('scale' in range)) return range;
    const scale = Math.fround(range.scale);
    const { zeroPoint } = range;
    return { scale, zeroPoint, min: (least - zeroPoint) * scale, max: (most - zeroPoint) * scale };
  });
  const [first] = bounds;
  if (first !== undefined && 'scale' in first) return first;
  const min = Math.min(0, ...bounds.map((range) => range.min));
  const max = Math.max(0, ...bounds.map((range) => range.max));
  if (scheme !== null) return { ...activationSteps(min, max), min, max };
  const { scale, zeroPoint } = affineParameters(Float32Array.of(min), Float32Array.of(max), {
    storage,
    // TFLite has no zero points of int16.
    symmetric: storage === 'int16',
  });
  return { scale: scale[0]!, zeroPoint: zeroPoint?.[0] ?? 0, min, max };
}

async function storeWeights(
  edit: Edit,
  nodes: readonly Node[],
  weights: ReadonlyMap<Value, LinearWeight | string>,
  rule: ConverterScheme | null,
  names: Set<string>,
  rounded: ReadonlyMap<string, RoundedWeight>,
): Promise<{ weights: PlannedWeight[]; layers: LayerReport[] }> {
  const products = new Map<LinearWeight, Product[]>();
  for (const node of nodes) {
    const weight = node.inputs[1] == null ? undefined : weights.get(node.inputs[1]);
    const x = node.inputs[0]?.quantization;
    if (weight === undefined || typeof weight === 'string' || x == null) continue;
    const step = bitsOf[x.storage as LevelStorage] > 8 ? null : x.scale[0]!;
    const product = { node, step };
    const known = products.get(weight);
    if (known === undefined) products.set(weight, [product]);
    else known.push(product);
  }
  const planned: PlannedWeight[] = [];
  const layers: LayerReport[] = [];
  for (const [weight, users] of products) {
    const { constant, scheme, measured, value } = weight;
    const own = rounded.get(value.name);
    await storeLinear(edit, weight, users, rule, names, own);
    planned.push({ weight: value.name, graph: 0, storage: scheme });
    layers.push({
      weight: value.name,
      layers: users.map(({ node }) => describe(node)),
      shape: constant.shape,
      from: constant.dtype,
      to: formatScheme(scheme),
      bytesBefore: constant.data.size,
      bytesAfter: storedBytes(scheme),
      sqnrDb: Number.isFinite(measured.sqnrDb) ? measured.sqnrDb : null,
      ...(own === undefined ? {} : { rounding: reportOf(own) }),
    });
  }
  return { weights: planned, layers };
}
