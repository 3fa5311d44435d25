import type { Model } from '../../ir/model.ts';
import { allNodes } from '../../ir/walk.ts';
import { ownDomain } from '../../ops/modelpress.ts';
import {
  type AttributeProto,
  type FunctionProto,
  type NodeProto,
  attributeTypes as types,
} from './proto.ts';
import { makeTensor } from './tensor.ts';

/** Operators of modelpress as functions of ONNX's operators: any runtime runs a file that has them. */

/** First operator set with all that the functions are made of, in the form that they have here. */
export const firstOwnOpset = 13;

/** From here on the axes of ReduceMax are an operand.
 *  Source: ONNX changelog, ReduceMax 18. */
const firstWithAxes = 18;

const int = (name: string, i: number): AttributeProto => ({ name, i, type: types.int });

function node(
  opType: string,
  input: string[],
  output: string,
  attribute?: AttributeProto,
): NodeProto {
  return {
    opType,
    input,
    output: [output],
    ...(attribute === undefined ? {} : { attribute: [attribute] }),
  };
}

function constant(output: string, value: number): NodeProto {
  const bytes = new Uint8Array(Float32Array.of(value).buffer);
  const t = makeTensor('', 'float32', [], bytes);
  return node('Constant', [], output, { name: 'value', t, type: types.tensor });
}

/** Rows of x in steps of max|row| / 127; steps of 0 divide by the least normal number. */
function dynamicMatMul(opset: number): FunctionProto {
  const axes: NodeProto[] =
    opset < firstWithAxes
      ? []
      : [node('Constant', [], 'last', { name: 'value_ints', ints: [-1], type: types.ints })];
  const greatest: NodeProto =
    opset < firstWithAxes
      ? node('ReduceMax', ['magnitudes'], 'most', { name: 'axes', ints: [-1], type: types.ints })
      : node('ReduceMax', ['magnitudes', 'last'], 'most');
  return {
    name: 'DynamicMatMul',
    domain: ownDomain,
    input: ['a', 'b', 'scale'],
    output: ['y'],
    opsetImport: [{ domain: '', version: opset }],
    node: [
      constant('levels', 127),
      constant('least', 2 ** -126),
      ...axes,
      node('Abs', ['a'], 'magnitudes'),
      greatest,
      node('Div', ['most', 'levels'], 'step'),
      node('Max', ['step', 'least'], 'divisor'),
      node('Div', ['a', 'divisor'], 'ratio'),
      node('Round', ['ratio'], 'rounded'),
      node('Cast', ['rounded'], 'level', int('to', 3)),
      node('MatMulInteger', ['level', 'b'], 'sums'),
      node('Cast', ['sums'], 'real', int('to', 1)),
      // Not by step · scale: onnxruntime takes that for the form with one step for all rows, and fuses it.
      node('Mul', ['real', 'scale'], 'scaled'),
      node('Mul', ['scaled', 'step'], 'y'),
    ],
  };
}

/** The functions that a model's nodes call, in an operator set. */
export function ownFunctions({ graph }: Model, opset: number): FunctionProto[] {
  return usesOwn(graph) ? [dynamicMatMul(opset)] : [];
}

/** Whether nodes call them. */
export function usesOwn(graph: Model['graph']): boolean {
  for (const { domain } of allNodes(graph)) if (domain === ownDomain) return true;
  return false;
}

/** Whether a function of a file is one of these, word for word: its calls are operators here. */
export function isOwnFunction(given: FunctionProto): boolean {
  if (given.domain !== ownDomain) return false;
  return [firstOwnOpset, firstWithAxes].some((opset) => {
    const own = dynamicMatMul(opset);
    return given.name === own.name && textOf(given) === textOf(own);
  });
}

function textOf({ input, output, node: nodes }: FunctionProto): string {
  const lines = (nodes ?? []).map((item) => [
    item.opType,
    item.domain ?? '',
    item.input ?? [],
    item.output ?? [],
    (item.attribute ?? []).map(({ name, i, ints, t }) => [
      name,
      Number(i ?? 0),
      [...(ints ?? [])].map(Number),
      [...(t?.rawData instanceof Uint8Array ? t.rawData : [])],
    ]),
  ]);
  return JSON.stringify([input, output, lines]);
}
