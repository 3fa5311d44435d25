import type { DType } from '../../core/dtype.ts';
import { type Random, random } from '../../core/random.ts';
import type { Tensor } from '../../core/tensor.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { cos, exp, log } from './functions.ts';
import { countOf } from './indexing.ts';
import { dtypeIn, invalid, tensorAt } from './operands.ts';

/** Operators that draw numbers: the same for the same seed, in every runtime. */

/** Of the node's own seed (the bits of its float32), or the session's. */
function sourceOf(c: EvaluateContext): Random {
  if (!c.attributes.has('seed')) return c.random;
  const bits = new Int32Array(Float32Array.of(c.attributes.float('seed')).buffer);
  return random(bits[0]!);
}

/** 53 bits in [0, 1). */
function uniforms(source: Random, count: number): Float64Array {
  return Float64Array.from({ length: count }, () => {
    const high = source.uint32() >>> 5;
    return (high * 2 ** 26 + (source.uint32() >>> 6)) / 2 ** 53;
  });
}

/** Pairs r·cos and r·sin with r² = −2·ln u (Box and Muller 1958); one of each pair is used. */
function normals(source: Random, count: number): Float64Array {
  const radii = log(uniforms(source, count).map((u) => 1 - u)).map((ln) => Math.sqrt(-2 * ln));
  const angles = cos(uniforms(source, count).map((u) => 2 * Math.PI * u));
  return radii.map((radius, i) => radius * angles[i]!);
}

function drawn(
  c: EvaluateContext,
  type: DType,
  dims: readonly number[],
  isNormal: boolean,
): Tensor {
  const count = countOf(dims);
  if (isNormal) {
    const [mean, scale] = [c.attributes.float('mean', 0), c.attributes.float('scale', 1)];
    return tensorOf(
      type,
      normals(sourceOf(c), count).map((v) => mean + scale * v),
      dims,
    );
  }
  const [low, high] = [c.attributes.float('low', 0), c.attributes.float('high', 1)];
  return tensorOf(
    type,
    uniforms(sourceOf(c), count).map((u) => low + (high - low) * u),
    dims,
  );
}

function filled(op: string, isNormal: boolean): Evaluator {
  return {
    op,
    evaluate: (c) => [
      drawn(c, dtypeIn(c, 'dtype') ?? 'float32', c.attributes.ints('shape') ?? [], isNormal),
    ],
  };
}

function like(op: string, isNormal: boolean): Evaluator {
  return {
    op,
    evaluate: (c) => {
      const x = tensorAt(c, 0);
      return [drawn(c, dtypeIn(c, 'dtype') ?? x.type, x.dims, isNormal)];
    },
  };
}

/** 1 with the probability that the element says. */
function bernoulli(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const chances = numbersOf(x);
  const values = uniforms(sourceOf(c), x.size).map((u, i) => (u < chances[i]! ? 1 : 0));
  return [tensorOf(dtypeIn(c, 'dtype') ?? x.type, values, x.dims)];
}

/** Classes drawn by their unnormalized log-probabilities [batch, classes] → [batch, sample_size]. */
function multinomial(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const [batch, classes] = x.dims as [number, number];
  if (x.dims.length !== 2 || classes === 0)
    throw invalid(c, 'E_SHAPE_RANK', `sizes [${x.dims}], expected [batch, classes]`);
  const dims = [batch, c.attributes.int('sample_size', 1)];
  const [, samples] = dims as [number, number];
  const draws = uniforms(sourceOf(c), countOf(dims));
  const logits = numbersOf(x);
  const chosen = new Float64Array(draws.length);
  for (let row = 0; row < batch; row++) {
    const own = logits.slice(row * classes, (row + 1) * classes);
    const top = own.reduce((a, b) => Math.max(a, b), -Infinity);
    const powers = exp(own.map((v) => v - top));
    const total = powers.reduce((sum, power) => sum + power, 0);
    for (let i = row * samples; i < (row + 1) * samples; i++) {
      let left = draws[i]! * total;
      // Rounding may leave a rest behind all classes: the last that is possible takes it.
      let index = 0;
      for (let k = 0; k < classes && left >= 0; k++) {
        if (!(powers[k]! > 0)) continue;
        index = k;
        left -= powers[k]!;
      }
      chosen[i] = index;
    }
  }
  return [tensorOf(dtypeIn(c, 'dtype') ?? 'int32', chosen, dims)];
}

export const randomEvaluators: readonly Evaluator[] = [
  filled('RandomNormal', true),
  filled('RandomUniform', false),
  like('RandomNormalLike', true),
  like('RandomUniformLike', false),
  { op: 'Bernoulli', evaluate: bernoulli },
  { op: 'Multinomial', evaluate: multinomial },
];
