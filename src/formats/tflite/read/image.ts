import { bytesOf } from '../../../core/tensor.ts';
import { constantOf } from '../../../ir/constant.ts';
import type { Value } from '../../../ir/graph.ts';
import type { OperatorReader, Row } from './operator.ts';
import { giveIntegers } from './shape.ts';

/** Without half pixels and aligned corners, coordinates are only multiplied. */
function coordinates(alignCorners: boolean, halfPixel: boolean): string {
  if (alignCorners) return 'align_corners';
  return halfPixel ? 'half_pixel' : 'asymmetric';
}

function bilinear(o: OperatorReader): void {
  const { alignCorners, halfPixelCenters } = o.options('ResizeBilinearOptions');
  o.give('mp.Resize', [o.input(0), null, null, o.indices(1)], {
    axes: [1, 2],
    mode: 'linear',
    coordinate_transformation_mode: coordinates(alignCorners, halfPixelCenters),
  });
}

/** Positions are cut off, rounded half up with aligned corners; half pixels come to the latter
 *  (reference/resize_nearest_neighbor.h). */
function nearest(o: OperatorReader): void {
  const { alignCorners, halfPixelCenters } = o.options('ResizeNearestNeighborOptions');
  o.give('mp.Resize', [o.input(0), null, null, o.indices(1)], {
    axes: [1, 2],
    mode: 'nearest',
    coordinate_transformation_mode: coordinates(alignCorners, halfPixelCenters),
    nearest_mode: alignCorners || halfPixelCenters ? 'round_prefer_ceil' : 'floor',
  });
}

/** Boxes [N, 4], scores [N]; the result has room for the wished number of boxes, the rest of it is zeros. */
function suppression(o: OperatorReader, hasScores: boolean): void {
  if (hasScores && (o.known(5)[0] ?? 0) !== 0) throw o.unsupported('soft suppression');
  const [boxes, scores] = [o.input(0), o.input(1)];
  const list = o.ints('list', [1]);
  const most = o.add('Reshape', [o.indices(2), list]);
  const limit = (index: number): Value => o.add('Reshape', [o.input(index), list]);
  const found = o.add('NonMaxSuppression', [
    o.add('Unsqueeze', [boxes, o.ints('batch', [0])]),
    o.add('Unsqueeze', [scores, o.ints('batch_and_class', [0, 1])]),
    most,
    limit(3),
    limit(4),
  ]);
  const indices = o.add('Gather', [found, o.ints('box', [2], [])], { axis: 1 });
  const count = o.add('Shape', [indices]);
  const pads = o.add('Concat', [o.ints('none', [0]), o.add('Sub', [most, count])], { axis: 0 });
  giveIntegers(o, o.add('Pad', [indices, pads]), 0);
  let next = 1;
  if (hasScores) {
    const kept = o.add('Gather', [scores, indices], { axis: 0 });
    o.give('Pad', [kept, pads], {}, next++);
  }
  const scalar = o.ints('scalar_shape', []);
  giveIntegers(o, o.add('Reshape', [count, scalar]), next);
}

/** Magnitudes of levels that a training graph pretends to have. */
function fakeQuantize(o: OperatorReader): void {
  const { min, max, numBits, narrowRange } = o.options('FakeQuantOptions');
  if (numBits > 16 || numBits < 2) throw o.unsupported(`${numBits} bits`);
  const low = narrowRange ? 1 : 0;
  const high = 2 ** numBits - 1;
  const scale = Math.fround(Math.fround(max - min) / Math.fround(high - low));
  const from = Math.fround(low - Math.fround(min / scale));
  const rounded = Math.floor(from + 0.5);
  const zero = from < low ? low : from > high ? high : rounded;
  const storage = numBits > 8 ? 'uint16' : 'uint8';
  const level = storage === 'uint16' ? Uint16Array.of(zero) : Uint8Array.of(zero);
  const clipped = o.add('Clip', [
    o.input(0),
    o.scalar('min', Math.fround((low - zero) * scale)),
    o.scalar('max', Math.fround((high - zero) * scale)),
  ]);
  const parameters = [
    o.scalar('scale', scale),
    o.constant('zero_point', constantOf(storage, [], bytesOf(level))),
  ];
  o.give('DequantizeLinear', [o.add('QuantizeLinear', [clipped, ...parameters]), ...parameters]);
}

export const imageRows: Readonly<Record<string, Row>> = {
  RESIZE_BILINEAR: bilinear,
  RESIZE_NEAREST_NEIGHBOR: nearest,
  NON_MAX_SUPPRESSION_V4: (o) => {
    suppression(o, false);
  },
  NON_MAX_SUPPRESSION_V5: (o) => {
    suppression(o, true);
  },
  FAKE_QUANT: fakeQuantize,
};
