import type { Value } from '../../ir/graph.ts';
import type { AdaptContext } from './adapt/index.ts';

/** What opset adapters ask about values of the IR, while reading and while writing. */
export const aboutValues: Required<
  Pick<AdaptContext<Value>, 'rank' | 'dtype' | 'isUsed' | 'shape'>
> = {
  rank: ({ type }) => (type?.kind === 'tensor' ? (type.shape?.length ?? null) : null),
  dtype: ({ type }) => (type?.kind === 'tensor' ? type.dtype : null),
  shape: ({ type }) =>
    type?.kind === 'tensor' && type.shape != null
      ? type.shape.map((size) => (typeof size === 'number' ? size : null))
      : null,
  isUsed: ({ name }) => name !== '',
};
