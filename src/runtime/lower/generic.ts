import type { DType } from '../../core/dtype.ts';
import { ShapeError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import { Tensor, typedArrayOf } from '../../core/tensor.ts';
import { describe } from '../../ir/edit.ts';
import { isPlain } from '../data.ts';
import { evaluate } from '../generic/evaluate.ts';
import type { Evaluator } from '../generic/evaluator.ts';
import { storedOf, toFloat32 } from '../real.ts';
import { tensorBytes } from '../weights.ts';
import type { LowerContext, Lowered, Operand } from './lowering.ts';

/** Runs a node by its evaluator, between copies out of kernel memory and back. */
export function generic(c: LowerContext, evaluator: Evaluator, random: Random): Lowered {
  const { arena } = c.backend;
  const knownInputs = c.inputs.map((operand, index) =>
    operand === null || isLarge(operand) ? null : c.known(index),
  );
  const reads = c.inputs.flatMap((operand, index) =>
    operand === null || knownInputs[index] !== null ? [] : [index],
  );
  return {
    kernel: 'generic',
    reads,
    bind(at) {
      const from = c.inputs.map((_, index) => (reads.includes(index) ? at.input(index) : 0));
      const to = c.outputs.map((operand, index) => (operand === null ? 0 : at.output(index)));
      return () => {
        const inputs = c.inputs.map((operand, index) => {
          if (operand === null) return undefined;
          const stored = knownInputs[index] ?? takeOut(arena.views().u8, operand, from[index]!);
          return operand.quantization === null ? stored : toFloat32(stored, operand.quantization);
        });
        const results = evaluate(evaluator, {
          node: c.node,
          attributes: c.attributes,
          inputs,
          random,
          runBody: () => [],
        });
        c.outputs.forEach((operand, index) => {
          if (operand === null) return;
          const result = results[index];
          if (!isPlain(result)) throw unexpected(c, index, 'no tensor');
          const { quantization } = operand;
          const stored = quantization === null ? result : storedOf(result, quantization);
          const bytes = tensorBytes(stored);
          if (stored.type !== operand.storage || bytes.length !== operand.bytes)
            throw unexpected(c, index, `${stored.type} [${stored.dims.join(', ')}]`);
          arena.views().u8.set(bytes, to[index]!);
        });
      };
    },
  };
}

function isLarge({ constant, bytes }: Operand): boolean {
  return constant && bytes > 2 ** 16;
}

function takeOut(memory: Uint8Array, { storage, dims, bytes }: Operand, address: number): Tensor {
  const copy = memory.slice(address, address + bytes);
  return new Tensor(storage, typedArrayOf(storage as DType, copy), dims);
}

function unexpected(c: LowerContext, index: number, got: string): ShapeError {
  const { dtype, dims } = c.outputs[index]!;
  return new ShapeError(`output ${index} is ${got}, expected ${dtype} [${dims.join(', ')}]`, {
    code: 'E_RUN_OUTPUT',
    where: describe(c.node),
  });
}
