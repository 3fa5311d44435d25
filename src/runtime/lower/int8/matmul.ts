import { convGeometry } from '../../../kernels/geometry.ts';
import type { Levels } from '../../../kernels/int8/bytes.ts';
import { engine } from '../../../kernels/int8/engine.ts';
import { packPanels, panelBytes, placePanels, storedZeros } from '../../../kernels/int8/panels.ts';
import { slackBytes } from '../../../kernels/int8/product.ts';
import { tensorBytes } from '../../weights.ts';
import type { LowerContext, Lowered, Lowering } from '../lowering.ts';
import { product } from '../operands.ts';
import { dense } from './conv-dense.ts';
import type { Int8Job } from './job.ts';
import { meaningOf } from './levels.ts';
import { once, type Rounding } from './rounding.ts';
import { packObject, weightMeaning } from './weights.ts';

/** a, b and the result are 8-bit levels, b a constant matrix. */
export function lowerInt8Product(
  c: LowerContext,
  transB: boolean,
  rounding: Rounding,
): Lowered | null {
  const [a, b] = c.inputs;
  const [y] = c.outputs;
  const [from, to] = [meaningOf(a), meaningOf(y)];
  if (a == null || b == null || y == null || from === null || to === null) return null;
  if (b.dims.length !== 2 || a.dims.length < 1 || a.size === 0 || y.size === 0) return null;
  const { attributes } = c;
  if (c.node.op === 'Gemm' || c.node.domain === 'mp') {
    if (attributes.int('transA', 0) !== 0 || attributes.float('alpha', 1) !== 1) return null;
  }
  if (c.inputs[2] != null && c.node.op === 'Gemm' && attributes.float('beta', 1) !== 1) return null;
  const [k, n] = transB ? [b.dims[1]!, b.dims[0]!] : [b.dims[0]!, b.dims[1]!];
  const m = product(a.dims) / Math.max(k, 1);
  const weights = weightMeaning(c, 1, transB ? 0 : 1, n);
  const made = weights === null ? null : rounding(c, from, weights, to, c.node.domain === 'mp');
  if (weights === null || made === null) return null;
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
    const panels = arena.withScratch([levels.length + slackBytes], (source) => {
      arena.views().u8.set(levels, source);
      return packPanels(chosen, place, source!, size, strides, isUnsigned, zeros);
    });
    const sizes = { outputs: n, inputs: k, taps: 1, groups: 1 };
    return { engine: chosen, sizes, groups: [panels], depthwise: null };
  });
  // Rows are the lines of an image one pixel wide.
  const shape = { shape: [1, m, 1, k], weightShape: [n, 1, 1, k] };
  const job: Int8Job = {
    c,
    engine: chosen,
    geometry: convGeometry({ ...shape, groups: 1 }),
    from,
    ...made,
    zeros: weights.zeros,
    isCentered: zeros === null,
    weights: packed,
  };
  const kind = dense(job);
  return {
    kernel: `q8_gemm ${chosen.mode}`,
    reads: [0],
    scratchBytes: kind.scratchBytes,
    bind: (at) => kind.bind(at.input(0), at.output(0), at.scratch),
  };
}

export const int8MatmulLowerings: readonly Lowering[] = [
  { op: 'MatMul', lower: (c) => lowerInt8Product(c, false, once) },
  { op: 'Gemm', lower: (c) => lowerInt8Product(c, c.attributes.int('transB', 0) !== 0, once) },
  {
    op: 'MatMul',
    domain: 'mp',
    lower: (c) => lowerInt8Product(c, c.attributes.int('transB', 0) !== 0, once),
  },
];
