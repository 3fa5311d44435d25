import { dtypes } from '../../core/dtype.ts';
import { ShapeError } from '../../core/errors.ts';
import { type Dim, formatShape, isStatic, volume } from '../../core/shape.ts';
import { Tensor } from '../../core/tensor.ts';
import { constantOfValue } from '../../ir/constant.ts';
import { describe } from '../../ir/edit.ts';
import type { Node, Value } from '../../ir/graph.ts';
import { tensorType, type ValueType } from '../../ir/types.ts';
import { readAttributes } from '../../ops/attributes.ts';
import type { InferContext, Op, OutputInfo } from '../../ops/op.ts';
import { maxValues } from '../../ops/rules.ts';
import { type Data, typeOfData } from '../data.ts';
import { tensorNow } from '../weights.ts';

/** Where values that were computed before are found; undefined for others. */
export type Lookup = (value: Value) => Data | undefined;

/** Types of a graph's values with numbers for sizes, node after node, under the given inputs. */
export class Concrete {
  readonly types: Map<Value, ValueType> = new Map();
  /** Elements of what is known before anything runs: shape arithmetic, what is folded. */
  readonly known: Map<Value, Tensor> = new Map();
  /** Values whose elements, not only their sizes, shapes depend on. */
  readonly contents: Map<Value, Tensor> = new Map();
  readonly #lookup: Lookup;

  constructor(lookup: Lookup) {
    this.#lookup = lookup;
  }

  /** null where nothing was computed yet. */
  type(value: Value): ValueType | null {
    const known = this.types.get(value);
    if (known !== undefined) return known;
    const constant = constantOfValue(value);
    if (constant !== null) {
      return value.quantization === null ? tensorType(constant.dtype, constant.shape) : value.type;
    }
    const data = this.#lookup(value);
    return data === undefined ? null : typeOfData(data);
  }

  /** Sizes of a tensor that is plain numbers, else null. */
  dims(value: Value): readonly number[] | null {
    const type = this.type(value);
    return type?.kind === 'tensor' && isStatic(type.shape) ? type.shape : null;
  }

  /** Elements that no run changes, given the sizes; a constant's are read. */
  tensor(value: Value): Tensor | null {
    const known = this.known.get(value) ?? this.contents.get(value);
    if (known !== undefined) return known;
    const constant = constantOfValue(value);
    return constant === null ? null : tensorNow(constant);
  }

  /** Whether `tensor` has an answer. */
  isKnown(value: Value): boolean {
    return this.known.has(value) || this.contents.has(value) || constantOfValue(value) !== null;
  }

  /** What a node gives. Elements of what was computed before are looked at only if sizes can't be had otherwise:
   *  the plan then holds for these elements.
   *  @throws {ShapeError} operands that can't be right */
  infer(node: Node, op: Op): readonly OutputInfo[] {
    const infos = checked(node, op.infer(new NodeContext(this, node, op, false)));
    if (isConcrete(node, infos)) return infos;
    let looked = false;
    for (const value of node.inputs) {
      const data = value === null || this.isKnown(value) ? undefined : this.#lookup(value);
      if (!(data instanceof Tensor) || data.size > maxValues) continue;
      if (numbersOf(data) !== null) looked = true;
    }
    return looked ? checked(node, op.infer(new NodeContext(this, node, op, true))) : infos;
  }

  values(value: Value, look: boolean): readonly Dim[] | null {
    const type = this.type(value);
    if (type?.kind !== 'tensor' || !isStatic(type.shape) || volume(type.shape) > maxValues)
      return null;
    if (value.quantization !== null) return null;
    if (this.isKnown(value)) {
      const tensor = this.tensor(value);
      return tensor === null ? null : numbersOf(tensor);
    }
    const data = look ? this.#lookup(value) : undefined;
    if (!(data instanceof Tensor)) return null;
    const numbers = numbersOf(data);
    if (numbers !== null) this.contents.set(value, data);
    return numbers;
  }
}

/** Sizes that operands of wrong types gave, and more elements than there are numbers for.
 *  @throws {ShapeError} */
function checked(node: Node, infos: readonly OutputInfo[]): readonly OutputInfo[] {
  for (const { type } of infos) {
    if (type?.kind !== 'tensor') continue;
    let count = 1;
    for (const dim of type.shape ?? []) {
      if (typeof dim !== 'number') continue;
      count *= Math.max(dim, 1);
      if (Number.isSafeInteger(dim) && dim >= 0 && count <= Number.MAX_SAFE_INTEGER) continue;
      throw new ShapeError(`a result would have sizes ${formatShape(type.shape)}`, {
        code: 'E_SHAPE_RANGE',
        where: describe(node),
      });
    }
  }
  return infos;
}

/** Whether all outputs that are used are tensors of known sizes. */
export function isConcrete(node: Node, infos: readonly OutputInfo[]): boolean {
  return node.outputs.every((value, index) => {
    if (value.uses.size === 0) return true;
    const type = infos[index]?.type;
    return type?.kind === 'tensor' && type.dtype !== null && isStatic(type.shape);
  });
}

function numbersOf({ type, data }: Tensor): readonly Dim[] | null {
  const { bits, kind } = dtypes[type];
  if (Array.isArray(data) || bits < 8 || kind === 'complex') return null;
  if (kind === 'float' && bits < 32) return null;
  const numbers: Dim[] = [];
  for (const item of data) numbers.push(Number(item));
  return numbers;
}

class NodeContext implements InferContext {
  readonly node: Node;
  readonly attributes: InferContext['attributes'];
  readonly frugal = false;
  readonly #concrete: Concrete;
  readonly #look: boolean;

  constructor(concrete: Concrete, node: Node, op: Op, look: boolean) {
    this.#concrete = concrete;
    this.#look = look;
    this.node = node;
    this.attributes = readAttributes(op, node);
  }

  type(input: number): ValueType | null {
    const value = this.node.inputs[input];
    return value == null ? null : this.#concrete.type(value);
  }

  dtype(input: number): ReturnType<InferContext['dtype']> {
    const type = this.type(input);
    return type?.kind === 'tensor' ? type.dtype : null;
  }

  shape(input: number): ReturnType<InferContext['shape']> {
    const type = this.type(input);
    return type?.kind === 'tensor' ? type.shape : null;
  }

  values(input: number): readonly Dim[] | null {
    const value = this.node.inputs[input];
    return value == null ? null : this.#concrete.values(value, this.#look);
  }

  inferBody(): readonly null[] {
    return [];
  }
}
