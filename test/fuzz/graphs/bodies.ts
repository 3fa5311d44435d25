import { Tensor } from '../../../src/core/tensor.ts';
import type { Make } from './make.ts';
import type { Maker } from './maker.ts';
import type { Body, Step } from './recipe.ts';

/** If and Loop with small bodies that read values around them. */

const unary = ['Tanh', 'Sigmoid', 'Relu', 'Neg', 'Softsign'];

/** A few steps from a value to one of the same sizes; some read `around` too. */
function chain(m: Maker, from: number, around: number): { steps: Step[]; end: number } {
  const steps: Step[] = [];
  let end = from;
  for (let i = m.between(1, 3); i > 0; i--) {
    const to = m.newId();
    const isBinary = m.chance(40);
    const op = isBinary ? m.one(['Add', 'Mul', 'Sub', 'Max']) : m.one(unary);
    steps.push({ op, inputs: isBinary ? [end, around] : [end], outputs: [to] });
    end = to;
  }
  return { steps, end };
}

function condition(m: Maker): number {
  const truth = new Tensor('bool', [m.between(0, 1)], []);
  return m.chance(50) ? m.constant(truth) : m.feed(truth);
}

/** A value of the same sizes, or a scalar. */
function besides(m: Maker, id: number): number {
  const dims = `${m.dims(id)}`;
  const other = m.pick(({ tensor }) => tensor.type === 'float32' && `${tensor.dims}` === dims);
  return other ?? m.constant(m.tensor('float32', []));
}

export const bodies: Readonly<Record<string, Make>> = {
  If: (m) => {
    const id = m.float();
    if (id === null) return null;
    const branch = (): Body => {
      const { steps, end } = chain(m, id, besides(m, id));
      return { inputs: [], steps, outputs: [end] };
    };
    return m.step('If', [condition(m)], {
      bodies: { then_branch: branch(), else_branch: branch() },
    });
  },
  Loop: (m) => {
    const id = m.float(0, 4);
    if (id === null) return null;
    const [count, goesOn, carried, next] = [m.newId(), m.newId(), m.newId(), m.newId()];
    const { steps, end } = chain(m, carried, besides(m, id));
    const like = m.known.get(id)!.tensor;
    const isScanned = m.chance(50);
    const body: Body = {
      inputs: [
        { id: count, like: new Tensor('int64', [0n], []) },
        { id: goesOn, like: new Tensor('bool', [1], []) },
        { id: carried, like },
      ],
      steps: [{ op: 'Identity', inputs: [goesOn], outputs: [next] }, ...steps],
      outputs: isScanned ? [next, end, end] : [next, end],
    };
    const times = new Tensor('int64', [BigInt(m.between(isScanned ? 1 : 0, 3))], []);
    const trips = m.chance(50) ? m.constant(times) : m.feed(times);
    return m.step('Loop', [trips, null, id], { bodies: { body }, outputs: isScanned ? 2 : 1 });
  },
};
