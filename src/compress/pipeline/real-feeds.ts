import { Tensor } from '../../core/tensor.ts';
import type { Model } from '../../ir/model.ts';
import { dtypeOf } from '../../ir/types.ts';
import type { Feeds } from '../../runtime/runner.ts';

const small: ReadonlySet<string> = new Set(['uint8', 'int8', 'uint16', 'int16']);

/** Feeds with integers, as images are stored, as the float32 numbers that a model takes: exactly, and nothing else is done.
 *  @param converted  gets the names of the inputs that this was done for, with the integers' type */
export function realFeeds(model: Model, feeds: Feeds, converted: Map<string, string>): Feeds {
  const made: Feeds = { ...feeds };
  for (const [given, tensor] of Object.entries(feeds)) {
    const name = model.aliases.inputs.get(given) ?? given;
    const input = model.graph.inputs.find((value) => value.name === name);
    if (input === undefined || dtypeOf(input.type) !== 'float32' || !small.has(tensor.type))
      continue;
    made[given] = new Tensor('float32', Float32Array.from(tensor.data as Uint8Array), tensor.dims);
    converted.set(given, tensor.type);
  }
  return made;
}
