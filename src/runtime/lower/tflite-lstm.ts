import { packStrip, paddedColumns, panelColumns } from '../../kernels/packed.ts';
import type { LowerContext, Lowered, Lowering, Packed, Step } from './lowering.ts';
import { align, isFloat } from './operands.ts';

/** Float LSTMs as TFLite has them, on kernels: those without layer normalization and diagonal recurrent weights. */

interface Layer {
  readonly batch: number;
  readonly steps: number;
  /** Rows of x from one step to the next, and from one item to the next. */
  readonly stepRows: number;
  readonly itemRows: number;
  readonly inner: number;
  readonly cells: number;
  readonly outputs: number;
  readonly cellClip: number;
  readonly projectionClip: number;
}

/** Gates in memory: input, forget, output, cell; as they are numbered in the node. */
const order = [0, 1, 3, 2];

function layerOf(c: LowerContext): Layer | null {
  const { inputs, attributes } = c;
  const [x] = inputs;
  const weights = inputs.slice(1, 18);
  const states = inputs.slice(18, 20);
  if (!isFloat(x) || !states.every(isFloat) || inputs.slice(20).some((norm) => norm != null))
    return null;
  if (!weights.every((operand) => operand == null || (isFloat(operand) && operand.constant)))
    return null;
  if (!c.outputs.every((operand) => operand === null || isFloat(operand))) return null;
  if (attributes.string('activation', 'none') !== 'Tanh' || x.size === 0) return null;
  if (attributes.int('diagonal_recurrent_tensors', 0) !== 0) return null;
  const { dims } = x;
  const isMajor = attributes.int('time_major', 0) !== 0;
  const [p, q] = dims.length === 2 ? [dims[0]!, 1] : (dims as [number, number]);
  const isTurned = dims.length === 3 && isMajor;
  const [batch, steps] = isTurned ? [q, p] : [p, q];
  const limit = (name: string): number => attributes.float(name) || Infinity;
  const [cells, outputs] = [inputs[4]!.dims[0]!, inputs[8]!.dims[1]!];
  const inner = dims.at(-1)!;
  const first = inputs[1] == null ? 1 : 0;
  const sizes = [cells * inner, cells * outputs, cells];
  const fits = [1, 5, 12].every((start, kind) =>
    [0, 1, 2, 3].every((gate) => gate < first || inputs[start + gate]?.size === sizes[kind]),
  );
  const isWhole = inputs[18]!.size === batch * outputs && inputs[19]!.size === batch * cells;
  const fitting = (input: number, size: number): boolean =>
    inputs[input] == null || inputs[input]!.size === size;
  const others = [9, 10, 11].every((input) => fitting(input, cells));
  if (!fits || !isWhole || !others || !fitting(16, outputs * cells) || !fitting(17, outputs))
    return null;
  if (inputs[16] == null && cells !== outputs) return null;
  return {
    batch,
    steps,
    stepRows: isTurned ? batch : 1,
    itemRows: isTurned ? 1 : steps,
    inner,
    cells,
    outputs,
    cellClip: limit('cell_clip'),
    projectionClip: limit('proj_clip'),
  };
}

/** Weights of all gates from input `first` on, in panels. Without an input gate its weights are the forget gate's,
 *  negative, since σ(−z) = 1 − σ(z). */
function packGates(c: LowerContext, first: number, rows: number, depth: number): Packed {
  const isCoupled = c.inputs[1] == null;
  const from = order.map((gate) => first + (isCoupled && gate === 0 ? 1 : gate));
  const count = 4 * rows;
  return c.pack(`lstm gates ${first}`, from, 4 * depth * paddedColumns(count), (address) => {
    const b = new Float32Array(count * depth);
    from.forEach((input, i) => {
      const w = c.known(input)!.data as Float32Array;
      b.set(isCoupled && i === 0 ? w.map((v) => -v) : w, i * rows * depth);
    });
    packStrip({ b, k: depth, n: count, transposed: true }, 0, depth, address);
  });
}

/** Numbers one after the other, zeros after them. */
function packNumbers(
  c: LowerContext,
  key: string,
  from: readonly number[],
  count: number,
  isNegative: boolean,
): Packed {
  return c.pack(key, from, 4 * count, (address) => {
    const parts = from.map((input) => c.known(input)!.data as Float32Array);
    const { f32 } = c.backend.arena.views();
    let at = address >>> 2;
    f32.fill(0, at, at + count);
    parts.forEach((part, i) => {
      f32.set(isNegative && i === 0 ? part.map((v) => -v) : part, at);
      at += part.length;
    });
  });
}

/** Weights of the projection and its bias. */
function packProjection(c: LowerContext, { cells, outputs }: Layer) {
  if (c.inputs[16] == null) return null;
  const weights = c.pack('lstm projection', [16], 4 * cells * paddedColumns(outputs), (address) => {
    const b = c.known(16)!.data as Float32Array;
    packStrip({ b, k: cells, n: outputs, transposed: true }, 0, cells, address);
  });
  const count = paddedColumns(outputs);
  const bias =
    c.inputs[17] == null
      ? c.pack('lstm no bias', [16], 4 * count, (address) => {
          const start = address >>> 2;
          c.backend.arena.views().f32.fill(0, start, start + count);
        })
      : packNumbers(c, 'lstm projection bias', [17], count, false);
  return { weights, bias };
}

