import { run, wait } from '../core/maybe.ts';
import type { ByteSource, MaybePromise } from '../core/source.ts';
import { bytesOf, typedArrayOf } from '../core/tensor.ts';
import {
  type Constant,
  constantOf,
  constantOfValue,
  readConstant,
  sizeOf,
} from '../ir/constant.ts';
import type { Edit } from '../ir/edit.ts';
import type { Value } from '../ir/graph.ts';

/** The value if it is an initializer; for the output of a Constant node, an initializer that takes its place. */
export function asInitializer(edit: Edit, value: Value): Value {
  const constant = constantOfValue(value);
  if (value.constant !== null || constant === null) return value;
  const initializer = edit.addConstant(value.graph, value.name, constant);
  edit.replaceUses(value, initializer);
  removeHolder(edit, value);
  return initializer;
}

/** Removes an unused constant, or the Constant node that made it. */
export function removeHolder(edit: Edit, value: Value): void {
  if (value.producer === null) edit.removeConstant(value);
  else edit.removeNode(value.producer);
}

/** Elements of a float32 constant. */
export async function floatsOf(constant: Constant): Promise<Float32Array> {
  return typedArrayOf('float32', await readConstant(constant)) as Float32Array;
}

/** A float32 constant with each index along an axis multiplied by a factor of its own, rounded once; made when
 *  it is read, so that a large weight is not held twice.
 *  @param factors  float64, one for each index along `axis` */
export function scaledConstant(constant: Constant, axis: number, factors: Float64Array): Constant {
  const { shape, data } = constant;
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const source: ByteSource = {
    size: sizeOf(constant) * 4,
    read(offset, length) {
      return run(
        (function* (): Generator<MaybePromise<unknown>, Uint8Array, unknown> {
          const first = Math.floor(offset / 4);
          const last = Math.ceil((offset + length) / 4);
          const bytes = yield* wait(data.read(first * 4, (last - first) * 4));
          const scaled = Float32Array.from(typedArrayOf('float32', bytes) as Float32Array);
          for (let i = 0; i < scaled.length; i++) {
            const channel = Math.floor((first + i) / inner) % factors.length;
            scaled[i] = scaled[i]! * factors[channel]!;
          }
          return bytesOf(scaled).subarray(offset - first * 4, offset - first * 4 + length);
        })(),
      );
    },
  };
  return constantOf('float32', shape, source);
}
