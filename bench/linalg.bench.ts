// Decompositions of the sizes of real layers, each beside the whole SVD of 512 × 512.
import { eigh, svd, tucker } from '../src/kernels/index.ts';
import { type Bench, type Contender, measure } from './lib.ts';

function uniform(length: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const square = uniform(512 * 512, 1);
const conv = uniform(512 * 512 * 9, 2);
const whole: Contender = { name: 'svd 512 × 512', run: () => void svd(square, 512, 512) };
const shape = [512, 512, 3, 3];

export const linalgBench: Bench = {
  name: 'linear algebra',
  run(options) {
    const contenders: Contender[] = [
      whole,
      { name: 'svd 512 × 512, rank 64', run: () => void svd(square, 512, 512, { rank: 64 }) },
      { name: 'eigh 512', run: () => void eigh(square, 512) },
      { name: 'svd 256 × 256', run: () => void svd(square.subarray(0, 65536), 256, 256) },
      { name: 'svd 1024 × 256', run: () => void svd(square, 1024, 256) },
      {
        name: 'Tucker-2 [512, 512, 3, 3] → 128, 128',
        run: () => void tucker(conv, shape, [128, 128]),
      },
    ];
    return [measure('decompositions', contenders, options)];
  },
};
