// What our own functions take where nothing was saved: float32 on the sizes of quantized work, all singular values
// where some were asked for, a model before it was compressed.
import { conv, matmul, packConv, packMatrix, svd } from '../../src/kernels/index.ts';
import { serve } from './serve.ts';
import { modelSession } from './session.ts';
import { numbers, volume } from './tasks.ts';

serve(async (task) => {
  switch (task.op) {
    case 'matmulInteger':
    case 'matmulBlockwise': {
      const { m, k, n } = task;
      const a = numbers(m * k, 1);
      const right = packMatrix(numbers(k * n, 2), k, n);
      return { run: () => matmul(a, right, m, k, n), dispose: () => right.dispose() };
    }
    case 'convInteger': {
      const x = numbers(volume(task.shape), 1);
      const packed = packConv(numbers(volume(task.weightShape), 2), task);
      const { shape, pads } = task;
      return { run: () => conv(x, packed, { shape, pads }), dispose: () => packed.dispose() };
    }
    case 'svd': {
      const { rows, columns, rank } = task;
      if (rank === undefined) return null;
      const a = Float64Array.from(numbers(rows * columns, 1));
      return { run: () => svd(a, rows, columns) };
    }
    case 'model':
      return task.original === undefined
        ? null
        : modelSession(task.original, task.originalFeeds ?? task.feeds);
    default:
      return null;
  }
});
