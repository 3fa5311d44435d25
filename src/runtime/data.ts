import { Tensor } from '../core/tensor.ts';
import { tensorType, type ValueType } from '../ir/types.ts';

/** What a value holds while a model runs: a tensor, a sequence (an array), or null for an empty optional. An
 *  optional that is not empty is its element. */
export type Data = Tensor | readonly Data[] | null;

/** Whether it is a tensor whose elements have a fixed size: what kernel memory can hold. */
export function isPlain(data: Data | undefined): data is Tensor {
  return data instanceof Tensor && data.type !== 'string';
}

/** The type that running gave. */
export function typeOfData(data: Data): ValueType | null {
  if (data instanceof Tensor) return tensorType(data.type, data.dims);
  if (data === null) return { kind: 'optional', element: null };
  return { kind: 'sequence', element: data.length > 0 ? typeOfData(data[0]!) : null };
}
