import { packStrip, paddedColumns, panelColumns } from '../../kernels/packed.ts';
import type { LibraryKernels } from '../../wasm/kernels.ts';
import type { LowerContext, Lowered, Lowering, Packed, Step } from './lowering.ts';
import { align, isFloat, numbersOf } from './operands.ts';

/** Sizes of a recurrent layer. */
interface Layer {
  readonly steps: number;
  readonly batch: number;
  readonly inner: number;
  readonly hidden: number;
  readonly directions: number;
  readonly gates: number;
}

/** Where one direction works. */
interface Cell {
  /** [steps, batch, gates · hidden]: what the input gives, then what the state adds. */
  readonly gates: number;
  /** State [batch, hidden], LSTM's cell state, and room for twice as much. */
  readonly h: number;
  readonly c: number;
  readonly room: number;
  /** Packed recurrent weights. */
  readonly r: number;
  /** Bias of the recurrent part where it is not in the input's, [panels]. */
  readonly rBias: number;
}

const defaults: Readonly<Record<string, readonly string[]>> = {
  LSTM: ['sigmoid', 'tanh', 'tanh'],
  GRU: ['sigmoid', 'tanh'],
};

/** The layer, where it is one that kernels run: default activations, whole sequences, constant weights. */
function layerOf(c: LowerContext): Layer | null {
  const { node, attributes, inputs } = c;
  const [x, w, r, b, lengths] = inputs;
  if (!isFloat(x) || !isFloat(w) || !isFloat(r) || !w.constant || !r.constant) return null;
  if (!c.outputs.every((operand) => operand === null || isFloat(operand))) return null;
  if (b != null && !(isFloat(b) && b.constant)) return null;
  if (attributes.int('layout', 0) !== 0 || node.attributes.has('clip')) return null;
  if (attributes.int('input_forget', 0) !== 0 || inputs[7] != null) return null;
  const [directions, rows, inner] = w.dims as [number, number, number];
  const given = node.attributes.get('activations');
  if (given?.type === 'strings' && given.value.length > 0) {
    const wanted = Array.from({ length: directions }, () => defaults[node.op]!).flat();
    if (given.value.map((name) => name.toLowerCase()).join() !== wanted.join()) return null;
  }
  if (!inputs.slice(5, 7).every((operand) => operand == null || isFloat(operand))) return null;
  const [steps, batch] = x.dims as [number, number];
  if (lengths != null && !(numbersOf(c, 4)?.every((length) => length === steps) ?? false))
    return null;
  const hidden = r.dims[2]!;
  if (steps === 0 || batch === 0) return null;
  return { steps, batch, inner, hidden, directions, gates: rows / hidden };
}

function packWeight(c: LowerContext, input: number, rows: number, depth: number): Packed {
  const directions = c.inputs[input]!.dims[0]!;
  const bytes = 4 * depth * paddedColumns(rows);
  return c.pack('recurrent', [input], bytes * directions, (address) => {
    const w = c.known(input)!.data as Float32Array;
    for (let d = 0; d < directions; d++) {
      const b = w.subarray(d * rows * depth, (d + 1) * rows * depth);
      packStrip({ b, k: depth, n: rows, transposed: true }, 0, depth, address + d * bytes);
    }
  });
}

/** Both biases together as the input's, but for those that are only added to the recurrent part: the last gate's
 *  of a GRU with linear_before_reset. */
function packBias(c: LowerContext, layer: Layer, apart: boolean): Packed {
  const { directions, hidden, gates } = layer;
  const rows = gates * hidden;
  const columns = paddedColumns(rows);
  const has = c.inputs[3] != null;
  const key = `recurrent bias ${apart} ${has}`;
  return c.pack(key, [has ? 3 : 2], 8 * columns * directions, (address) => {
    const { f32 } = c.backend.arena.views();
    const start = address >>> 2;
    f32.fill(0, start, start + 2 * columns * directions);
    if (!has) return;
    const b = c.known(3)!.data as Float32Array;
    for (let d = 0; d < directions; d++) {
      for (let i = 0; i < rows; i++) {
        const [own, recurrent] = [b[d * 2 * rows + i]!, b[d * 2 * rows + rows + i]!];
        const isApart = apart && i >= (gates - 1) * hidden;
        f32[start + 2 * d * columns + i] = isApart ? own : own + recurrent;
        if (isApart) f32[start + (2 * d + 1) * columns + i] = recurrent;
      }
    }
  });
}