function lower(c: LowerContext): Lowered | null {
  const layer = layerOf(c);
  if (layer === null) return null;
  const { batch, steps, stepRows, itemRows, inner, cells, outputs } = layer;
  const isCoupled = c.inputs[1] == null;
  const rows = 4 * cells;
  const w = packGates(c, 1, cells, inner);
  const r = packGates(c, 5, cells, outputs);
  const biases = order.map((gate) => 12 + (isCoupled && gate === 0 ? 1 : gate));
  const bias = packNumbers(c, 'lstm bias', biases, paddedColumns(rows), isCoupled);
  const none = c.pack('lstm zeros', [2], 4 * paddedColumns(rows), (address) => {
    const start = address >>> 2;
    c.backend.arena.views().f32.fill(0, start, start + paddedColumns(rows));
  });
  const peeping = c.inputs[10] == null ? null : [isCoupled ? 10 : 9, 10, 11];
  const peepholes =
    peeping === null ? null : packNumbers(c, 'lstm peepholes', peeping, 3 * cells, isCoupled);
  const projection = packProjection(c, layer);
  const { simd, arena } = c.backend;
  const gateBytes = align(4 * steps * batch * rows);
  const [hBytes, sBytes] = [align(4 * batch * outputs), align(4 * batch * cells)];
  const [, hasH, hasS] = [0, 1, 2].map((output) => c.outputs[output] != null);
  const size = 4 * cells;
  return {
    kernel: 'f32_gemm, tflite lstm',
    reads: [0, 18, 19],
    scratchBytes: gateBytes + hBytes + 2 * sBytes + align(size),
    bind(at): Step {
      const [x, firstH, firstS] = [at.input(0), at.input(18), at.input(19)];
      const y = c.outputs[0] == null ? 0 : at.output(0);
      const [lastH, lastS] = [hasH ? at.output(1) : 0, hasS ? at.output(2) : 0];
      const gates = at.scratch;
      const h = gates + gateBytes;
      const [s, before] = [h + hBytes, h + hBytes + sBytes];
      const room = before + sBytes;
      // Making them may grow kernel memory: not in a step.
      const [wAt, rAt, biasAt, noneAt] = [w.address, r.address, bias.address, none.address];
      const peepAt = peepholes?.address ?? 0;
      const projectionAt = projection?.weights.address ?? 0;
      const projectionBiasAt = projection?.bias.address ?? 0;
      const gemm = (
        a: number,
        b: number,
        start: number,
        out: number,
        m: number,
        n: number,
        k: number,
        step: number,
        accumulate: number,
        limit = Infinity,
      ): void =>
        simd.f32_gemm(
          a,
          b,
          start,
          out,
          m,
          n,
          k,
          k,
          panelColumns * k,
          step,
          accumulate,
          -limit,
          limit,
        );
      const peep = (gate: number, state: number, to: number): void => {
        if (peepAt === 0) return;
        simd.f32_mul(peepAt + gate * size, state, room, 1, cells, 0);
        simd.f32_add(to, room, to, 1, cells, 0);
      };
      const cell = (own: number, item: number): void => {
        const [state, result] = [s + item * size, before + item * size];
        const [i, f, o, g] = [own, own + size, own + 2 * size, own + 3 * size];
        peep(0, state, i);
        peep(1, state, f);
        simd.f32_sigmoid(i, i, 2 * cells);
        simd.f32_tanh(g, g, cells);
        simd.f32_mul(f, state, state, 1, cells, 0);
        simd.f32_mul(i, g, g, 1, cells, 0);
        simd.f32_add(state, g, state, 1, cells, 0);
        if (layer.cellClip < Infinity)
          simd.f32_clip(state, state, cells, -layer.cellClip, layer.cellClip);
        peep(2, state, o);
        simd.f32_sigmoid(o, o, cells);
        simd.f32_tanh(state, i, cells);
        simd.f32_mul(o, i, projection === null ? h + item * size : result, 1, cells, 0);
      };
      return () => {
        gemm(x, wAt, biasAt, gates, steps * batch, rows, inner, rows, 0);
        const { u8 } = arena.views();
        u8.copyWithin(h, firstH, firstH + 4 * batch * outputs);
        u8.copyWithin(s, firstS, firstS + batch * size);
        for (let t = 0; t < steps; t++) {
          const now = gates + 4 * t * stepRows * rows;
          gemm(h, rAt, noneAt, now, batch, rows, outputs, itemRows * rows, 1);
          for (let n = 0; n < batch; n++) cell(now + 4 * n * itemRows * rows, n);
          if (projectionAt !== 0) {
            const limit = layer.projectionClip;
            gemm(
              before,
              projectionAt,
              projectionBiasAt,
              h,
              batch,
              outputs,
              cells,
              outputs,
              0,
              limit,
            );
          }
          if (y === 0) continue;
          for (let n = 0; n < batch; n++) {
            const to = y + 4 * (t * stepRows + n * itemRows) * outputs;
            u8.copyWithin(to, h + 4 * n * outputs, h + 4 * (n + 1) * outputs);
          }
        }
        if (hasH) u8.copyWithin(lastH, h, h + 4 * batch * outputs);
        if (hasS) u8.copyWithin(lastS, s, s + batch * size);
      };
    },
  };
}

export const tfliteLstmLowerings: readonly Lowering[] = ['UnidirectionalSequenceLSTM', 'LSTM'].map(
  (op) => ({ op, domain: 'mp', lower }),
);
