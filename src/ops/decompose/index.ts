import { activations } from './activations.ts';
import { comparisons } from './comparisons.ts';
import type { Decompose } from './emit.ts';
import { linear } from './linear.ts';
import { norms } from './norms.ts';

export type { Decompose } from './emit.ts';

/** Operators in terms of older ones of the pinned operator set, where types and shapes that it takes are known. */
export const decompositions: Readonly<Record<string, Decompose>> = {
  ...activations,
  ...comparisons,
  ...norms,
  ...linear,
};
