import type { Dim, Shape } from '../core/shape.ts';
import type { CostContext, InferContext, OutputInfo } from './op.ts';
import { broadcast, countOf, invalid, sharedDim, tensor } from './rules.ts';

/** Letters of each operand and of the output; '.' stands for the axes of an ellipsis. */
interface Equation {
  operands: readonly string[];
  output: string;
}

const maxLetters = 1024;

function parseEquation(c: InferContext): Equation {
  const text = c.attributes.string('equation').replace(/\s/g, '').replaceAll('...', '.');
  const bad = (): Error =>
    invalid(c, 'E_OP_ATTRIBUTE', `equation "${text.slice(0, 60)}" is not allowed`);
  const [left, right, ...rest] = text.split('->');
  if (text.length > maxLetters || left === undefined || rest.length > 0) throw bad();
  const operands = left.split(',');
  if (operands.length !== c.node.inputs.length) throw bad();
  const isTerm = (term: string): boolean => /^[A-Za-z]*\.?[A-Za-z]*$/.test(term);
  if (!operands.every(isTerm) || (right !== undefined && !isTerm(right))) throw bad();
  return { operands, output: right ?? implicitOutput(operands) };
}

/** Without an arrow: the ellipsis, then the letters that occur once, sorted. */
function implicitOutput(operands: readonly string[]): string {
  const letters = [...operands.join('')];
  const single = letters.filter(
    (letter) => letter !== '.' && letters.indexOf(letter) === letters.lastIndexOf(letter),
  );
  return (letters.includes('.') ? '.' : '') + single.sort().join('');
}

/** Sizes by letter and those under the ellipsis; null where an operand's rank is not known. */
function sizesOf(
  c: InferContext,
  operands: readonly string[],
): { sizes: Map<string, Dim>; middle: Shape } | null {
  const sizes = new Map<string, Dim>();
  const middles: Shape[] = [];
  for (const [input, term] of operands.entries()) {
    const shape = c.shape(input);
    if (shape === null) return null;
    const dot = term.indexOf('.');
    const letters = term.replace('.', '');
    const extra = shape.length - letters.length;
    if (extra < 0 || (extra > 0 && dot < 0))
      throw invalid(c, 'E_SHAPE_RANK', `"${term}" does not fit rank ${shape.length}`);
    const named = dot < 0 ? shape : [...shape.slice(0, dot), ...shape.slice(dot + extra)];
    if (dot >= 0) middles.push(shape.slice(dot, dot + extra));
    [...letters].forEach((letter, index) => {
      const dim = named[index]!;
      const known = sizes.get(letter);
      const isFree = known === undefined || known === 1;
      const joined = dim === 1 ? (known ?? 1) : sharedDim(c, known ?? null, dim, `axis ${letter}`);
      sizes.set(letter, isFree ? dim : joined);
    });
  }
  return { sizes, middle: broadcast(c, middles) };
}

/** Shape of Einsum: the dimensions of the output letters, checked over the operands. */
export function einsumRule(c: InferContext): OutputInfo[] {
  const { operands, output } = parseEquation(c);
  const known = sizesOf(c, operands);
  if (known === null) return [tensor(c.dtype(0), null)];
  const dims = [...output].flatMap((letter): readonly Dim[] => {
    if (letter === '.') return known.middle ?? [];
    const dim = known.sizes.get(letter);
    if (dim === undefined)
      throw invalid(c, 'E_OP_ATTRIBUTE', `output axis "${letter}" is in no operand`);
    return [dim];
  });
  return [tensor(c.dtype(0), known.middle === null ? null : dims)];
}

/** One per combination of all axes, as one nested loop would do it. */
export function einsumMacs(c: CostContext): number | null {
  const { operands } = parseEquation(c);
  const known = sizesOf(c, operands);
  if (known === null) return null;
  return countOf([...known.sizes.values(), ...(known.middle ?? [null])]);
}
