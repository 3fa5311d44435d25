/** An axis of the result: its size, and how far its elements are apart in the source and in the result. */
interface Axis {
  size: number;
  from: number;
  to: number;
}

type Items = Uint8Array | Uint16Array | Uint32Array;

/** Rows and columns that are moved together: as many as stay in the first cache. */
const tile = 32;

/** Elements with their axes in another order. Runs that stay together are copied as a whole; where rows become columns,
 *  tiles of them are moved at a time, so that both sides stay in the cache.
 *  @param bytes  row-major elements of whole bytes
 *  @param perm   axis `i` of the result is axis `perm[i]` of the source, as in Transpose
 *  @param width  bytes of an element
 *  Cost: one copy. */
export function permuteElements(
  bytes: Uint8Array,
  shape: readonly number[],
  perm: readonly number[],
  width: number,
): Uint8Array {
  const result = new Uint8Array(bytes.length);
  const unit = width === 2 ? 2 : width % 4 === 0 ? 4 : 1;
  const axes = mergedAxes(shape, perm, width / unit);
  if (bytes.length === 0) return result;
  if (unit === 1) move(bytes, result, axes);
  else {
    const source = bytes.byteOffset % unit === 0 ? bytes : bytes.slice();
    move(itemsOf(source, unit), itemsOf(result, unit), axes);
  }
  return result;
}

function itemsOf({ buffer, byteOffset, byteLength }: Uint8Array, unit: 2 | 4): Items {
  return unit === 2
    ? new Uint16Array(buffer, byteOffset, byteLength / 2)
    : new Uint32Array(buffer, byteOffset, byteLength / 4);
}

/** Axes of the result: those of size 1 left out, those that follow each other in both as one.
 *  @param items  of an element: they are an axis, too */
function mergedAxes(shape: readonly number[], perm: readonly number[], items: number): Axis[] {
  const steps = new Array<number>(shape.length).fill(items);
  for (let axis = shape.length - 2; axis >= 0; axis--)
    steps[axis] = steps[axis + 1]! * shape[axis + 1]!;
  const axes: Axis[] = [];
  const add = (size: number, from: number): void => {
    const last = axes.at(-1);
    if (size === 1) return;
    if (last !== undefined && last.from === from * size) {
      last.size *= size;
      last.from = from;
    } else axes.push({ size, from, to: 1 });
  };
  for (const axis of perm) add(shape[axis]!, steps[axis]!);
  add(items, 1);
  for (let at = axes.length - 2; at >= 0; at--)
    axes[at]!.to = axes[at + 1]!.to * axes[at + 1]!.size;
  return axes;
}

function move(source: Items, target: Items, axes: readonly Axis[]): void {
  const last = axes.at(-1);
  if (last === undefined || (axes.length === 1 && last.from === 1)) {
    target.set(source);
    return;
  }
  const inner = axes.find(({ from }) => from === 1);
  const isRun = inner === last || inner === undefined;
  const outer = axes.filter((axis) => axis !== last && (isRun || axis !== inner));
  const at = new Array<number>(outer.length).fill(0);
  let [from, to] = [0, 0];
  for (;;) {
    if (!isRun) moveTiles(source, target, from, to, inner, last);
    else if (last.from === 1) moveRun(source, target, from, to, last.size);
    else for (let i = 0; i < last.size; i++) target[to + i] = source[from + i * last.from]!;
    let axis = outer.length - 1;
    for (; axis >= 0; axis--) {
      const { size, from: f, to: t } = outer[axis]!;
      from += f;
      to += t;
      if (++at[axis]! < size) break;
      from -= f * size;
      to -= t * size;
      at[axis] = 0;
    }
    if (axis < 0) return;
  }
}

function moveRun(source: Items, target: Items, from: number, to: number, size: number): void {
  if (size >= 64) target.set(source.subarray(from, from + size), to);
  else for (let i = 0; i < size; i++) target[to + i] = source[from + i]!;
}

/** Rows of the source become columns of the result.
 *  @param x  the axis along which the source is contiguous, @param y  that along which the result is */
function moveTiles(source: Items, target: Items, from: number, to: number, x: Axis, y: Axis): void {
  const [columns, rows, down, right] = [x.size, y.size, y.from, x.to];
  for (let top = 0; top < rows; top += tile) {
    const bottom = Math.min(top + tile, rows);
    for (let left = 0; left < columns; left += tile) {
      const end = Math.min(left + tile, columns);
      for (let column = left; column < end; column++) {
        const write = to + column * right;
        let read = from + column + top * down;
        for (let row = top; row < bottom; row++) {
          target[write + row] = source[read]!;
          read += down;
        }
      }
    }
  }
}
