import type { Value } from '../../ir/graph.ts';
import type { Expansion } from './index.ts';
import type { Parts } from './parts.ts';

/** An operand with a letter for each axis. */
interface Term {
  value: Value;
  labels: readonly string[];
}

/** Names for the axes that an ellipsis stands for, from the last one on. */
const hidden = 'ZYXWVUTSRQPONMLKJIHGFEDCBA';

/** Sums of products of operands, as products of matrices two at a time. Sizes are known numbers. */
const einsum: Expansion = (p: Parts) => {
  const { inputs, outputs } = equationOf(p);
  let [left, ...rest] = inputs as [Term, ...Term[]];
  left = summed(p, left, [...outputs, ...rest.flatMap(({ labels }) => labels)]);
  rest.forEach((right, index) => {
    const later = rest.slice(index + 1).flatMap(({ labels }) => labels);
    const needed = new Set([...outputs, ...later]);
    left = product(p, left, summed(p, right, [...needed, ...left.labels]), needed);
  });
  const perm = outputs.map((label) => left.labels.indexOf(label));
  if (perm.includes(-1)) p.stop('an axis of the result is in no operand');
  p.end(0, p.transpose(left.value, perm));
};

function equationOf(p: Parts): { inputs: Term[]; outputs: string[] } {
  const equation = p.attributes.string('equation').replaceAll(' ', '');
  const [before = '', after] = equation.split('->');
  let most = 0;
  const inputs = before.split(',').map((text, index): Term => {
    const value = p.in(index);
    const rank = p.dims(value).length;
    const count = rank - text.replace('...', '').length;
    if (text.includes('...')) most = Math.max(most, count);
    const labels = [...text.replace('...', [...hidden.slice(0, count)].reverse().join(''))];
    if (labels.length !== rank) p.stop(`"${text}" for an operand of rank ${rank}`);
    if (new Set(labels).size !== rank) p.stop('a diagonal');
    return { value, labels };
  });
  const all = inputs.flatMap(({ labels }) => labels);
  const ellipsis = [...hidden.slice(0, most)].reverse();
  if (after !== undefined) return { inputs, outputs: [...after.replace('...', ellipsis.join(''))] };
  const once = [...new Set(all)].filter(
    (label) => !ellipsis.includes(label) && all.filter((other) => other === label).length === 1,
  );
  return { inputs, outputs: [...ellipsis, ...once.sort()] };
}

/** Sums over axes that nothing else has. */
function summed(p: Parts, { value, labels }: Term, needed: readonly string[]): Term {
  const axes = labels.flatMap((label, axis) => (needed.includes(label) ? [] : [axis]));
  if (axes.length === 0) return { value, labels };
  const kept = labels.filter((label) => needed.includes(label));
  return { value: p.reduce('ReduceSum', value, axes, false), labels: kept };
}

function product(p: Parts, a: Term, b: Term, needed: ReadonlySet<string>): Term {
  const both = a.labels.filter((label) => b.labels.includes(label));
  const batch = both.filter((label) => needed.has(label));
  const inner = both.filter((label) => !needed.has(label));
  const rows = a.labels.filter((label) => !both.includes(label));
  const columns = b.labels.filter((label) => !both.includes(label));
  const sizeIn = (term: Term, label: string): number =>
    p.dims(term.value)[term.labels.indexOf(label)]!;
  for (const label of both)
    if (sizeIn(a, label) !== sizeIn(b, label)) p.stop('operands are broadcast');
  const sizes = (term: Term, labels: readonly string[]): number[] =>
    labels.map((label) => sizeIn(term, label));
  const count = (term: Term, labels: readonly string[]): number =>
    sizes(term, labels).reduce((x, y) => x * y, 1);
  const arranged = (term: Term, labels: readonly string[], dims: readonly number[]): Value => {
    const perm = labels.map((label) => term.labels.indexOf(label));
    return p.reshape(p.transpose(term.value, perm), dims);
  };
  const [outer, height, depth, width] = [
    count(a, batch),
    count(a, rows),
    count(a, inner),
    count(b, columns),
  ];
  const left = arranged(a, [...batch, ...rows, ...inner], [outer, height, depth]);
  const right = arranged(b, [...batch, ...inner, ...columns], [outer, depth, width]);
  const dtype = p.dtype(a.value);
  const made =
    depth === 1 ? p.mul(left, right) : p.op('MatMul', [left, right], [outer, height, width], dtype);
  const labels = [...batch, ...rows, ...columns];
  const dims = [...sizes(a, batch), ...sizes(a, rows), ...sizes(b, columns)];
  return { value: p.reshape(made, dims), labels };
}

export const einsumExpansions: Readonly<Record<string, Expansion>> = { Einsum: einsum };