/** One step of a cell for one row of the batch: gates [gates · hidden], state h and c. */
type CellStep = (simd: LibraryKernels, cell: Cell, gates: number, row: number) => void;

function lstmStep({ hidden }: Layer): CellStep {
  const size = 4 * hidden;
  return (simd, cell, gates, row) => {
    const [h, c, room] = [cell.h + row * size, cell.c + row * size, cell.room];
    const [i, o, f, g] = [gates, gates + size, gates + 2 * size, gates + 3 * size];
    simd.f32_sigmoid(i, i, 3 * hidden);
    simd.f32_tanh(g, g, hidden);
    simd.f32_mul(f, c, c, 1, hidden, 0);
    simd.f32_mul(i, g, g, 1, hidden, 0);
    simd.f32_add(c, g, c, 1, hidden, 0);
    simd.f32_tanh(c, room, hidden);
    simd.f32_mul(o, room, h, 1, hidden, 0);
  };
}

/** h ← (1 − z) · n + z · h, as n + z · (h − n). The new gate's recurrent part is in `room`. */
function gruBlend(simd: LibraryKernels, z: number, n: number, h: number, hidden: number): void {
  simd.f32_sub(h, n, h, 1, hidden, 0);
  simd.f32_mul(z, h, h, 1, hidden, 0);
  simd.f32_add(n, h, h, 1, hidden, 0);
}

function lowerRecurrent(c: LowerContext): Lowered | null {
  const layer = layerOf(c);
  if (layer === null) return null;
  const isLstm = c.node.op === 'LSTM';
  const resetLast = !isLstm && c.attributes.int('linear_before_reset', 0) !== 0;
  const { steps, batch, inner, hidden, directions, gates } = layer;
  const rows = gates * hidden;
  const [w, r] = [packWeight(c, 1, rows, inner), packWeight(c, 2, rows, hidden)];
  const bias = packBias(c, layer, resetLast);
  const columns = paddedColumns(rows);
  const [gateBytes, stateBytes] = [align(4 * steps * batch * rows), align(4 * batch * hidden)];
  const direction = c.attributes.string('direction', 'forward');
  const reads = [0, 5, 6].filter((input) => c.inputs[input] != null);
  const { simd, arena } = c.backend;
  const [hasY, hasH, hasC] = [0, 1, 2].map((output) => c.outputs[output] != null);
  return {
    kernel: isLstm ? 'f32_gemm, lstm' : 'f32_gemm, gru',
    reads,
    scratchBytes: gateBytes + 2 * stateBytes + align(4 * batch * rows),
    bind(at) {
      const x = at.input(0);
      const work: Step[] = [];
      const [h, state] = [at.scratch + gateBytes, at.scratch + gateBytes + stateBytes];
      const [y, lastH, lastC] = [
        hasY ? at.output(0) : 0,
        hasH ? at.output(1) : 0,
        hasC ? at.output(2) : 0,
      ];
      for (let d = 0; d < directions; d++) {
        const cell: Cell = {
          gates: at.scratch,
          h,
          c: state,
          room: state + stateBytes,
          r: r.address + 4 * d * hidden * columns,
          rBias: bias.address + 4 * (2 * d + 1) * columns,
        };
        const [wAddress, b] = [w.address + 4 * d * inner * columns, bias.address + 8 * d * columns];
        const initial = [5, 6].map((input) =>
          reads.includes(input) ? at.input(input) + 4 * d * batch * hidden : 0,
        ) as [number, number];
        const isBackward = direction === 'reverse' || d === 1;
        const step = isLstm
          ? allRows(layer, cell, lstmStep(layer), simd)
          : gruStep(layer, cell, resetLast, simd);
        const size = batch * hidden;
        work.push(() => {
          simd.f32_gemm(
            x,
            wAddress,
            b,
            cell.gates,
            steps * batch,
            rows,
            inner,
            inner,
            panelColumns * inner,
            rows,
            0,
            -Infinity,
            Infinity,
          );
          const { u8, f32 } = arena.views();
          for (const [i, to] of [cell.h, cell.c].entries()) {
            if (initial[i] === 0) f32.fill(0, to >>> 2, (to >>> 2) + size);
            else u8.copyWithin(to, initial[i]!, initial[i]! + 4 * size);
          }
          for (let i = 0; i < steps; i++) {
            const t = isBackward ? steps - 1 - i : i;
            step(cell.gates + 4 * t * batch * rows);
            if (hasY) {
              const to = y + 4 * (t * directions + d) * size;
              u8.copyWithin(to, cell.h, cell.h + 4 * size);
            }
          }
          if (hasH) u8.copyWithin(lastH + 4 * d * size, cell.h, cell.h + 4 * size);
          if (hasC) u8.copyWithin(lastC + 4 * d * size, cell.c, cell.c + 4 * size);
        });
      }
      return () => {
        for (const run of work) run();
      };
    },
  };
}

