import { int, ints, type Make, need, text } from './make.ts';
import type { Maker } from './maker.ts';

/** Operators that move elements, compute sizes, or reduce. */

/** A value whose elements are only moved. */
function any(m: Maker, low = 0, high = 6): number | null {
  return m.pick(
    ({ tensor: { type, dims } }) => type !== 'uint8' && dims.length >= low && dims.length <= high,
  );
}

const exact = { kind: 'exact' } as const;

function shuffled(m: Maker, count: number): number[] {
  const items = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = m.random.below(i + 1);
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}

function someAxes(m: Maker, rank: number): number[] {
  const axes = shuffled(m, rank).slice(0, m.between(1, Math.max(1, rank)));
  return axes.map((axis) => (m.chance(30) ? axis - rank : axis));
}

/** Sizes of as many elements, one of them perhaps −1. */
function otherSizes(m: Maker, dims: readonly number[]): number[] {
  let sizes = [...dims];
  for (let i = 0; i < 3; i++) {
    const at = m.random.below(sizes.length + 1);
    if (m.chance(50) && sizes.length < 5) sizes.splice(at, 0, 1);
    else if (sizes.length > 1 && at < sizes.length - 1)
      sizes.splice(at, 2, sizes[at]! * sizes[at + 1]!);
    const even = sizes.findIndex((size) => size > 2 && size % 2 === 0);
    if (even >= 0 && sizes.length < 5 && m.chance(50))
      sizes = [...sizes.slice(0, even), 2, sizes[even]! / 2, ...sizes.slice(even + 1)];
  }
  if (m.chance(40) && sizes.length > 0) sizes[m.random.below(sizes.length)] = -1;
  return sizes;
}

function reduction(op: string): Make {
  return (m) => {
    const id = m.float(1);
    if (id === null) return null;
    const rank = m.dims(id).length;
    const axes = m.chance(85) ? m.integers(someAxes(m, rank)) : null;
    const isExact = op === 'ReduceMax' || op === 'ReduceMin';
    return m.step(op, [id, axes], {
      attributes: { keepdims: int(m.between(0, 1)) },
      kind: isExact ? 'exact' : 'rounds',
    });
  };
}

const reductions: Record<string, Make> = Object.fromEntries(
  ['Sum', 'Mean', 'Max', 'Min', 'Prod', 'L1', 'L2', 'SumSquare', 'LogSumExp'].map((name) => [
    `Reduce${name}`,
    reduction(`Reduce${name}`),
  ]),
);

