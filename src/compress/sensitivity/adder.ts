import type { Model } from '../../ir/model.ts';
import type { Feeds } from '../../runtime/runner.ts';
import { openProbe, type Probe } from './probe.ts';

/** Sum of squares, and of how many. */
export interface Squares {
  squares: number;
  count: number;
}

/** What the outputs of a model do when something is added at one place. */
export interface Adder {
  /** Elements of the outputs with nothing added. */
  base(feeds: Feeds): readonly (Float32Array | null)[];
  /** How far the outputs go from there; nothing for outputs that are not float32. */
  respond(feeds: Feeds, place: string, added: Float32Array): Squares[];
  dispose(): void;
}

/** @param places  names of values of the main graph; something may be added at each
 *  Cost: two sessions, and two runs more whenever other feeds are given. */
export async function openAdder(model: Model, places: readonly string[]): Promise<Adder> {
  const reader = await openProbe(model, { add: [], read: places, twins: new Map() });
  const adder = await openProbe(model, { add: places, read: [], twins: new Map() });
  let known: { feeds: Feeds; base: Base } | null = null;
  const baseOf = (feeds: Feeds): Base => {
    if (known?.feeds !== feeds) known = { feeds, base: makeBase(reader, adder, feeds) };
    return known.base;
  };
  return {
    base: (feeds) => baseOf(feeds).outputs,
    respond(feeds, place, added) {
      const { dims, outputs } = baseOf(feeds);
      return adder
        .run(feeds, dims, new Map([[place, added]]))
        .outputs.map((output, at) => distance(output, outputs[at]!));
    },
    dispose() {
      reader.dispose();
      adder.dispose();
    },
  };
}

interface Base {
  dims: ReadonlyMap<string, readonly number[]>;
  outputs: readonly (Float32Array | null)[];
}

/** Outputs are what the adding session makes of nothing: its own rounding is no response. */
function makeBase(reader: Probe, adder: Probe, feeds: Feeds): Base {
  const { values } = reader.run(feeds, new Map());
  const dims = new Map([...values].map(([name, tensor]) => [name, tensor.dims]));
  return { dims, outputs: adder.run(feeds, dims).outputs };
}

function distance(a: Float32Array | null, b: Float32Array | null): Squares {
  let squares = 0;
  if (a === null || b === null) return { squares, count: 0 };
  for (let i = 0; i < a.length; i++) squares += (a[i]! - b[i]!) ** 2;
  return { squares, count: a.length };
}
