import { integerRange } from '../../core/dtype.ts';
import { scaleIndex } from '../../ir/levels.ts';
import type { AffineParameters } from '../affine.ts';
import type { Scheme } from '../scheme.ts';
import type { Reader } from '../statistics/reader.ts';
import type { GroupMoments } from './joint.ts';
import { diagonalMetric, metricOf, solveRows, squaresOf } from './metric.ts';
import { type Rounding, roundRow } from './round.ts';
import { deviation, nearestLevels, type Row } from './rows.ts';

/** A weight that is to be rounded. */
export interface Layer {
  readonly reader: Pick<Reader, 'groups' | 'size' | 'outputs' | 'element'>;
  readonly weights: Float32Array;
  readonly shape: readonly number[];
  readonly scheme: Scheme;
  /** Those that nearest rounding has. */
  readonly parameters: AffineParameters;
  /** Whether int4 has −8, too. */
  readonly isFull: boolean;
}

export interface RoundedLayer {
  /** As they are stored but for packing, zero points included; in the order of the weight. */
  readonly levels: Int16Array;
  readonly parameters: AffineParameters;
  /** Mean squares of the output: of what it should be, and of the errors of nearest rounding and of this one. */
  readonly signal: number;
  readonly nearestError: number;
  readonly error: number;
}

/** Rounds the weights of a layer.
 *  @param moments  of each group
 *  @param breathe  called between rows */
export async function roundWeights(
  layer: Layer,
  moments: readonly GroupMoments[],
  method: Exclude<Rounding, 'nearest'>,
  breathe: () => Promise<void>,
): Promise<RoundedLayer> {
  const { reader, weights, shape, scheme, parameters } = layer;
  const { groups, size, outputs } = reader;
  const index = scaleIndex(shape, { ...scheme, ...parameters });
  const scale = Float32Array.from(parameters.scale);
  const levels = new Int16Array(weights.length);
  const isShared = sharedScales(layer, index);
  const each = outputs / groups;
  const total = { signal: 0, nearestError: 0, error: 0 };
  for (const [group, { gram, diagonal, shift }] of moments.entries()) {
    const metric = gram === null ? diagonalMetric(diagonal) : metricOf(gram, size);
    const given = new Float64Array(each * size);
    for (let i = 0; i < each; i++)
      for (let k = 0; k < size; k++)
        given[i * size + k] = weights[reader.element(group * each + i, k)]!;
    const target = shift === null ? given : solveRows(metric, shift, each);
    if (shift !== null) for (let i = 0; i < target.length; i++) target[i]! += given[i]!;
    const rows = Array.from({ length: each }, (_, i) => {
      const elements = Int32Array.from({ length: size }, (_, k) =>
        reader.element(group * each + i, k),
      );
      const own = target.subarray(i * size, (i + 1) * size);
      return { elements, ...rowOf(layer, elements, index, own) };
    });
    const nearest = new Float64Array(each * size);
    const deviations = new Float64Array(each * size);
    rows.forEach(({ row }, i) => {
      const own = { ...row, target: given.subarray(i * size, (i + 1) * size) };
      const found = nearestLevels(own, row.scale);
      nearest.set(found, i * size);
      deviations.set(deviation(row, found, row.scale), i * size);
    });
    const signals = squaresOf(metric, given, each);
    const errors = squaresOf(metric, deviations, each);
    for (const [i, { row, scales, elements }] of rows.entries()) {
      await breathe();
      const start = {
        levels: nearest.subarray(i * size, (i + 1) * size),
        scale: row.scale,
        error: errors[i]!,
      };
      const mayScale = scales.every((at) => isShared[at] === 0);
      const rounded = roundRow(metric, row, start, method, mayScale);
      total.signal += signals[i]!;
      total.nearestError += errors[i]!;
      total.error += rounded.error;
      elements.forEach((element, k) => {
        const zero = parameters.zeroPoint?.[scales[row.parts[k]!]!] ?? 0;
        levels[element] = rounded.levels[k]! + zero;
      });
      if (mayScale)
        scales.forEach((at, part) => {
          scale[at] = rounded.scale[part]!;
        });
    }
  }
  return { levels, parameters: { scale, zeroPoint: parameters.zeroPoint }, ...total };
}

/** 1 for scales that more than one row has. */
function sharedScales({ reader, parameters }: Layer, index: (i: number) => number): Uint8Array {
  const { outputs, size, element } = reader;
  const owner = new Int32Array(parameters.scale.length).fill(-1);
  const isShared = new Uint8Array(owner.length);
  for (let output = 0; output < outputs; output++)
    for (let k = 0; k < size; k++) {
      const at = index(element(output, k));
      if (owner[at] !== -1 && owner[at] !== output) isShared[at] = 1;
      owner[at] = output;
    }
  return isShared;
}

/** @returns the row, and where its scales are among all */
function rowOf(
  { scheme, parameters, isFull }: Layer,
  elements: Int32Array,
  index: (i: number) => number,
  target: Float64Array,
): { row: Row; scales: number[] } {
  const places = new Map<number, number>();
  const parts = elements.map((element) => {
    const at = index(element);
    const known = places.get(at);
    if (known !== undefined) return known;
    places.set(at, places.size);
    return places.size - 1;
  });
  const scales = [...places.keys()];
  const { min, max } = integerRange(scheme.storage);
  const isNarrow = scheme.symmetric && min < 0 && !(isFull && scheme.storage === 'int4');
  const zero = (at: number): number => parameters.zeroPoint?.[at] ?? 0;
  const row: Row = {
    target,
    parts,
    scale: Float64Array.from(scales, (at) => parameters.scale[at]!),
    low: Int32Array.from(scales, (at) => (isNarrow ? -max : min - zero(at))),
    high: Int32Array.from(scales, (at) => max - zero(at)),
  };
  return { row, scales };
}
