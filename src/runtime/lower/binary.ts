import { type BroadcastKernel, broadcast } from '../../kernels/broadcast.ts';
import type { LibraryKernels } from '../../wasm/kernels.ts';
import { activationOf } from './activation.ts';
import type { LowerContext, Lowered, Lowering, Operand, Step } from './lowering.ts';
import { isFloat } from './operands.ts';

type Pick = (simd: LibraryKernels) => BroadcastKernel;

/** Two operands in one kernel call for each block of the two innermost axes after merging. */
export interface Calls {
  readonly outer: number;
  readonly count: number;
  readonly mode: number;
  /** Element offsets of a, b and y, three for each call. */
  readonly offsets: Int32Array;
}

/** Beyond so many calls, the generic evaluator is as good. */
const mostCalls = 2 ** 20;

/** The calls for two operands; null where they would be too many. */
export function callsOf(a: Operand, b: Operand): Calls | null {
  const { axes } = broadcast(a.size, b.size, { aShape: a.dims, bShape: b.dims });
  const inner = axes[0]!;
  const middle = axes[1] ?? { size: 1, aStep: 0, bStep: 0 };
  const mode =
    (inner.aStep === 0 ? 1 : 0) |
    (inner.bStep === 0 ? 2 : 0) |
    (middle.aStep === 0 ? 4 : 0) |
    (middle.bStep === 0 ? 8 : 0);
  let places = [[0, 0]];
  for (const axis of axes.slice(2)) {
    if (places.length * axis.size > mostCalls) return null;
    // The later axis is the outer one.
    const next: number[][] = [];
    for (let i = 0; i < axis.size; i++) {
      for (const [p, q] of places) next.push([p! + i * axis.aStep, q! + i * axis.bStep]);
    }
    places = next;
  }
  const block = inner.size * middle.size;
  const offsets = Int32Array.from(places.flatMap(([p, q], i) => [p!, q!, i * block]));
  return { outer: middle.size, count: inner.size, mode, offsets };
}

/** A step that makes the calls.
 *  @param bytes  of a result element
 *  @param from   of an operand's */
export function stepOf(
  kernel: BroadcastKernel,
  calls: Calls,
  bytes: number,
  from = 4,
): (a: number, b: number, y: number) => Step {
  const { outer, count, mode, offsets } = calls;
  return (a, b, y) => {
    if (offsets.length === 3) return () => kernel(a, b, y, outer, count, mode);
    return () => {
      for (let i = 0; i < offsets.length; i += 3) {
        const [p, q, to] = [offsets[i]!, offsets[i + 1]!, offsets[i + 2]!];
        kernel(a + from * p, b + from * q, y + bytes * to, outer, count, mode);
      }
    };
  };
}

/** @param swapped  b and a change places: a > b is b < a */
function lowerBinary(
  c: LowerContext,
  name: string,
  pick: Pick,
  swapped: boolean,
  bytes: number,
): Lowered | null {
  const [a, b] = c.inputs;
  const [y] = c.outputs;
  if (!isFloat(a) || !isFloat(b) || y == null || c.inputs.length !== 2) return null;
  if (y.quantization !== null) return null;
  if (y.size === 0) return { kernel: name, reads: [], bind: () => () => {} };
  const calls = swapped ? callsOf(b, a) : callsOf(a, b);
  if (calls === null) return null;
  const make = stepOf(pick(c.backend.simd), calls, bytes);
  const activation = c.node.domain === 'mp' ? activationOf(c.attributes) : null;
  const { simd } = c.backend;
  return {
    kernel: name,
    inPlace: bytes === 4 ? [0, 1] : [],
    bind(at) {
      const [left, right, to] = [
        at.input(swapped ? 1 : 0),
        at.input(swapped ? 0 : 1),
        at.output(0),
      ];
      const step = make(left, right, to);
      if (activation === null) return step;
      const { min, max, kernel } = activation;
      if (kernel !== null) {
        return () => {
          step();
          kernel(simd, to, to, y.size);
        };
      }
      if (min === -Infinity && max === Infinity) return step;
      return () => {
        step();
        simd.f32_clip(to, to, y.size, min, max);
      };
    },
  };
}

function binary(op: string, name: string, pick: Pick, domain = ''): Lowering {
  return { op, domain, lower: (c) => lowerBinary(c, name, pick, false, 4) };
}

function comparison(op: string, name: string, pick: Pick, swapped: boolean): Lowering {
  return { op, lower: (c) => lowerBinary(c, name, pick, swapped, 1) };
}

const add: Pick = (simd) => simd.f32_add;
const sub: Pick = (simd) => simd.f32_sub;
const mul: Pick = (simd) => simd.f32_mul;

/** Sum, Min, Max of any number: of one it is a copy, of two the kernel, of more the evaluator's. */
export const binaryLowerings: readonly Lowering[] = [
  binary('Add', 'f32_add', add),
  binary('Sub', 'f32_sub', sub),
  binary('Mul', 'f32_mul', mul),
  binary('Add', 'f32_add', add, 'mp'),
  binary('Sub', 'f32_sub', sub, 'mp'),
  binary('Mul', 'f32_mul', mul, 'mp'),
  binary('Div', 'f32_div', (simd) => simd.f32_div),
  binary('Pow', 'f32_pow', (simd) => simd.f32_pow),
  binary('PRelu', 'f32_prelu', (simd) => simd.f32_prelu),
  binary('Min', 'f32_min', (simd) => simd.f32_min),
  binary('Max', 'f32_max', (simd) => simd.f32_max),
  binary('Sum', 'f32_add', add),
  comparison('Equal', 'f32_equal', (simd) => simd.f32_equal, false),
  comparison('Less', 'f32_less', (simd) => simd.f32_less, false),
  comparison('LessOrEqual', 'f32_less_equal', (simd) => simd.f32_less_equal, false),
  comparison('Greater', 'f32_less', (simd) => simd.f32_less, true),
  comparison('GreaterOrEqual', 'f32_less_equal', (simd) => simd.f32_less_equal, true),
];
