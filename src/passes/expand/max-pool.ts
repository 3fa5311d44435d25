import { volume } from '../../core/shape.ts';
import type { Value } from '../../ir/graph.ts';
import type { Expansion } from './index.ts';

/** The largest of each window and where it is: place by place in the window, all windows at once. */
const maxPoolWithIndices: Expansion = (p) => {
  if (!p.wants(1)) p.stop('nobody asks where the largest are');
  const x = p.in(0);
  const [batch, channels, ...sizes] = p.dims(x) as [number, number, ...number[]];
  const places = p.dims(p.node.outputs[0]!).slice(2);
  const rank = sizes.length;
  const { attributes } = p;
  if (attributes.string('auto_pad', 'NOTSET') !== 'NOTSET')
    p.stop('its padding is not spelled out');
  if (attributes.int('storage_order', 0) !== 0) p.stop('indices go down columns');
  const list = (name: string, length: number, fill: number): readonly number[] => {
    const own = attributes.ints(name);
    return own === null || own.length === 0 ? new Array<number>(length).fill(fill) : own;
  };
  const kernel = attributes.ints('kernel_shape') ?? p.stop('the window is not known');
  const [strides, dilations] = [list('strides', rank, 1), list('dilations', rank, 1)];
  const pads = list('pads', 2 * rank, 0);
  const spans = places.map(
    (count, i) => (count - 1) * strides[i]! + (kernel[i]! - 1) * dilations[i]! + 1,
  );
  const after = sizes.map((size, i) => Math.max(spans[i]! - size - pads[i]!, 0));
  const grown = sizes.map((size, i) => size + pads[i]! + after[i]!);
  const sides = [0, 0, ...pads.slice(0, rank), 0, 0, ...after];
  const lowest = p.scalar(-Infinity, 'float32');
  const whole = [batch, channels, ...grown];
  const padded = p.op('Pad', [x, p.ints(sides), lowest], whole, p.dtype(x));
  const planes = p.ints(
    Array.from({ length: batch * channels }, (_, i) => i * volume(sizes)),
    [batch, channels, ...sizes.map(() => 1)],
  );
  const shape = [batch, channels, ...places];
  let best: { value: Value; at: Value } | null = null;
  for (let tap = 0; tap < volume(kernel); tap++) {
    const start: number[] = [];
    let rest = tap;
    for (let axis = rank - 1; axis >= 0; axis--) {
      start[axis] = (rest % kernel[axis]!) * dilations[axis]!;
      rest = Math.floor(rest / kernel[axis]!);
    }
    const ends = start.map((from, i) => from + (places[i]! - 1) * strides[i]! + 1);
    const axes = sizes.map((_, i) => i + 2);
    const lists = [start, ends, axes, strides].map((values) => p.ints(values));
    const value = p.op('Slice', [padded, ...lists], shape, p.dtype(x));
    const at = p.ints(
      Array.from({ length: volume(places) }, (_, place) => {
        let [left, index, stride] = [place, 0, 1];
        for (let axis = rank - 1; axis >= 0; axis--) {
          const own = left % places[axis]!;
          left = Math.floor(left / places[axis]!);
          index += (own * strides[axis]! + start[axis]! - pads[axis]!) * stride;
          stride *= sizes[axis]!;
        }
        return index;
      }),
      [1, 1, ...places],
    );
    if (best === null) {
      best = { value, at: p.expand(at, shape) };
      continue;
    }
    const isMore = p.test('Greater', value, best.value);
    best = { value: p.where(isMore, value, best.value), at: p.where(isMore, at, best.at) };
  }
  p.end(0, best!.value);
  p.end(1, p.add(best!.at, planes));
};

export const poolExpansions: Readonly<Record<string, Expansion>> = { MaxPool: maxPoolWithIndices };
