import { FormatError } from '../../../core/errors.ts';
import type { OperatorRecord, SubGraphRecord } from '../records.ts';

/** An operator and its index in the subgraph. */
export interface Placed {
  operator: OperatorRecord;
  index: number;
}

/** Operators in an order in which they can run: the file's own, if it is one, else the nearest.
 *  @throws {FormatError} operators that need each other */
export function ordered({ operators = [] }: SubGraphRecord, where: string): Placed[] {
  const placed = operators.map((operator, index) => ({ operator, index }));
  const producer = new Map<number, number>();
  for (const { operator, index } of placed)
    for (const tensor of operator.outputs ?? []) if (tensor >= 0) producer.set(tensor, index);
  const needs = operators.map((operator, index) => {
    const before = new Set<number>();
    for (const tensor of operator.inputs ?? []) {
      const made = producer.get(tensor);
      if (made !== undefined && made !== index) before.add(made);
    }
    return before;
  });
  if (needs.every((before, index) => [...before].every((other) => other < index))) return placed;
  return sorted(placed, needs, where);
}

/** Visits operators in the file's order, each after those that it needs. */
function sorted(placed: readonly Placed[], needs: readonly Set<number>[], where: string): Placed[] {
  const result: Placed[] = [];
  const state = new Uint8Array(placed.length);
  for (const { index: root } of placed) {
    const pending = [root];
    while (pending.length > 0) {
      const index = pending.at(-1)!;
      if (state[index] === 2) {
        pending.pop();
        continue;
      }
      const open = [...needs[index]!].filter((other) => state[other] !== 2);
      if (open.length === 0) {
        state[index] = 2;
        result.push(placed[index]!);
        pending.pop();
      } else if (state[index] === 1) {
        throw new FormatError('operators need each other', {
          code: 'E_TFLITE_CYCLE',
          where: `${where}.operator[${index}]`,
        });
      } else {
        state[index] = 1;
        pending.push(...open);
      }
    }
  }
  return result;
}
