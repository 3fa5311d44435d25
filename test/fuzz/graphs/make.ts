import type { Attribute } from '../../../src/ir/index.ts';
import type { Maker } from './maker.ts';

/** Adds a node, or some, of one kind; null where nothing fits. */
export type Make = (m: Maker) => readonly number[] | null;

export const int = (value: number): Attribute => ({ type: 'int', value });
export const ints = (value: readonly number[]): Attribute => ({ type: 'ints', value });
export const float = (value: number): Attribute => ({ type: 'float', value });
export const text = (value: string): Attribute => ({ type: 'string', value });

/** Thrown where a kind of several steps does not fit. */
export class NoFit extends Error {}

/** The first output of a step that may not have been possible.
 *  @throws {NoFit} it was not */
export function need(outputs: readonly number[] | null): number {
  if (outputs === null) throw new NoFit();
  return outputs[0]!;
}
