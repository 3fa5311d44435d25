import type { Tensor } from '../../core/tensor.ts';
import { constantOfValue } from '../../ir/constant.ts';
import type { Node } from '../../ir/graph.ts';
import { permutedConstant } from '../../ir/permute.ts';
import { readAttributes } from '../../ops/attributes.ts';
import type { AttributeReader, Op } from '../../ops/op.ts';
import type { LibraryBackend } from '../../wasm/library.ts';
import { tensorNow, type WeightStore } from '../weights.ts';
import type { LowerContext, Operand, Packed } from './lowering.ts';

const ids = new WeakMap<object, number>();
let nextId = 1;

/** A number that stands for an object while it lives. */
function idOf(object: object): number {
  let id = ids.get(object);
  if (id === undefined) {
    id = nextId++;
    ids.set(object, id);
  }
  return id;
}

/** What lowerings see of a node in a plan. */
export class NodeLowering implements LowerContext {
  readonly node: Node;
  readonly attributes: AttributeReader;
  readonly backend: LibraryBackend;
  readonly inputs: readonly (Operand | null)[];
  readonly outputs: readonly (Operand | null)[];
  readonly #known: (input: number) => Tensor | null;
  readonly #store: WeightStore;

  constructor(
    node: Node,
    op: Op,
    backend: LibraryBackend,
    inputs: readonly (Operand | null)[],
    outputs: readonly (Operand | null)[],
    known: (input: number) => Tensor | null,
    store: WeightStore,
  ) {
    this.node = node;
    this.attributes = readAttributes(op, node);
    this.backend = backend;
    this.inputs = inputs;
    this.outputs = outputs;
    this.#known = known;
    this.#store = store;
  }

  known(input: number): Tensor | null {
    return this.inputs[input] == null ? null : this.#known(input);
  }

  knownIn(input: number, perm: readonly number[]): Tensor | null {
    const value = this.node.inputs[input];
    const constant = value == null ? null : constantOfValue(value);
    if (constant?.permuted === undefined) return null;
    const turned = permutedConstant(constant, perm);
    return turned.permuted === undefined ? tensorNow(turned) : null;
  }

  pack(
    key: string,
    inputs: readonly (number | object)[],
    bytes: number,
    fill: (address: number) => void,
  ): Packed {
    const owners = inputs.map((owner) => (typeof owner === 'number' ? this.#owner(owner) : owner));
    const others = owners.slice(1).map(idOf);
    return this.#store.weight(owners[0]!, [key, ...others].join(' '), bytes, fill);
  }

  /** What the weight of an input belongs to: the constant, or what the plan knows of it. */
  #owner(input: number): object {
    const value = this.node.inputs[input]!;
    return constantOfValue(value) ?? this.#known(input)!;
  }
}
