import type { DType } from '../../core/dtype.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { Node } from '../../ir/graph.ts';
import type { Quantization } from '../../ir/types.ts';
import type { AttributeReader } from '../../ops/op.ts';
import type { LibraryBackend } from '../../wasm/library.ts';

/** A tensor as a plan knows it: its sizes are numbers. */
export interface Operand {
  /** What its elements are: `float32` where quantized integers stand for real numbers. */
  readonly dtype: DType;
  /** What is stored: the quantization's type, else `dtype`. */
  readonly storage: DType;
  readonly dims: readonly number[];
  /** Number of elements. */
  readonly size: number;
  /** Bytes as stored. */
  readonly bytes: number;
  readonly quantization: Quantization | null;
  /** Whether it is a weight: the same elements at every run, under every shape of the inputs. */
  readonly constant: boolean;
}

/** Weights as a kernel wants them, made when they are first bound and shared by all plans of a model. */
export interface Packed {
  readonly bytes: number;
  /** Only once binding has begun. */
  readonly address: number;
}

/** What a lowering may ask about its node. */
export interface LowerContext {
  readonly node: Node;
  readonly attributes: AttributeReader;
  readonly backend: LibraryBackend;
  /** null where an optional input is absent. */
  readonly inputs: readonly (Operand | null)[];
  /** null where nobody uses the output. */
  readonly outputs: readonly (Operand | null)[];
  /** Stored elements of an input, where the plan knows them: constants, and what shape arithmetic gave. Reading a
   *  large constant here costs its bytes: do it in `pack`'s `fill`. */
  known(input: number): Tensor | null;
  /** The same with its axes in another order, where a constant lies so in its file; else null.
   *  @param perm  axis `i` of the result is axis `perm[i]` of the input, as in Transpose */
  knownIn(input: number, perm: readonly number[]): Tensor | null;
  /** Weights made once of constant inputs.
   *  @param key     what is made, with all that it depends on besides the constants: `gemm b`, `conv 2 groups`
   *  @param inputs  the constant inputs it is made of (those whose operand is `constant`), or objects that stand for
   *                 what it is made of (a Quantization)
   *  @param bytes   how much memory it takes
   *  @param fill    makes it at an address; arena views are to be asked for inside */
  pack(
    key: string,
    inputs: readonly (number | object)[],
    bytes: number,
    fill: (address: number) => void,
  ): Packed;
}

/** Where the operands of a step lie. */
export interface Addresses {
  /** A constant that is asked for here is copied into kernel memory as it is. */
  input(index: number): number;
  output(index: number): number;
  /** 64-byte aligned scratch of `scratchBytes`. */
  readonly scratch: number;
}

/** One kernel call, or several, on fixed addresses. */
export type Step = () => void;

/** How a node runs. */
export interface Lowered {
  /** For profiles: `f32_conv`, `alias`. */
  readonly kernel: string;
  /** Output 0 is the bytes of this input: nothing runs. */
  readonly alias?: number;
  /** Inputs whose memory is read when the step runs; default all. Leave out what was packed or known. */
  readonly reads?: readonly number[];
  /** Inputs whose memory output 0 may take over when nothing else needs it: only of as many bytes, and only if an
   *  element is written after all reads that concern it. */
  readonly inPlace?: readonly number[];
  readonly scratchBytes?: number;
  /** Not for an alias. */
  bind?(at: Addresses): Step;
}

/** How an operator becomes kernel calls, for the operands it can take. */
export interface Lowering {
  readonly op: string;
  /** '' (default) is ai.onnx. */
  readonly domain?: string;
  /** null: not these operands (another lowering, or the generic evaluator, takes them). */
  lower(c: LowerContext): Lowered | null;
}
