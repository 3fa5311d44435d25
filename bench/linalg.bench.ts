// Decompositions of the sizes of real layers, float64, against ml-matrix and LAPACK: numpy on one thread, with the
// registers that it finds and, where it is OpenBLAS, held to the 128 bits that WebAssembly has.
import type { Bench } from './lib.ts';
import { comparePeers } from './peers/compare.ts';
import type { NamedTask } from './peers/tasks.ts';

const tasks: readonly NamedTask[] = [
  {
    name: 'SVD 512 × 512',
    task: { op: 'svd', rows: 512, columns: 512 },
    asked: { than: { 'ml-matrix': 8, numpy: 1 / 1.5 } },
  },
  {
    name: 'SVD 512 × 512, rank 64',
    task: { op: 'svd', rows: 512, columns: 512, rank: 64 },
    asked: { than: { 'own baseline': 2.5 } },
  },
  { name: 'SVD 256 × 256', task: { op: 'svd', rows: 256, columns: 256 }, slow: true },
  { name: 'SVD 1024 × 256', task: { op: 'svd', rows: 1024, columns: 256 }, slow: true },
  { name: 'symmetric eigenvectors 512', task: { op: 'eigh', size: 512 } },
  {
    name: 'Tucker-2 of [512, 512, 3, 3] → 128, 128',
    task: { op: 'tucker', shape: [512, 512, 3, 3], ranks: [128, 128] },
    asked: { ms: 1500 },
  },
];

export const linalgBench: Bench = {
  name: 'linear algebra',
  async run(options) {
    const peers = ['modelpress', 'own baseline', 'ml-matrix', 'numpy', 'numpy, 128-bit'] as const;
    return { comparisons: await comparePeers(tasks, peers, options), groups: [] };
  },
};
