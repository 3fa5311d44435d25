import type { LowerContext } from '../lower/lowering.ts';
import { around, frontAxis } from '../lower/operands.ts';
import { roundAway, within } from './limits.ts';
import { type Levels, type Meaning, type Run, type StoredKernel, smallMeaning } from './stored.ts';

const { fround } = Math;

/** uint8 levels of several meanings side by side. */
function prepare(c: LowerContext): Run | null {
  const [output] = c.outputs;
  const y = smallMeaning(output);
  const meanings = c.inputs.map(smallMeaning);
  if (output == null || y?.storage !== 'uint8') return null;
  if (meanings.some((x) => x?.storage !== 'uint8')) return null;
  const axis = frontAxis(c.attributes.int('axis'), output.dims.length);
  const { outer, unit } = around(output.dims, axis);
  const inverse = fround(1 / y.scale);
  const rows = c.inputs.map((operand) => operand!.dims[axis]! * unit);
  return (inputs, [to]) => {
    let at = 0;
    for (let o = 0; o < outer; o++) {
      inputs.forEach((from, i) => {
        copy(from!.subarray(o * rows[i]!, (o + 1) * rows[i]!), meanings[i]!, to!, at);
        at += rows[i]!;
      });
    }
  };
  function copy(from: Levels, x: Meaning, to: Levels, start: number): void {
    if (x.scale === y!.scale && x.zero === y!.zero) {
      to.set(from, start);
      return;
    }
    const scale = fround(x.scale * inverse);
    const bias = fround(-x.zero * scale);
    for (let i = 0; i < from.length; i++) {
      const level = roundAway(fround(fround(from[i]! * scale) + bias)) + y!.zero;
      to[start + i] = within(level, y!);
    }
  }
}

export const concatKernels: readonly StoredKernel[] = [{ op: 'Concat', prepare }];
