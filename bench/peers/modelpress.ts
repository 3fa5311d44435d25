// Our public functions, from typed array to typed array.
import { conv, convTranspose, matmul, packMatrix } from '../../src/kernels/index.ts';
import { serve } from './serve.ts';
import { numbers, volume } from './tasks.ts';

serve(async (task) => {
  switch (task.op) {
    case 'matmul': {
      const { m, k, n, constant } = task;
      const a = numbers(m * k, 1);
      const b = numbers(k * n, 2);
      const right = constant ? packMatrix(b, k, n) : b;
      return () => matmul(a, right, m, k, n);
    }
    case 'conv':
    case 'convTranspose': {
      const x = numbers(volume(task.shape), 1);
      const w = numbers(volume(task.weightShape), 2);
      const run = task.op === 'conv' ? conv : convTranspose;
      return () => run(x, w, task);
    }
  }
});
