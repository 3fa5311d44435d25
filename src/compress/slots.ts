import type { Node } from '../ir/graph.ts';

/** How an operand of an operator is laid out, as far as compression cares. Axes may be null: there is none. */
export interface WeightSlot {
  /** One index along it, one output: each can have its own scale. */
  channel: number | null;
  /** Axes that the operator sums over; blocks run along the first of them, or over all merged where they are
   *  the trailing ones. */
  reduction: readonly number[];
}

type Find = (node: Node, input: number, rank: number) => WeightSlot | null;

const from = (first: number, rank: number): number[] =>
  Array.from({ length: Math.max(0, rank - first) }, (_, i) => first + i);

const convolution: Find = (_node, input, rank) =>
  input === 1 && rank >= 3 ? { channel: 0, reduction: from(1, rank) } : null;

/** [C, M/group, …]: the output channel is axis 1. */
const transposedConvolution: Find = (_node, input, rank) =>
  input === 1 && rank >= 3 ? { channel: 1, reduction: [0] } : null;

const matMul: Find = (_node, input, rank) => {
  if (input > 1 || rank < 2) return null;
  const [rows, columns] = [rank - 2, rank - 1];
  return input === 1
    ? { channel: columns, reduction: [rows] }
    : { channel: rows, reduction: [columns] };
};

const gemm: Find = (node, input, rank) => {
  if (input > 1 || rank !== 2) return null;
  const transposed = node.attributes.get(input === 0 ? 'transA' : 'transB');
  const isTransposed = transposed?.type === 'int' && Number(transposed.value) !== 0;
  const channel = (input === 0) !== isTransposed ? 0 : 1;
  return { channel, reduction: [1 - channel] };
};

/** As TFLite has it: with the right operand perhaps as [columns, rows]. */
const ownMatMul: Find = (node, input, rank) => {
  const slot = matMul(node, input, rank);
  const transposed = node.attributes.get(input === 0 ? 'transA' : 'transB');
  const isTransposed = transposed?.type === 'int' && Number(transposed.value) !== 0;
  if (slot === null || !isTransposed) return slot;
  return { channel: slot.reduction[0]!, reduction: [slot.channel!] };
};

/** W and R: [directions, gates · hidden, input]. */
const recurrent: Find = (_node, input, rank) =>
  (input === 1 || input === 2) && rank === 3 ? { channel: 1, reduction: [2] } : null;

/** An embedding table: one row an index. */
const gather: Find = (node, input, rank) => {
  const axis = node.attributes.get('axis');
  const along = axis?.type === 'int' ? Number(axis.value) : 0;
  return input === 0 && rank >= 2 && along === 0 ? { channel: 0, reduction: [rank - 1] } : null;
};

const finders: Readonly<Record<string, Find>> = {
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  DeformConv: convolution,
  MatMul: matMul,
  Gemm: gemm,
  LSTM: recurrent,
  GRU: recurrent,
  RNN: recurrent,
  Gather: gather,
  'mp.Conv': convolution,
  'mp.ConvTranspose': transposedConvolution,
  'mp.MatMul': ownMatMul,
  'com.microsoft.FusedConv': convolution,
  'com.microsoft.FusedGemm': gemm,
};

/** The slot of an operand that is a weight: multiplied and summed over, or looked up. Null for others: biases,
 *  operands of elementwise operators, everything of operators that are not known. */
export function weightSlot(node: Node, input: number, rank: number): WeightSlot | null {
  const name = node.domain === '' ? node.op : `${node.domain}.${node.op}`;
  return finders[name]?.(node, input, rank) ?? null;
}

/** Whether an operand is the bias of an operator that has one. */
export function isBias(node: Node, input: number): boolean {
  const at: Readonly<Record<string, number>> = {
    Conv: 2,
    ConvTranspose: 2,
    Gemm: 2,
    LSTM: 3,
    GRU: 3,
    RNN: 3,
    'mp.Conv': 2,
    'mp.ConvTranspose': 2,
    'mp.MatMul': 2,
  };
  return at[node.domain === '' ? node.op : `${node.domain}.${node.op}`] === input;
}
