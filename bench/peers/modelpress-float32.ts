// Our float32 functions on the sizes of quantized work: what quantizing must not be slower than.
import { conv, matmul, packMatrix } from '../../src/kernels/index.ts';
import { serve } from './serve.ts';
import { numbers, volume } from './tasks.ts';

serve(async (task) => {
  switch (task.op) {
    case 'matmulInteger':
    case 'matmulBlockwise': {
      const { m, k, n } = task;
      const a = numbers(m * k, 1);
      const right = packMatrix(numbers(k * n, 2), k, n);
      return () => matmul(a, right, m, k, n);
    }
    case 'convInteger': {
      const x = numbers(volume(task.shape), 1);
      const w = numbers(volume(task.weightShape), 2);
      return () => conv(x, w, task);
    }
    default:
      return null;
  }
});
