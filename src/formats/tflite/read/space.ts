import type { Value } from '../../../ir/graph.ts';
import { MirrorPadMode } from '../schema-table.ts';
import type { OperatorReader, Row } from './operator.ts';
import { countOf, typeOf } from './values.ts';

/** [axis][before, after] → all before, then all after. */
function padsOf(o: OperatorReader, index: number): Value {
  const known = o.numbers(index);
  if (known === null) {
    const turned = o.add('Transpose', [o.indices(index)], { perm: [1, 0] });
    return o.add('Reshape', [turned, o.ints('list', [-1])]);
  }
  const even = (i: number): boolean => i % 2 === 0;
  return o.ints('pads', [...known.filter((_, i) => even(i)), ...known.filter((_, i) => !even(i))]);
}

/** Levels are padded with the one that stands for zero. */
function pad(o: OperatorReader): void {
  o.give('Pad', [o.input(0), padsOf(o, 1)]);
}

function padWith(o: OperatorReader): void {
  let value = o.input(2);
  if (typeOf(value).shape?.length !== 0)
    value = o.add('Reshape', [value, o.ints('scalar_shape', [])]);
  o.give('Pad', [o.input(0), padsOf(o, 1), value]);
}

/** SYMMETRIC repeats the edge itself, which ONNX does not have: elements are chosen, axis by axis. */
function mirrorPad(o: OperatorReader): void {
  const { mode } = o.options('MirrorPadOptions');
  if (mode === MirrorPadMode.REFLECT) {
    o.give('Pad', [o.input(0), padsOf(o, 1)], { mode: 'reflect' });
    return;
  }
  const pads = o.known(1);
  const axes = Array.from({ length: pads.length / 2 }, (_, axis) => axis).filter(
    (axis) => pads[2 * axis] !== 0 || pads[2 * axis + 1] !== 0,
  );
  if (axes.length === 0) {
    o.give('Identity', [o.input(0)]);
    return;
  }
  let value = o.input(0);
  axes.forEach((axis, i) => {
    const size = o.size(0, axis);
    const [before, after] = [pads[2 * axis]!, pads[2 * axis + 1]!];
    const places = Array.from({ length: countOf(o, before + size + after) }, (_, at) => {
      const place = at - before;
      return place < 0 ? -1 - place : place < size ? place : 2 * size - 1 - place;
    });
    const inputs = [value, o.ints('places', places)];
    if (i === axes.length - 1) o.give('Gather', inputs, { axis });
    else value = o.add('Gather', inputs, { axis });
  });
}

const depth =
  (op: 'DepthToSpace' | 'SpaceToDepth'): Row =>
  (o) => {
    const { blockSize } = o.options(`${op}Options`);
    o.give(`mp.${op}`, [o.input(0)], { blocksize: blockSize });
  };

/** Elements of a block go to different batches: pad, split each axis in two, exchange. */
function spaceToBatch(o: OperatorReader): void {
  const blocks = o.known(1);
  const pads = o.known(2);
  const x = o.input(0);
  const count = blocks.length;
  const rank = o.rank(0);
  const before = blocks.map((_, i) => pads[2 * i]!);
  const after = blocks.map((_, i) => pads[2 * i + 1]!);
  const rest = Array.from({ length: rank - 1 - count }, (_, i) => o.size(0, 1 + count + i));
  const sizes = blocks.map((_, i) => o.size(0, i + 1) + before[i]! + after[i]!);
  const tail = rest.map(() => 0);
  let padded = x;
  if ([...before, ...after].some((size) => size !== 0)) {
    padded = o.like(x, 'padded');
    const all = [0, ...before, ...tail, 0, ...after, ...tail];
    o.node('Pad', [x, o.ints('pads', all)], {}, [padded]);
  }
  const split = sizes.flatMap((size, i) => [size / blocks[i]!, blocks[i]!]);
  if (split.some((size) => !Number.isInteger(size)))
    throw o.unsupported('sizes that the blocks do not divide');
  const parts = o.like(x, 'parts');
  o.node('Reshape', [padded, o.ints('split', [-1, ...split, ...rest])], {}, [parts]);
  const perm = [
    ...blocks.map((_, i) => 2 + 2 * i),
    0,
    ...blocks.map((_, i) => 1 + 2 * i),
    ...rest.map((_, i) => 1 + 2 * count + i),
  ];
  const turned = o.like(x, 'turned');
  o.node('Transpose', [parts], { perm }, [turned]);
  const small = sizes.map((size, i) => size / blocks[i]!);
  o.give('Reshape', [turned, o.ints('shape', [-1, ...small, ...rest])]);
}

