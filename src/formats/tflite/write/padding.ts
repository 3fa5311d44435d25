import { asInt32, concat, pad, reshape, same, slice } from './blocks.ts';
import { type Emitter, knownRank, knownSizes, numbersOf, type Row } from './emitter.ts';
import type { Operand } from './operand.ts';
import { axesOf, spread } from './slice.ts';

const modes: Readonly<Record<string, number>> = { reflect: 0 };

const padded: Row = (e) => {
  const [x, out] = [e.in(0), e.out()];
  const rank = knownRank(e, x);
  const given = e.numbers(1);
  const axes = e.has(3) ? e.numbers(3) : Array.from({ length: rank }, (_, axis) => axis);
  if (given === null || axes === null) return computedPad(e, x, rank, out);
  const pads = Array.from({ length: rank }, (): [number, number] => [0, 0]);
  axes.forEach((axis, index) => {
    pads[axis < 0 ? axis + rank : axis] = [given[index]!, given[index + axes.length]!];
  });
  const mode = e.attributes.string('mode');
  const cropped = crop(e, x, pads);
  const grown = pads.map(([a, b]): [number, number] => [Math.max(a, 0), Math.max(b, 0)]);
  const isCropped = pads.some(([a, b]) => a < 0 || b < 0);
  if (isCropped && grown.every(([a, b]) => a + b === 0)) {
    slice(
      e,
      x,
      pads.map(([a]) => Math.max(-a, 0)),
      knownSizes(e, out),
      out,
    );
    return;
  }
  if (mode === 'constant') {
    const value = e.has(2) ? e.in(2) : null;
    const number = value?.constant == null ? null : numbersOf(value.constant)?.[0];
    pad(e, cropped, grown, value === null || number === 0 ? null : reshape(e, value, []), out);
    return;
  }
  if (modes[mode] !== undefined) {
    const options = { type: 'MirrorPadOptions', value: { mode: modes[mode] } } as const;
    e.op('MIRROR_PAD', [cropped, e.ints(grown.flat(), [rank, 2])], [out], options);
    return;
  }
  // edge and wrap: the places that each element comes from, axis by axis.
  let now = cropped;
  const changed = grown
    .map((_, axis) => axis)
    .filter((axis) => grown[axis]![0] + grown[axis]![1] > 0);
  changed.forEach((axis, index) => {
    const size = now.shape![axis];
    if (typeof size !== 'number') throw e.fail('SHAPE', 'the size of a padded axis is not known');
    const [before, after] = grown[axis]!;
    const order = Array.from({ length: before + size + after }, (_, to) => {
      const at = to - before;
      return mode === 'edge' ? Math.min(Math.max(at, 0), size - 1) : ((at % size) + size) % size;
    });
    const isLast = index === changed.length - 1;
    const to = isLast ? out : e.temp(x.dtype, now.shape!.with(axis, order.length));
    e.op('GATHER', [now, e.ints(order)], [to], { type: 'GatherOptions', value: { axis } });
    now = to;
  });
  if (changed.length === 0) same(e, now);
};

/** Pads that are computed: a row of two for each axis. What is less than 0 fails when it runs. */
function computedPad(e: Emitter, x: Operand, rank: number, out: Operand): void {
  const mode = e.attributes.string('mode');
  const count = Number(e.in(1).shape?.[0] ?? Number.NaN) / 2;
  if (Number.isNaN(count)) throw e.fail('AXES', 'nobody knows how many axes are padded');
  if (mode !== 'constant') throw e.fail('AXES', `computed sizes of a Pad by ${mode}`);
  const axes = axesOf(e, e.has(3) ? 3 : null, count, rank);
  const sides = asInt32(e, e.in(1));
  const columns = [0, count].map((from) => {
    const side = slice(e, sides, [from], [count]);
    return reshape(e, spread(e, side, axes, rank, 0), [rank, 1]);
  });
  const table = concat(e, columns, 1);
  const value = e.has(2) ? reshape(e, e.in(2), []) : null;
  if (value === null) e.op('PAD', [x, table], [out], { type: 'PadOptions', value: {} });
  else e.op('PADV2', [x, table, value], [out], { type: 'PadV2Options', value: {} });
}

function crop(e: Emitter, x: Operand, pads: readonly [number, number][]): Operand {
  if (pads.every(([a, b]) => a >= 0 && b >= 0)) return x;
  const sizes = knownSizes(e, x);
  const begin = pads.map(([a]) => Math.max(-a, 0));
  return slice(
    e,
    x,
    begin,
    sizes.map((size, axis) => size - begin[axis]! - Math.max(-pads[axis]![1], 0)),
  );
}

export const padRows: Readonly<Record<string, Row>> = { Pad: padded };
