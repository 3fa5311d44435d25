import type { Tensor } from '../../core/tensor.ts';
import { headsOf, packHeads } from './attention-heads.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext } from './evaluator.ts';
import { indexIn, invalid, optionalIntegersAt, tensorAt } from './operands.ts';

/** Rotates pairs of elements of each head by angles of their position; elements beyond `rotary_embedding_dim` stay. */
export function rotaryEmbedding(c: EvaluateContext): Tensor {
  const x = tensorAt(c, 0);
  const heads = headsOf(c, x, c.attributes.int('num_heads', 0));
  const [cosine, sine] = [tensorAt(c, 1), tensorAt(c, 2)];
  const [cosines, sines] = [numbersOf(cosine), numbersOf(sine)];
  const places = optionalIntegersAt(c, 3);
  const isInterleaved = c.attributes.int('interleaved', 0) !== 0;
  const given = c.attributes.int('rotary_embedding_dim', 0);
  const turned = given === 0 ? heads.size : given;
  const half = Math.floor(turned / 2);
  if (cosine.dims.at(-1) !== half || sine.dims.at(-1) !== half)
    throw invalid(c, 'E_SHAPE_MISMATCH', `the caches are not ${half} wide`);
  const values = Float64Array.from(heads.values);
  for (let row = 0; row < heads.batch * heads.heads * heads.length; row++) {
    const t = row % heads.length;
    const b = Math.floor(row / heads.length / heads.heads);
    const at = b * heads.length + t;
    const place = places === undefined ? at : indexIn(c, places[at]!, cosine.dims[0]!);
    for (let i = 0; i < half; i++) {
      const first = row * heads.size + (isInterleaved ? 2 * i : i);
      const second = row * heads.size + (isInterleaved ? 2 * i + 1 : half + i);
      const [p, q] = [heads.values[first]!, heads.values[second]!];
      const [cos, sin] = [cosines[place * half + i]!, sines[place * half + i]!];
      values[first] = cos * p - sin * q;
      values[second] = sin * p + cos * q;
    }
  }
  const result = { ...heads, values };
  return x.dims.length === 3 ? packHeads(x.type, result) : tensorOf(x.type, values, x.dims);
}
