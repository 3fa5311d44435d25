import type { Levels } from '../../../kernels/int8/bytes.ts';
import { engine } from '../../../kernels/int8/engine.ts';
import { packPanels, panelBytes, placePanels, storedZeros } from '../../../kernels/int8/panels.ts';
import {
  activationZeros,
  prepareActivations,
  product as readyProduct,
  slackBytes,
} from '../../../kernels/int8/product.ts';
import { requantize, resolveRequantization } from '../../../kernels/int8/requantize.ts';
import { tensorBytes } from '../../weights.ts';
import type { LowerContext, Lowered, Lowering } from '../lowering.ts';
import { product } from '../operands.ts';
import { meaningOf } from './levels.ts';
import { levelLimits } from './limits.ts';
import { integerBias, packObject, requantizationScales, weightMeaning } from './weights.ts';

/** Rows whose sums stay in the cache. */
const blockBytes = 2 ** 17;

/** a, b and the result are 8-bit levels, b a constant matrix. */
function lowerProduct(c: LowerContext, transB: boolean): Lowered | null {
  const [a, b] = c.inputs;
  const [y] = c.outputs;
  const [from, to] = [meaningOf(a), meaningOf(y)];
  if (a == null || b == null || y == null || from === null || to === null) return null;
  if (b.dims.length !== 2 || a.dims.length < 1 || y.size === 0) return null;
  const { attributes } = c;
  if (c.node.op === 'Gemm' || c.node.domain === 'mp') {
    if (attributes.int('transA', 0) !== 0 || attributes.float('alpha', 1) !== 1) return null;
  }
  if (c.inputs[2] != null && c.node.op === 'Gemm' && attributes.float('beta', 1) !== 1) return null;
  const [k, n] = transB ? [b.dims[1]!, b.dims[0]!] : [b.dims[0]!, b.dims[1]!];
  const m = product(a.dims) / Math.max(k, 1);
  const weights = weightMeaning(c, 1, transB ? 0 : 1, n);
  const limits = c.node.domain === 'mp' ? levelLimits(attributes, to) : to;
  if (weights === null || limits === null) return null;
  const bias = integerBias(c, 2, from, weights);
  if (bias === undefined) return null;
  const rule = resolveRequantization(
    {
      scale: requantizationScales(from, weights, to),
      zeroPoint: to.zero,
      type: to.unsigned ? 'uint8' : 'int8',
      min: limits.min,
      max: limits.max,
    },
    n,
  );
  const chosen = engine();
  const size = { n, taps: 1, k };
  const isUnsigned = b.storage === 'uint8';
  const zeros = storedZeros(weights.zeros, n, isUnsigned);
  const strides = transB ? { n: k, k: 1, tap: 0 } : { n: 1, k: n, tap: 0 };
  const bytes = panelBytes(chosen, n, 1, k) + panelBytes(chosen, 1, 1, k) + 128;
  const { arena } = chosen.backend;
  const packed = packObject(c, `int8 gemm ${transB}`, 1, bytes, (take) => {
    const place = placePanels(chosen, take, size, zeros);
    const levels = tensorBytes(c.known(1)!) as Uint8Array & Levels;
    return arena.withScratch([levels.length + slackBytes], (source) => {
      arena.views().u8.set(levels, source);
      return packPanels(chosen, place, source!, size, strides, isUnsigned, zeros);
    });
  });
  const { unsigned, zero } = from;
  const most = Math.min(m, Math.max(6, Math.floor(blockBytes / 4 / n / 6) * 6));
  const width = chosen.activationBytes;
  return {
    kernel: `q8_gemm ${chosen.mode}`,
    reads: [0],
    bind(at) {
      const [source, target] = [at.input(0), at.output(0)];
      const panels = packed();
      const given = Int32Array.of(zero);
      const own = activationZeros(chosen, given, unsigned);
      const sizes = [
        m * k + slackBytes,
        width === 2 ? 2 * m * k + slackBytes : 0,
        4 * most,
        4 * n * most,
      ];
      return () => {
        arena.withScratch(sizes, (raw, wide, pointers, sums) => {
          arena.views().u8.copyWithin(raw!, source, source + m * k);
          const rows = prepareActivations(chosen, raw!, wide!, 1, m * k, given, unsigned);
          const ready = readyProduct(panels, own[0]!, most, bias, 0);
          for (let row = 0; row < m; row += most) {
            const count = Math.min(most, m - row);
            const { i32 } = arena.views();
            for (let i = 0; i < count; i++)
              i32[(pointers! >>> 2) + i] = rows + (row + i) * k * width;
            ready.run(pointers!, 0, sums!, count, n, own);
            requantize(chosen.backend, rule, sums!, target + row * n, count, n, 0);
          }
        });
      };
    },
  };
}

export const int8MatmulLowerings: readonly Lowering[] = [
  { op: 'MatMul', lower: (c) => lowerProduct(c, false) },
  { op: 'Gemm', lower: (c) => lowerProduct(c, c.attributes.int('transB', 0) !== 0) },
  {
    op: 'MatMul',
    domain: 'mp',
    lower: (c) => lowerProduct(c, c.attributes.int('transB', 0) !== 0),
  },
];
