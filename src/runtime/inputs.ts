import { type DType, dtypes, integerRange } from '../core/dtype.ts';
import { UnsupportedError } from '../core/errors.ts';
import type { Random } from '../core/random.ts';
import { volume } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import type { Model } from '../ir/model.ts';
import type { Feeds, ValueInfo } from './runner.ts';

/** What a model takes: its inputs without those that have a constant, and without its states. */
export function inputsOf(model: Model): ValueInfo[] {
  return model.graph.inputs
    .filter(({ constant, name }) => constant === null && !isState(model, name))
    .map(({ name, type }) => {
      if (type === null) return { name, type: null, dims: null };
      if (type.kind === 'tensor') return { name, type: type.dtype, dims: type.shape };
      throw new UnsupportedError(`input "${name}" is a ${type.kind}, not a tensor`, {
        code: 'E_INPUT_KIND',
        where: `input "${name}"`,
        hint: 'give the inputs yourself',
      });
    });
}

const isState = ({ states }: Model, name: string): boolean =>
  states.some(({ input }) => input === name);

/** Symbols among the inputs' dimensions, in order; an unknown size is `NAME[AXIS]`. */
export function symbolsOf(inputs: readonly ValueInfo[]): string[] {
  const symbols = new Set<string>();
  for (const { name, dims } of inputs) {
    dims?.forEach((dim, axis) => {
      if (typeof dim !== 'number') symbols.add(dim ?? `${name}[${axis}]`);
    });
  }
  return [...symbols];
}

/** Seeded inputs: floats uniform in [−1, 1), integers in 0..below−1, booleans.
 *  @param bindings  sizes of symbolic dimensions
 *  @param given     inputs that are not made but taken as they are */
export function randomFeeds(
  inputs: readonly ValueInfo[],
  bindings: Readonly<Record<string, number>>,
  random: Random,
  { given = {}, below = 2 }: { given?: Feeds; below?: number } = {},
): Feeds {
  const feeds: Feeds = {};
  for (const { name, type, dims } of inputs) {
    const fixed = given[name];
    if (fixed !== undefined) {
      feeds[name] = fixed;
      continue;
    }
    const sizes = (dims ?? []).map((dim, axis) =>
      typeof dim === 'number' ? dim : (bindings[dim ?? `${name}[${axis}]`] ?? 1),
    );
    feeds[name] = randomTensor(name, type ?? 'float32', sizes, random, below);
  }
  return feeds;
}

function randomTensor(
  name: string,
  type: DType,
  dims: readonly number[],
  random: Random,
  below: number,
): Tensor {
  const count = volume(dims);
  const values = new Array<number>(count);
  const { kind, bits } = dtypes[type];
  if (type === 'float32' || type === 'float64') {
    for (let i = 0; i < count; i++) values[i] = random.uniform() * 2 - 1;
  } else if ((kind === 'int' || kind === 'uint') && bits >= 8) {
    const top = bits <= 32 ? Math.min(below, integerRange(type).max + 1) : below;
    for (let i = 0; i < count; i++) values[i] = random.below(top);
  } else if (type === 'bool') {
    for (let i = 0; i < count; i++) values[i] = random.below(2);
  } else {
    throw new UnsupportedError(`random ${type} inputs`, {
      code: 'E_INPUT_KIND',
      where: `input "${name}"`,
      hint: 'give this input yourself',
    });
  }
  return new Tensor(type, values, dims);
}