export const moves: Readonly<Record<string, Make>> = {
  ...reductions,
  Reshape: (m) => {
    const id = any(m, 1);
    if (id === null) return null;
    return m.step('Reshape', [id, m.integers(otherSizes(m, m.dims(id)))], exact);
  },
  Transpose: (m) => {
    const id = any(m, 1);
    if (id === null) return null;
    const perm = ints(shuffled(m, m.dims(id).length));
    return m.step('Transpose', [id], { ...exact, attributes: m.chance(85) ? { perm } : {} });
  },
  Flatten: (m) => {
    const id = any(m);
    if (id === null) return null;
    const axis = int(m.between(0, m.dims(id).length));
    return m.step('Flatten', [id], { ...exact, attributes: { axis } });
  },
  Unsqueeze: (m) => {
    const id = any(m, 0, 4);
    if (id === null) return null;
    const axis = m.between(-m.dims(id).length - 1, m.dims(id).length);
    return m.step('Unsqueeze', [id, m.integers([axis])], exact);
  },
  Squeeze: (m) => {
    const id = m.pick(({ tensor }) => tensor.dims.includes(1));
    if (id === null) return null;
    const axes = m.dims(id).flatMap((size, axis) => (size === 1 ? [axis] : []));
    return m.step('Squeeze', [id, m.chance(70) ? m.integers([m.one(axes)]) : null], exact);
  },
  Concat: (m) => {
    const id = any(m, 1);
    if (id === null) return null;
    const axis = m.random.below(m.dims(id).length);
    const type = m.type(id);
    const parts = Array.from({ length: m.between(1, 3) }, () => {
      const other = m.pick(
        ({ tensor }) =>
          tensor.type === type &&
          tensor.dims.length === m.dims(id).length &&
          tensor.dims.every((size, i) => i === axis || size === m.dims(id)[i]),
      );
      if (other !== null && m.chance(80)) return other;
      const sizes = m.dims(id).map((size, i) => (i === axis ? m.between(1, 4) : size));
      return m.constant(m.tensor(type, sizes));
    });
    return m.step('Concat', [id, ...parts], { ...exact, attributes: { axis: int(axis) } });
  },
  Split: (m) => {
    const id = m.pick(({ tensor }) => tensor.dims.some((size) => size > 1));
    if (id === null) return null;
    const axis = m.one(m.dims(id).flatMap((size, i) => (size > 1 ? [i] : [])));
    const size = m.dims(id)[axis]!;
    if (m.chance(50)) {
      const first = m.between(1, size - 1);
      const sizes = m.integers([first, size - first]);
      return m.step('Split', [id, sizes], {
        ...exact,
        outputs: 2,
        attributes: { axis: int(axis) },
      });
    }
    const count = m.between(2, Math.min(3, size));
    const attributes = { axis: int(axis), num_outputs: int(count) };
    return m.step('Split', [id], { ...exact, outputs: count, attributes });
  },
  Slice: (m) => {
    const id = any(m, 1);
    if (id === null) return null;
    const dims = m.dims(id);
    const axes = someAxes(m, dims.length);
    const steps = axes.map(() => m.one([1, 1, 1, 2, -1, -2]));
    const at = (axis: number): number => dims[axis < 0 ? axis + dims.length : axis]!;
    const starts = axes.map((axis, i) => (steps[i]! < 0 ? -1 : m.random.below(at(axis))));
    const ends = axes.map((axis, i) => (steps[i]! < 0 ? -100 : m.between(at(axis), at(axis) + 2)));
    return m.step(
      'Slice',
      [id, ...[starts, ends, axes, steps].map((list) => m.integers(list))],
      exact,
    );
  },
  Pad: (m) => {
    const id = m.float(1);
    if (id === null) return null;
    const mode = m.one(['constant', 'constant', 'edge', 'reflect', 'wrap']);
    const pads = [...m.dims(id), ...m.dims(id)].map((size) =>
      m.chance(50) ? 0 : m.between(0, Math.min(2, size - 1)),
    );
    return m.step('Pad', [id, m.integers(pads)], { ...exact, attributes: { mode: text(mode) } });
  },
  Expand: (m) => {
    const id = any(m, 0, 4);
    if (id === null) return null;
    const sizes = m.dims(id).map((size) => (size === 1 && m.chance(50) ? m.between(1, 3) : size));
    return m.step('Expand', [id, m.integers(m.chance(30) ? [2, ...sizes] : sizes)], exact);
  },
  Tile: (m) => {
    const id = any(m, 1);
    if (id === null) return null;
    const repeats = m.dims(id).map(() => m.one([1, 1, 2, 3]));
    return m.step('Tile', [id, m.integers(repeats)], exact);
  },
  Gather: (m) => {
    const id = any(m, 1);
    if (id === null) return null;
    const axis = m.random.below(m.dims(id).length);
    const size = m.dims(id)[axis]!;
    const dims = m.one([[], [1], [3], [2, 2]]);
    const places = Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () =>
      m.between(-size, size - 1),
    );
    return m.step('Gather', [id, m.integers(places, dims)], {
      ...exact,
      attributes: { axis: int(axis) },
    });
  },
  GatherElements: (m) => {
    const id = any(m, 1);
    if (id === null) return null;
    const axis = m.random.below(m.dims(id).length);
    const dims = m.dims(id).map((size, i) => (i === axis ? m.between(1, 3) : m.between(1, size)));
    const places = Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () =>
      m.random.below(m.dims(id)[axis]!),
    );
    return m.step('GatherElements', [id, m.integers(places, dims)], {
      ...exact,
      attributes: { axis: int(axis) },
    });
  },
  Trilu: (m) =>
    m.step('Trilu', [m.float(2), m.integers([m.between(-1, 2)], [])], {
      ...exact,
      attributes: { upper: int(m.between(0, 1)) },
    }),
  DepthToSpace: (m) => {
    const id = m.pick(
      ({ tensor: { type, dims } }) => type === 'float32' && dims.length === 4 && dims[1]! % 4 === 0,
    );
    const attributes = { blocksize: int(2), mode: text(m.one(['DCR', 'CRD'])) };
    return id === null ? null : m.step('DepthToSpace', [id], { ...exact, attributes });
  },
  SpaceToDepth: (m) => {
    const id = m.pick(
      ({ tensor: { type, dims } }) =>
        type === 'float32' && dims.length === 4 && dims[2]! % 2 === 0 && dims[3]! % 2 === 0,
    );
    return id === null
      ? null
      : m.step('SpaceToDepth', [id], { ...exact, attributes: { blocksize: int(2) } });
  },
  CumSum: (m) => {
    const id = m.float(1);
    if (id === null) return null;
    const axis = m.integers([m.random.below(m.dims(id).length)], []);
    return m.step('CumSum', [id, axis], {
      attributes: { exclusive: int(m.between(0, 1)), reverse: int(m.between(0, 1)) },
    });
  },
  ArgMax: (m) => {
    const id = m.pick(
      ({ tensor: { type, dims }, noise }) => type === 'float32' && noise === 0 && dims.length > 0,
    );
    if (id === null) return null;
    return m.step(m.one(['ArgMax', 'ArgMin']), [id], {
      kind: 'jump',
      attributes: { axis: int(m.random.below(m.dims(id).length)), keepdims: int(m.between(0, 1)) },
    });
  },
  TopK: (m) => {
    const id = m.pick(
      ({ tensor: { type, dims }, noise }) => type === 'float32' && noise === 0 && dims.length > 0,
    );
    if (id === null) return null;
    const axis = m.random.below(m.dims(id).length);
    return m.step('TopK', [id, m.integers([m.between(1, m.dims(id)[axis]!)])], {
      kind: 'jump',
      outputs: 2,
      attributes: { axis: int(axis), largest: int(m.between(0, 1)) },
    });
  },
  /** Sizes of a value, computed with, are the target of a Reshape. */
  ShapeArithmetic: (m) => {
    const id = m.float(2, 5);
    if (id === null) return null;
    const sizes = need(m.step('Shape', [id], exact));
    const first = need(m.step('Gather', [sizes, m.integers([0])], exact));
    const rest = need(m.step('Slice', [sizes, m.integers([1]), m.integers([100])], exact));
    const attributes = { keepdims: int(1) };
    const product = need(m.step('ReduceProd', [rest], { ...exact, attributes }));
    const both = m.chance(50) ? [first, product] : [product, m.integers([-1])];
    if (m.dims(first).length === 0)
      both[0] = need(m.step('Unsqueeze', [first, m.integers([0])], exact));
    const target = need(m.step('Concat', both, { ...exact, attributes: { axis: int(0) } }));
    return m.step('Reshape', [id, target], exact);
  },
  ExpandLike: (m) => {
    const [like, id] = [m.float(1, 4), m.float(0, 4)];
    if (like === null || id === null) return null;
    const sizes = need(m.step('Shape', [like], exact));
    return m.step('Expand', [id, sizes], exact);
  },
};
