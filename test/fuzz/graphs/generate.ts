import { random } from '../../../src/core/random.ts';
import { blocks } from './blocks.ts';
import { bodies } from './bodies.ts';
import { elementwise } from './elementwise.ts';
import { layers } from './layers.ts';
import { type Make, NoFit } from './make.ts';
import { type Known, Maker } from './maker.ts';
import { moves } from './moves.ts';
import { quantized } from './quantized.ts';
import type { Recipe } from './recipe.ts';

/** Kinds of steps. */
export const kinds: Readonly<Record<string, Make>> = {
  ...elementwise,
  ...moves,
  ...layers,
  ...blocks,
  ...bodies,
};

export interface Generated {
  readonly recipe: Recipe;
  /** Every value, with what it is and how far another result may be from it. */
  readonly known: ReadonlyMap<number, Known>;
}

/** A graph of 1 to 14 steps; one in four goes through integers. The same for the same seed. */
export function generate(seed: number): Generated {
  const source = random(seed);
  const m = new Maker(source, source.below(4) === 0);
  const common = [elementwise, elementwise, moves, moves, layers, layers, blocks, blocks];
  const tables = m.isQuantized
    ? [quantized, quantized, ...common]
    : m.chance(35)
      ? [...common, bodies]
      : common;
  for (let i = m.between(1, 3); i > 0; i--) {
    const rank = m.one([0, 1, 2, 3, 3, 4, 4, 4, 5]);
    const dims = m.sizes(rank);
    if (rank === 5) dims.fill(1, 3);
    m.feed(m.tensor('float32', dims));
  }
  if (m.chance(25)) m.feed(m.tensor(m.one(['int64', 'int32', 'bool'] as const), m.sizes(2)));
  const wanted = m.between(1, 14);
  for (let tries = 0; tries < 4 * wanted && m.steps.length < wanted; tries++) {
    const table = m.one(tables);
    const make = table[m.one(Object.keys(table))]!;
    try {
      make(m);
    } catch (error) {
      if (!(error instanceof NoFit)) throw error;
    }
  }
  const made = m.steps.flatMap(({ outputs }) => outputs);
  const read = new Set(m.steps.flatMap(({ inputs }) => inputs));
  const outputs = made.filter((id) => !read.has(id) || m.chance(15));
  const declared = m.one(['sizes', 'sizes', 'names', 'nothing'] as const);
  const { feeds, constants, steps } = m;
  return { recipe: { feeds, constants, steps, outputs, declared }, known: m.known };
}
