import { random } from '../../../core/random.ts';
import { bytesOf, Tensor, typedArrayOf } from '../../../core/tensor.ts';
import { evaluators, findEvaluator } from '../../generic/index.ts';
import { realOf, storedOf } from '../../real.ts';
import { callsOf, stepOf } from '../binary.ts';
import type { LowerContext, Lowered, Lowering, Operand, Packed } from '../lowering.ts';
import { meaningOf } from './levels.ts';

/** A function of two levels, by a table of all pairs: what the evaluator gives for each. A constant of at most 256
 *  different numbers is as good as levels. */
function byPairs(op: string): Lowering {
  return {
    op,
    lower(c): Lowered | null {
      const [a, b] = c.inputs;
      const [y] = c.outputs;
      if (a == null || b == null || y == null || c.inputs.length !== 2 || y.size === 0) return null;
      if (meaningOf(a) === null || meaningOf(y) === null) return null;
      const second = meaningOf(b) === null ? numbersOf(c, b) : levelsOf(b);
      const calls = callsOf(a, b);
      if (second === null || calls === null) return null;
      const { simd, arena } = c.backend;
      const owners = [a.quantization!, b.quantization ?? owner, y.quantization!];
      const table = c.pack(`pairs ${c.node.id}`, owners, 65536, (address) => {
        // Making it may grow the memory that a view is of.
        const entries = entriesOf(c, a, second.number, y);
        arena.views().u8.set(entries, address);
      });
      return {
        kernel: 'x8_lookup2',
        reads: second.places === null ? [0, 1] : [0],
        bind(at) {
          const entries = table.address;
          const make = stepOf(
            (l, r, out, outer, count, mode) =>
              simd.x8_lookup2(l, r, out, entries, outer, count, mode),
            calls,
            1,
            1,
          );
          const right = second.places === null ? at.input(1) : second.places.address;
          return make(at.input(0), right, at.output(0));
        },
      };
    },
  };
}

/** The second operand as bytes. */
interface Second {
  /** What a byte stands for. */
  number(byte: number): number;
  /** Its bytes, where they are not the operand's own. */
  readonly places: Packed | null;
}

const owner = {};

function levelsOf({ storage, quantization }: Operand): Second {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const stored = new Tensor(storage, typedArrayOf(storage, bytes), [256]);
  const { data } = realOf(stored, quantization!);
  return { number: (byte) => data[byte] as number, places: null };
}

/** A constant by its different numbers; null where they are too many. */
function numbersOf(c: LowerContext, b: Operand): Second | null {
  const known = b.constant && b.size <= mostNumbers ? c.known(1) : null;
  if (known === null || b.dtype !== 'float32') return null;
  const { data } = b.quantization === null ? known : realOf(known, b.quantization);
  const places = new Map<number, number>();
  for (const number of data as Float32Array) {
    if (!places.has(number)) places.set(number, places.size);
    if (places.size > 256) return null;
  }
  const numbers = [...places.keys()];
  return {
    number: (byte) => numbers[byte] ?? 0,
    places: c.pack('places of numbers', [1], b.size, (address) => {
      const bytes = Uint8Array.from(data as Float32Array, (number) => places.get(number)!);
      c.backend.arena.views().u8.set(bytes, address);
    }),
  };
}

/** Elements of a constant that are looked at while a plan is made. */
const mostNumbers = 4096;

function entriesOf(
  c: LowerContext,
  a: Operand,
  second: (byte: number) => number,
  y: Operand,
): Uint8Array {
  // Both are spelled out: not every operator broadcasts both ways.
  const bytes = Uint8Array.from({ length: 65536 }, (_, i) => i >> 8);
  const left = new Tensor(a.storage, typedArrayOf(a.storage, bytes), [65536]);
  const right = Float32Array.from({ length: 65536 }, (_, i) => second(i & 255));
  const results = findEvaluator(evaluators, c.node.domain, c.node.op)!.evaluate({
    node: c.node,
    attributes: c.attributes,
    inputs: [realOf(left, a.quantization!), new Tensor('float32', right, [65536])],
    random: random(0),
    runBody: () => [],
  });
  const { data } = storedOf(results[0] as Tensor, y.quantization!);
  return bytesOf(data as Uint8Array);
}

const operators = ['Max', 'Min', 'Sum', 'Mean', 'Div', 'Pow', 'PRelu'];

export const int8PairwiseLowerings: readonly Lowering[] = operators.map(byPairs);