function batchToSpace(o: OperatorReader): void {
  const blocks = o.known(1);
  const crops = o.known(2);
  const x = o.input(0);
  const count = blocks.length;
  const rank = o.rank(0);
  const sizes = Array.from({ length: rank - 1 }, (_, i) => o.size(0, 1 + i));
  const parts = o.like(x, 'parts');
  o.node('Reshape', [x, o.ints('split', [...blocks, -1, ...sizes])], {}, [parts]);
  const perm = [
    count,
    ...blocks.flatMap((_, i) => [count + 1 + i, i]),
    ...sizes.slice(count).map((_, i) => 2 * count + 1 + i),
  ];
  const turned = o.like(x, 'turned');
  o.node('Transpose', [parts], { perm }, [turned]);
  const large = sizes.map((size, i) => (i < count ? size * blocks[i]! : size));
  const shape = o.ints('shape', [-1, ...large]);
  if (crops.every((size) => size === 0)) {
    o.give('Reshape', [turned, shape]);
    return;
  }
  const whole = o.like(x, 'whole');
  o.node('Reshape', [turned, shape], {}, [whole]);
  o.give('Slice', [
    whole,
    o.ints(
      'starts',
      blocks.map((_, i) => crops[2 * i]!),
    ),
    o.ints(
      'ends',
      blocks.map((_, i) => large[i]! - crops[2 * i + 1]!),
    ),
    o.ints(
      'axes',
      blocks.map((_, i) => i + 1),
    ),
  ]);
}

/** Zeros (or the given value) between elements. */
function dilate(o: OperatorReader): void {
  const steps = o.known(1);
  let value = o.input(0);
  const rank = o.rank(0);
  const padding = o.input(2);
  const axes = steps.flatMap((step, axis) => (step > 1 ? [axis] : []));
  for (const axis of axes) {
    // Each element, then the padding, along a new axis; what is behind the last element is cut off.
    const step = steps[axis]!;
    const size = o.size(0, axis);
    const spread = o.add('Unsqueeze', [value, o.ints('axis', [axis + 1])]);
    const pads = new Array<number>(2 * (rank + 1)).fill(0);
    pads[rank + 1 + axis + 1] = step - 1;
    const padded = o.add('Pad', [spread, o.ints('pads', pads), padding]);
    const sizes = Array.from({ length: rank }, (_, i) => (i === axis ? size * step : 0));
    const flat = o.add('Reshape', [padded, o.ints('shape', mergedAt(o, axis, sizes, steps))]);
    value = o.add('Slice', [
      flat,
      o.ints('from', [0]),
      o.ints('to', [(size - 1) * step + 1]),
      o.ints('axes', [axis]),
    ]);
  }
  o.give('Identity', [value]);
}

/** Sizes before `axis` are dilated already. */
function mergedAt(
  o: OperatorReader,
  axis: number,
  sizes: readonly number[],
  steps: readonly number[],
): number[] {
  return sizes.map((size, i) => {
    if (i === axis) return size;
    const own = o.size(0, i);
    return i < axis ? (own - 1) * steps[i]! + 1 : own;
  });
}

export const spaceRows: Readonly<Record<string, Row>> = {
  PAD: pad,
  PADV2: padWith,
  MIRROR_PAD: mirrorPad,
  DEPTH_TO_SPACE: depth('DepthToSpace'),
  SPACE_TO_DEPTH: depth('SpaceToDepth'),
  SPACE_TO_BATCH_ND: spaceToBatch,
  BATCH_TO_SPACE_ND: batchToSpace,
  DILATE: dilate,
};