/** Adds h · R to the gates of all rows, then runs the cell row by row. */
function allRows(
  { batch, hidden, gates }: Layer,
  cell: Cell,
  run: CellStep,
  simd: LibraryKernels,
): (gates: number) => void {
  const rows = gates * hidden;
  const panel = panelColumns * hidden;
  return (at) => {
    simd.f32_gemm(
      cell.h,
      cell.r,
      cell.rBias,
      at,
      batch,
      rows,
      hidden,
      hidden,
      panel,
      rows,
      1,
      -Infinity,
      Infinity,
    );
    for (let row = 0; row < batch; row++) run(simd, cell, at + 4 * row * rows, row);
  };
}

/** Gates z, r, n. The reset gate is applied to the state before its product with R, or to the product. */
function gruStep(
  { batch, hidden, gates }: Layer,
  cell: Cell,
  resetLast: boolean,
  simd: LibraryKernels,
): (gates: number) => void {
  const rows = gates * hidden;
  const size = 4 * hidden;
  const panel = panelColumns * hidden;
  const recurrent = cell.room;
  const reset = cell.c;
  return (at) => {
    const product = (a: number, to: number): void =>
      simd.f32_gemm(
        a,
        cell.r,
        cell.rBias,
        to,
        batch,
        rows,
        hidden,
        hidden,
        panel,
        rows,
        0,
        -Infinity,
        Infinity,
      );
    product(cell.h, recurrent);
    for (let row = 0; row < batch; row++) {
      const [own, extra] = [at + 4 * row * rows, recurrent + 4 * row * rows];
      simd.f32_add(own, extra, own, 1, 2 * hidden, 0);
      simd.f32_sigmoid(own, own, 2 * hidden);
      if (resetLast) simd.f32_mul(own + size, extra + 2 * size, extra + 2 * size, 1, hidden, 0);
      else simd.f32_mul(own + size, cell.h + row * size, reset + row * size, 1, hidden, 0);
    }
    if (!resetLast) product(reset, recurrent);
    for (let row = 0; row < batch; row++) {
      const [own, extra] = [at + 4 * row * rows, recurrent + 4 * row * rows];
      const n = own + 2 * size;
      simd.f32_add(n, extra + 2 * size, n, 1, hidden, 0);
      simd.f32_tanh(n, n, hidden);
      gruBlend(simd, own, n, cell.h + row * size, hidden);
    }
  };
}

export const recurrentLowerings: readonly Lowering[] = [
  { op: 'LSTM', lower: lowerRecurrent },
  { op: 'GRU', lower: lowerRecurrent },
];
