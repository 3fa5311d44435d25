// Our public functions, from typed array to typed array.
import {
  conv,
  convRequantized,
  convTranspose,
  dequantize,
  eigh,
  matmul,
  matmulBlockwise,
  matmulInteger,
  matmulRequantized,
  packBlockwise,
  packConv,
  packIntegerConv,
  packIntegerMatrix,
  packMatrix,
  quantize,
  svd,
  tucker,
} from '../../src/kernels/index.ts';
import { serve } from './serve.ts';
import { modelSession } from './session.ts';
import { bytes, levels, numbers, symmetric, volume } from './tasks.ts';

serve(async (task) => {
  switch (task.op) {
    case 'matmul': {
      const { m, k, n, constant } = task;
      const a = numbers(m * k, 1);
      const b = numbers(k * n, 2);
      if (!constant) return { run: () => matmul(a, b, m, k, n) };
      const right = packMatrix(b, k, n);
      return { run: () => matmul(a, right, m, k, n), dispose: () => right.dispose() };
    }
    case 'matmulInteger': {
      const { m, k, n, signed } = task;
      const a = levels(m * k, 1, signed);
      const right = packIntegerMatrix(levels(k * n, 2, true), k, n);
      const dispose = (): void => right.dispose();
      if (!task.requantized)
        return { run: () => matmulInteger(a, right, m, k, n, { aZeroPoint: 13 }), dispose };
      const rule = {
        aZeroPoint: 13,
        scale: new Float32Array(n).fill(0.0004),
        zeroPoint: 5,
        type: signed ? 'int8' : 'uint8',
      } as const;
      return { run: () => matmulRequantized(a, right, m, k, n, rule), dispose };
    }
    case 'convInteger': {
      const { shape, weightShape, groups, strides, pads, signed } = task;
      const x = levels(volume(shape), 1, signed);
      const w = packIntegerConv(levels(volume(weightShape), 2, true), { weightShape, groups });
      const scale = new Float32Array(weightShape[0]!).fill(0.0004);
      const rule = {
        xZeroPoint: 13,
        scale,
        zeroPoint: 5,
        type: signed ? 'int8' : 'uint8',
      } as const;
      return {
        run: () => convRequantized(x, w, { shape, strides, pads, ...rule }),
        dispose: () => w.dispose(),
      };
    }
    case 'matmulBlockwise': {
      const { m, k, n, bits, blockSize } = task;
      const a = numbers(m * k, 1);
      const scales = numbers((n * k) / blockSize, 3);
      const right = packBlockwise(bytes((n * k * bits) / 8, 2), k, n, { ...task, scales });
      return { run: () => matmulBlockwise(a, right, m, k, n), dispose: () => right.dispose() };
    }
    case 'conv':
    case 'convTranspose': {
      const x = numbers(volume(task.shape), 1);
      const w = numbers(volume(task.weightShape), 2);
      if (task.op === 'convTranspose') return { run: () => convTranspose(x, w, task) };
      const { shape, pads } = task;
      const packed = packConv(w, task);
      return { run: () => conv(x, packed, { shape, pads }), dispose: () => packed.dispose() };
    }
    case 'svd': {
      const { rows, columns, rank } = task;
      const a = Float64Array.from(numbers(rows * columns, 1));
      return { run: () => svd(a, rows, columns, rank === undefined ? {} : { rank }) };
    }
    case 'eigh': {
      const a = symmetric(task.size);
      return { run: () => eigh(a, task.size) };
    }
    case 'tucker': {
      const x = numbers(volume(task.shape), 1);
      return { run: () => tucker(x, task.shape, task.ranks) };
    }
    case 'quantize': {
      const x = numbers(task.count, 1);
      return { run: () => quantize(x, { scale: 0.01, zeroPoint: 13, type: 'uint8' }) };
    }
    case 'dequantize': {
      const x = bytes(task.count, 1);
      return { run: () => dequantize(x, { scale: 0.01, zeroPoint: 13 }) };
    }
    case 'model':
      return modelSession(task.path, task.feeds);
  }
});
