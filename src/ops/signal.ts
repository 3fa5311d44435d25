import { addDims, floorDivideDims, multiplyDims, subtractDims } from '../core/dim.ts';
import type { Dim } from '../core/shape.ts';
import { dtypeOfNumber } from './data-types.ts';
import type { InferContext, Op, OutputInfo } from './op.ts';
import { axisOf, has, invalid, replaceDim, scalarOf, tensor, withRank } from './rules.ts';

/** Spectra and windows. The last axis of a spectrum is 1 (real) or 2 (complex). */

const flag = { kind: 'int', default: 0, min: 0, max: 1 } as const;

function half(length: Dim): Dim {
  return addDims(floorDivideDims(length, 2), 1);
}

function dftRule(c: InferContext): OutputInfo[] {
  const x = withRank(c, 0, 2, Infinity);
  if (x === null) return [tensor(c.dtype(0), null)];
  const at = has(c, 2) ? scalarOf(c, 2) : -2;
  const isInverse = c.attributes.int('inverse') !== 0;
  const isOnesided = c.attributes.int('onesided') !== 0;
  const isReal = isInverse && isOnesided;
  const parts = isReal ? 1 : 2;
  if (typeof at !== 'number') {
    const dims = x.map((): Dim => null);
    return [tensor(c.dtype(0), replaceDim(dims, x.length - 1, parts))];
  }
  const axis = axisOf(c, at, x.length);
  if (axis === x.length - 1) throw invalid(c, 'E_SHAPE_AXIS', 'the axis is that of the parts');
  const size = x[axis]!;
  const whole = isReal ? multiplyDims(addDims(size, -1), 2) : size;
  const length = has(c, 1) ? scalarOf(c, 1) : whole;
  const dims = replaceDim(x, axis, isOnesided && !isInverse ? half(length) : length);
  return [tensor(c.dtype(0), replaceDim(dims, x.length - 1, parts))];
}

/** signal [B, L, 1 | 2] → [B, frames, bins, 2] */
function stftRule(c: InferContext): OutputInfo[] {
  const x = withRank(c, 0, 2, 3);
  const step = scalarOf(c, 1);
  if (step === 0) throw invalid(c, 'E_SHAPE_WINDOW', 'the frame step is 0');
  const window = has(c, 2) ? (withRank(c, 2, 1)?.[0] ?? null) : null;
  const length = has(c, 3) ? (scalarOf(c, 3) ?? window) : window;
  const signal = x?.[1] ?? null;
  const isShort = typeof signal === 'number' && typeof length === 'number' && signal < length;
  if (isShort) throw invalid(c, 'E_SHAPE_WINDOW', `frames of ${length} from a signal of ${signal}`);
  const frames = addDims(floorDivideDims(subtractDims(signal, length), step), 1);
  const bins = c.attributes.int('onesided') !== 0 ? half(length) : length;
  return [tensor(c.dtype(0), [x?.[0] ?? null, frames, bins, 2])];
}

const outputType = { output_datatype: { kind: 'int', default: 1 } } as const;

export const signalOps: readonly Op[] = [
  {
    name: 'DFT',
    inputs: [1, 3],
    outputs: [1, 1],
    attributes: { inverse: flag, onesided: flag },
    infer: dftRule,
  },
  {
    name: 'STFT',
    inputs: [2, 4],
    outputs: [1, 1],
    attributes: { onesided: { ...flag, default: 1 } },
    infer: stftRule,
  },
  ...['BlackmanWindow', 'HammingWindow', 'HannWindow'].map(
    (name): Op => ({
      name,
      inputs: [1, 1],
      outputs: [1, 1],
      attributes: { ...outputType, periodic: { kind: 'int', default: 1 } },
      infer: (c) => [tensor(dtypeOfNumber(c.attributes.int('output_datatype')), [scalarOf(c, 0)])],
    }),
  ),
  {
    name: 'MelWeightMatrix',
    inputs: [5, 5],
    outputs: [1, 1],
    attributes: outputType,
    infer: (c) => [
      tensor(dtypeOfNumber(c.attributes.int('output_datatype')), [
        half(scalarOf(c, 1)),
        scalarOf(c, 0),
      ]),
    ],
  },
];
