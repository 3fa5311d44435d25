// Our public functions, from typed array to typed array.
import {
  conv,
  convRequantized,
  convTranspose,
  matmul,
  matmulBlockwise,
  matmulInteger,
  packBlockwise,
  packConv,
  packIntegerConv,
  packIntegerMatrix,
  packMatrix,
} from '../../src/kernels/index.ts';
import { serve } from './serve.ts';
import { bytes, numbers, volume } from './tasks.ts';

function levels(count: number, seed: number, signed: boolean) {
  const data = bytes(count, seed);
  return signed ? new Int8Array(data.buffer) : data;
}

serve(async (task) => {
  switch (task.op) {
    case 'matmul': {
      const { m, k, n, constant } = task;
      const a = numbers(m * k, 1);
      const b = numbers(k * n, 2);
      const right = constant ? packMatrix(b, k, n) : b;
      return () => matmul(a, right, m, k, n);
    }
    case 'matmulInteger': {
      const { m, k, n, signed } = task;
      const a = levels(m * k, 1, signed);
      const right = packIntegerMatrix(levels(k * n, 2, true), k, n);
      return () => matmulInteger(a, right, m, k, n, { aZeroPoint: 13 });
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
      return () => convRequantized(x, w, { shape, strides, pads, ...rule });
    }
    case 'matmulBlockwise': {
      const { m, k, n, bits, blockSize } = task;
      const a = numbers(m * k, 1);
      const scales = numbers((n * k) / blockSize, 3);
      const right = packBlockwise(bytes((n * k * bits) / 8, 2), k, n, { ...task, scales });
      return () => matmulBlockwise(a, right, m, k, n);
    }
    case 'conv':
    case 'convTranspose': {
      const x = numbers(volume(task.shape), 1);
      const w = numbers(volume(task.weightShape), 2);
      if (task.op === 'convTranspose') return () => convTranspose(x, w, task);
      const { shape, pads } = task;
      const packed = packConv(w, task);
      return () => conv(x, packed, { shape, pads });
    }
  }
});
