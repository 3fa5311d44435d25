import { UnsupportedError } from '../core/errors.ts';
import { bytesOf, Tensor, typedArrayOf } from '../core/tensor.ts';
import { type Constant, readConstant } from '../ir/constant.ts';
import { libraryBackend } from '../wasm/library.ts';
import type { Packed } from './lower/lowering.ts';

/** The elements of a constant, without waiting.
 *  @throws {UnsupportedError} its bytes are in a file or a Blob that can only be read asynchronously */
export function tensorNow(constant: Constant): Tensor {
  if (constant.strings !== undefined) {
    const decoder = new TextDecoder();
    return new Tensor(
      'string',
      constant.strings.map((bytes) => decoder.decode(bytes)),
      constant.shape,
    );
  }
  return new Tensor(
    constant.dtype,
    typedArrayOf(constant.dtype, bytesNow(constant)),
    constant.shape,
  );
}

/** The bytes of a constant, without waiting.
 *  @throws {UnsupportedError} as tensorNow */
export function bytesNow(constant: Constant): Uint8Array {
  const bytes = readConstant(constant);
  if (bytes instanceof Uint8Array) return bytes;
  // Its own failure is not the point; unheard, it would end the process.
  bytes.catch(() => {});
  throw new UnsupportedError('weights are not in memory', {
    code: 'E_WEIGHTS_ASYNC',
    hint: 'await loadWeights(model) first, or read the model from bytes',
  });
}

/** Weights of one model in kernel memory, each in the forms that its plans want, made once. */
export class WeightStore {
  readonly #made: Map<object, Map<string, StoredWeight>> = new Map();

  /** @param owner  the first constant it is made of, or a tensor
   *  @param key    the form, and the other constants */
  weight(owner: object, key: string, bytes: number, fill: (address: number) => void): Packed {
    let forms = this.#made.get(owner);
    if (forms === undefined) {
      forms = new Map();
      this.#made.set(owner, forms);
    }
    let weight = forms.get(key);
    if (weight === undefined) {
      weight = new StoredWeight(bytes, fill);
      forms.set(key, weight);
    }
    return weight;
  }

  /** A tensor as it is. */
  raw(owner: object, bytes: number, read: () => Uint8Array): Packed {
    return this.weight(owner, 'raw', bytes, (address) => {
      libraryBackend().arena.views().u8.set(read(), address);
    });
  }

  /** Bytes in kernel memory. */
  get bytes(): number {
    let total = 0;
    for (const forms of this.#made.values()) {
      for (const weight of forms.values()) if (weight.isThere) total += weight.bytes;
    }
    return total;
  }

  /** Forgets all forms of one owner and gives their memory back. */
  drop(owner: object): void {
    for (const weight of this.#made.get(owner)?.values() ?? []) weight.free();
    this.#made.delete(owner);
  }

  /** Gives all memory back. */
  free(): void {
    for (const owner of [...this.#made.keys()]) this.drop(owner);
  }
}

class StoredWeight implements Packed {
  readonly bytes: number;
  readonly #fill: (address: number) => void;
  #address = 0;

  constructor(bytes: number, fill: (address: number) => void) {
    this.bytes = bytes;
    this.#fill = fill;
  }

  get isThere(): boolean {
    return this.#address !== 0;
  }

  get address(): number {
    if (this.#address === 0) {
      const { arena } = libraryBackend();
      const address = arena.allocate('weights', this.bytes);
      try {
        this.#fill(address);
      } catch (error) {
        arena.free(address);
        throw error;
      }
      this.#address = address;
    }
    return this.#address;
  }

  free(): void {
    if (this.#address === 0) return;
    libraryBackend().arena.free(this.#address);
    this.#address = 0;
  }
}

/** The bytes of a tensor that is not of strings. */
export function tensorBytes(tensor: Tensor): Uint8Array {
  return bytesOf(tensor.data as Exclude<Tensor['data'], string[]>);
}
