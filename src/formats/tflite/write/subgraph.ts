import type {
  BuiltinOptions,
  OperatorCodeRecord,
  OperatorRecord,
  SubGraphRecord,
  TensorRecord,
} from '../records.ts';
import { operatorVersion } from '../versions.ts';
import type { AsRead } from './as-read.ts';
import type { FileTables } from './file.ts';
import type { Operand } from './operand.ts';

/** An operator whose operands have no places yet. */
export interface Emitted {
  readonly name: string;
  readonly inputs: readonly (Operand | null)[];
  readonly outputs: readonly Operand[];
  readonly options: BuiltinOptions | undefined;
  /** The record of an operator that is written as it was read. */
  readonly asRead?: {
    readonly record: OperatorRecord;
    readonly code: OperatorCodeRecord;
    readonly intermediates: readonly Operand[];
  };
}

/** A subgraph as it grows: its tensors, in the order in which something names them, and its operators. */
export class SubgraphTables {
  readonly file: FileTables;
  readonly inputs: Operand[] = [];
  readonly operators: Emitted[] = [];
  readonly #name: string;
  readonly #source: AsRead | null;
  readonly #tensors: TensorRecord[] = [];
  readonly #asRead: Map<TensorRecord, Operand> = new Map();

  constructor(file: FileTables, name: string, source: AsRead | null) {
    this.file = file;
    this.#name = name;
    this.#source = source;
  }

  /** Emits an operator with its operands as they are. */
  raw(
    name: string,
    inputs: readonly (Operand | null)[],
    outputs: readonly Operand[],
    options?: BuiltinOptions,
  ): void {
    this.operators.push({ name, inputs, outputs, options });
  }

  /** What a runtime must know to run it: all its operands have their places. */
  #version(
    operator: string,
    inputs: readonly (Operand | null)[],
    outputs: readonly Operand[],
    options: BuiltinOptions | undefined,
  ): number {
    const tensor = (operand: Operand): TensorRecord => this.#tensors[operand.index]!;
    return operatorVersion({
      operator,
      inputs: inputs.map((operand) => (operand === null ? null : tensor(operand))),
      outputs: outputs.map(tensor),
      ...(options === undefined ? {} : { options: options.value }),
    });
  }

  /** The number of an operand's tensor in the subgraph. */
  place(operand: Operand): number {
    if (operand.index < 0) operand.index = this.#tensors.push(this.file.tensorOf(operand)) - 1;
    return operand.index;
  }

  /** Emits an operator as it was read. */
  record(
    record: OperatorRecord,
    code: OperatorCodeRecord,
    inputs: readonly (Operand | null)[],
    outputs: readonly Operand[],
    intermediates: readonly Operand[],
  ): void {
    const asRead = { record, code, intermediates };
    this.operators.push({ name: '', inputs, outputs, options: undefined, asRead });
  }

  /** A tensor of the file that the model was read from. */
  asReadTensor(index: number, subgraph: SubGraphRecord): Operand {
    const tensor = subgraph.tensors![index]!;
    let operand = this.#asRead.get(tensor);
    if (operand === undefined) {
      operand = this.#source!.operandOf(tensor);
      this.#asRead.set(tensor, operand);
    }
    return operand;
  }

  /** What was emitted. */
  finish(outputs: readonly Operand[]): SubGraphRecord {
    const indices = (list: readonly (Operand | null)[]): Int32Array =>
      Int32Array.from(list, (operand) => (operand === null ? -1 : this.place(operand)));
    const first = indices(this.inputs);
    const operators = this.operators.map(
      ({ name, inputs, outputs, options, asRead }): OperatorRecord => ({
        ...asRead?.record,
        inputs: indices(inputs),
        outputs: indices(outputs),
        ...(options === undefined ? {} : { builtinOptions: options }),
        ...(asRead === undefined || asRead.intermediates.length === 0
          ? {}
          : { intermediates: indices(asRead.intermediates) }),
        opcodeIndex:
          asRead === undefined
            ? this.file.codeOf(name, this.#version(name, inputs, outputs, options))
            : this.file.codeLike(asRead.code),
      }),
    );
    return {
      inputs: first,
      outputs: indices(outputs),
      tensors: this.#tensors,
      operators,
      name: this.#name,
    };
  }
}
