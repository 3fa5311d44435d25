import { VerifyError } from '../../core/errors.ts';
import { Tensor, typedArrayOf } from '../../core/tensor.ts';
import { constantOfValue } from '../../ir/constant.ts';
import { describe } from '../../ir/edit.ts';
import type { Value } from '../../ir/graph.ts';
import { libraryBackend } from '../../wasm/library.ts';
import type { Data } from '../data.ts';
import { guarded } from '../generic/evaluate.ts';
import type { Addresses, Step } from '../lower/lowering.ts';
import type { Resources } from '../resources.ts';
import { bytesNow, tensorBytes } from '../weights.ts';
import { planMemory } from './memory.ts';
import type { Port, Segment, Work } from './segment.ts';

/** One step with the work it is for. */
export interface BoundStep {
  readonly work: Work;
  readonly run: Step;
}

interface BoundPort {
  readonly port: Port;
  readonly address: number;
}

/** A segment on memory: what runs. */
export class BoundSegment {
  readonly segment: Segment;
  /** Bytes of the block of activations and scratch. */
  readonly bytes: number;
  readonly #resources: Resources;
  readonly #offsets: ReadonlyMap<Value, number>;
  readonly #scratch: readonly number[];
  #base = -1;
  #steps: BoundStep[] = [];
  #inputs: BoundPort[] = [];
  #outputs: BoundPort[] = [];

  constructor(segment: Segment, resources: Resources) {
    this.segment = segment;
    this.#resources = resources;
    const { offsets, scratch, bytes } = planMemory(segment);
    this.#offsets = offsets;
    this.#scratch = scratch;
    this.bytes = bytes;
  }

  /** The steps, on memory that is there. Weights are made at the first time. */
  get steps(): readonly BoundStep[] {
    this.#bind();
    return this.#steps;
  }

  /** Copies what the segment reads into kernel memory. */
  takeIn(lookup: (value: Value) => Data | undefined): void {
    this.#bind();
    const { u8 } = libraryBackend().arena.views();
    for (const { port, address } of this.#inputs) {
      const data = lookup(port.value);
      if (!(data instanceof Tensor)) throw missing(port.value);
      u8.set(tensorBytes(data), address);
    }
  }

  /** Copies what is needed later out of it. */
  giveOut(take: (value: Value, tensor: Tensor) => void): void {
    const { u8 } = libraryBackend().arena.views();
    for (const { port, address } of this.#outputs) {
      const { storage, dims, bytes } = port.operand;
      const copy = u8.slice(address, address + bytes);
      take(port.value, new Tensor(storage, typedArrayOf(storage, copy), dims));
    }
    for (const [value, tensor] of this.segment.known) take(value, tensor);
  }

  /** Gives back what the plan alone holds. */
  free(): void {
    for (const tensor of this.segment.known.values()) this.#resources.store.drop(tensor);
  }

  #bind(): void {
    const base = this.#resources.activations.atLeast(this.bytes);
    if (base === this.#base) return;
    const at = (value: Value): number => {
      const offset = this.#offsets.get(value);
      return offset === undefined ? this.#constant(value) : base + offset;
    };
    this.#steps = [];
    for (const [index, work] of this.segment.works.entries()) {
      const { lowered, node } = work;
      if (lowered.bind === undefined) {
        const run = this.#copyOfConstant(work, at);
        if (run !== null) this.#steps.push({ work, run });
        continue;
      }
      const addresses: Addresses = {
        input: (input) => at(node.inputs[input]!),
        output: (output) => at(node.outputs[output]!),
        scratch: base + this.#scratch[index]!,
      };
      this.#steps.push({ work, run: guarded(node, () => lowered.bind!(addresses)) });
    }
    const bound = (port: Port): BoundPort => ({ port, address: at(port.value) });
    this.#inputs = this.segment.inputs.map(bound);
    this.#outputs = this.segment.outputs.map(bound);
    this.#base = base;
  }

  /** An alias has the memory of what it stands for, but of a constant, which is not in the block: it is copied. */
  #copyOfConstant({ lowered, node, outputs }: Work, at: (value: Value) => number): Step | null {
    const from = lowered.alias === undefined ? null : node.inputs[lowered.alias];
    const operand = outputs[0];
    if (from == null || operand == null || this.#offsets.has(from)) return null;
    const [start, to] = [at(from), at(node.outputs[0]!)];
    const { arena } = libraryBackend();
    return () => {
      arena.views().u8.copyWithin(to, start, start + operand.bytes);
    };
  }

  #constant(value: Value): number {
    const constant = constantOfValue(value);
    const { store } = this.#resources;
    if (constant !== null)
      return store.raw(constant, constant.data.size, () => bytesNow(constant)).address;
    const tensor = this.segment.known.get(value);
    if (tensor === undefined) throw missing(value);
    const bytes = tensorBytes(tensor);
    return store.raw(tensor, bytes.length, () => bytes).address;
  }
}

function missing(value: Value): VerifyError {
  return new VerifyError(`value "${value.name}" is read before it is computed`, {
    code: 'E_RUN_ORDER',
  });
}

/** Our error for what went wrong in a step. */
export function stepError(work: Work, cause: unknown): unknown {
  if (cause instanceof WebAssembly.RuntimeError) {
    return new VerifyError(`kernel ${work.lowered.kernel} failed: ${cause.message}`, {
      code: 'E_RUN_KERNEL',
      where: describe(work.node),
      cause,
    });
  }
  try {
    return guarded(work.node, () => {
      throw cause;
    });
  } catch (error) {
    return error;
  }
}
