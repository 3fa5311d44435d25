// ml-matrix: linear algebra in JavaScript, in float64.
import { serve } from './serve.ts';
import { numbers, symmetric } from './tasks.ts';

interface Matrix {
  mmul(other: Matrix): Matrix;
}

/** What is used of ml-matrix, which is installed apart (bench/package.json). */
interface MlMatrix {
  readonly Matrix: { from1DArray(rows: number, columns: number, data: ArrayLike<number>): Matrix };
  readonly SVD: new (matrix: Matrix, options: { autoTranspose: boolean }) => unknown;
  readonly EVD: new (matrix: Matrix, options: { assumeSymmetric: boolean }) => unknown;
}

const name: string = 'ml-matrix';
const { Matrix, SVD, EVD }: MlMatrix = await import(name);

serve(async (task) => {
  switch (task.op) {
    case 'matmul': {
      const { m, k, n, constant } = task;
      // It prepares nothing: that would be the same work twice.
      if (!constant) return null;
      const a = Matrix.from1DArray(m, k, numbers(m * k, 1));
      const b = Matrix.from1DArray(k, n, numbers(k * n, 2));
      return { run: () => a.mmul(b) };
    }
    case 'svd': {
      const { rows, columns, rank } = task;
      if (rank !== undefined) return null;
      const a = Matrix.from1DArray(rows, columns, numbers(rows * columns, 1));
      return { run: () => new SVD(a, { autoTranspose: true }) };
    }
    case 'eigh': {
      const a = Matrix.from1DArray(task.size, task.size, symmetric(task.size));
      return { run: () => new EVD(a, { assumeSymmetric: true }) };
    }
    default:
      return null;
  }
});
