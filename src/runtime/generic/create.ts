import type { DType } from '../../core/dtype.ts';
import { Tensor } from '../../core/tensor.ts';
import type { Constant } from '../../ir/constant.ts';
import { constantTensor } from './constant-tensor.ts';
import { bigintsOf, isWide, numbersOf, pick, tensorOf, tensorOfBigints } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { countOf } from './indexing.ts';
import { dtypeIn, integersAt, invalid, tensorAt, unsupported } from './operands.ts';

function constant(c: EvaluateContext): Tensor[] {
  for (const [name, attribute] of c.node.attributes) {
    switch (`${name}:${attribute.type}`) {
      case 'value:tensor':
        return [constantTensor(attribute.value as Constant)];
      case 'value_int:int':
        return [new Tensor('int64', [BigInt(attribute.value as number)], [])];
      case 'value_float:float':
        return [new Tensor('float32', [attribute.value as number], [])];
      case 'value_string:string':
        return [new Tensor('string', [attribute.value as string], [])];
      case 'value_ints:ints':
        return [new Tensor('int64', Array.from(attribute.value as readonly number[], BigInt))];
      case 'value_floats:floats':
        return [new Tensor('float32', [...(attribute.value as readonly number[])])];
      case 'value_strings:strings':
        return [new Tensor('string', [...(attribute.value as readonly string[])])];
    }
  }
  throw unsupported(c, 'a constant without a value that is known here');
}

function constantOfShape(c: EvaluateContext): Tensor[] {
  const dims = integersAt(c, 0);
  const value = c.node.attributes.get('value');
  const fill =
    value?.type === 'tensor' ? constantTensor(value.value) : new Tensor('float32', [0], [1]);
  return [pick(fill, new Float64Array(countOf(dims)), dims)];
}

function range(c: EvaluateContext): Tensor[] {
  const [start, limit, delta] = [tensorAt(c, 0), tensorAt(c, 1), tensorAt(c, 2)];
  const { type } = start;
  if (isWide(type)) {
    const [from, to, step] = [start, limit, delta].map((x) => bigintsOf(x)[0]!) as [
      bigint,
      bigint,
      bigint,
    ];
    if (step === 0n) throw invalid(c, 'E_SHAPE_RANGE', 'the step is 0');
    const [distance, stride] = step > 0n ? [to - from, step] : [from - to, -step];
    const count = countOf([distance > 0n ? Number((distance + stride - 1n) / stride) : 0]);
    const values = Array.from({ length: count }, (_, i) => from + BigInt(i) * step);
    return [tensorOfBigints(type, values, [count])];
  }
  const [from, to, step] = [start, limit, delta].map((x) => numbersOf(x)[0]!) as [
    number,
    number,
    number,
  ];
  if (step === 0) throw invalid(c, 'E_SHAPE_RANGE', 'the step is 0');
  const count = countOf([Math.max(0, Math.ceil((to - from) / step))]);
  const values = Float64Array.from({ length: count }, (_, i) => from + i * step);
  return [tensorOf(type, values, [count])];
}

function eyeLike(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const type: DType = dtypeIn(c, 'dtype') ?? x.type;
  const k = c.attributes.int('k');
  const columns = x.dims[1] ?? 1;
  const values = Float64Array.from({ length: x.size }, (_, i) =>
    (i % columns) - Math.floor(i / columns) === k ? 1 : 0,
  );
  return [tensorOf(type, values, x.dims)];
}

export const createEvaluators: readonly Evaluator[] = [
  { op: 'Constant', evaluate: constant },
  { op: 'ConstantOfShape', evaluate: constantOfShape },
  { op: 'Range', evaluate: range },
  { op: 'EyeLike', evaluate: eyeLike },
];
