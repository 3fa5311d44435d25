import { Tensor } from '../../core/tensor.ts';
import { constantTensor } from './constant-tensor.ts';
import { itemsFor, itemsOf, numbersOf, tensorOf, tensorOfItems, withDims } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { taken } from './gather.ts';
import { countOf } from './indexing.ts';
import { labelsOf, labelTensor, largestOf, transformed } from './ml-scores.ts';
import { floatsIn, invalid, stringsIn, tensorAt, unsupported } from './operands.ts';
import { treeEvaluators } from './trees.ts';

/** Operators of domain ai.onnx.ml on labels and features, and linear models. */
const domain = 'ai.onnx.ml';

/** Picked along the last axis; a vector is one row. */
function arrayFeatureExtractor(c: EvaluateContext): Tensor[] {
  const [x, indices] = [tensorAt(c, 0), tensorAt(c, 1)];
  const rows = x.dims.length < 2 ? withDims(x, [1, x.size]) : x;
  return [taken(c, rows, withDims(indices, [indices.size]), rows.dims.length - 1)];
}

function binarizer(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const threshold = c.attributes.float('threshold');
  const values = numbersOf(x).map((v) => (v > threshold ? 1 : 0));
  return [tensorOf(x.type, values, x.dims)];
}

/** A list in an attribute of one of several kinds, as a tensor; null without any. */
function listIn(c: EvaluateContext, side: 'keys' | 'values'): Tensor | null {
  const whole = c.node.attributes.get(`${side}_tensor`);
  if (whole?.type === 'tensor') return constantTensor(whole.value);
  const texts = stringsIn(c, `${side}_strings`);
  if (texts !== null) return new Tensor('string', [...texts]);
  const integers = c.node.attributes.get(`${side}_int64s`);
  if (integers?.type === 'ints') return new Tensor('int64', integers.value.map(BigInt));
  const floats = floatsIn(c, `${side}_floats`);
  return floats === null ? null : new Tensor('float32', [...floats]);
}

/** What keys that are not there become. */
function defaultOf(c: EvaluateContext, { type }: Tensor): unknown {
  const given = c.node.attributes.get('default_tensor');
  if (given?.type === 'tensor') {
    const tensor = constantTensor(given.value);
    if (tensor.type === type) return itemsOf(tensor)[0];
  }
  if (type === 'string') return c.attributes.string('default_string');
  if (type === 'int64') return BigInt(c.attributes.int('default_int64'));
  return type === 'float32' || type === 'float64' ? c.attributes.float('default_float') : -1;
}

/** By the keys' values: NaN is one key. */
function labelEncoder(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const [keys, values] = [listIn(c, 'keys'), listIn(c, 'values')];
  if (keys === null || values === null || keys.size !== values.size)
    throw invalid(c, 'E_OP_ATTRIBUTE', 'keys and values do not fit');
  if (keys.type !== x.type)
    throw invalid(c, 'E_OPERAND_KIND', `${keys.type} keys for elements of ${x.type}`);
  const to = new Map<unknown, unknown>();
  const labels = itemsOf(values);
  itemsOf(keys).forEach((key: unknown, i: number) => {
    if (!to.has(key)) to.set(key, labels[i]);
  });
  const otherwise = defaultOf(c, values);
  const result = itemsFor(values.type, x.size) as unknown[];
  itemsOf(x).forEach((item: unknown, i: number) => {
    result[i] = to.has(item) ? to.get(item) : otherwise;
  });
  return [tensorOfItems(values.type, result as string[], x.dims)];
}

/** A value for each feature, or one for all. */
function featureOf(list: readonly number[], features: number): (i: number) => number {
  return list.length === 1 ? () => list[0]! : (i) => list[i % features]!;
}

function imputer(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const isFloat = x.type === 'float32' || x.type === 'float64';
  const values = isFloat
    ? floatsIn(c, 'imputed_value_floats')
    : c.attributes.ints('imputed_value_int64s');
  const features = x.dims.at(-1) ?? 1;
  if (values === null || (values.length !== 1 && values.length !== features))
    throw invalid(c, 'E_OP_ATTRIBUTE', `values for ${features} features are missing`);
  const missing = isFloat
    ? c.attributes.float('replaced_value_float')
    : c.attributes.int('replaced_value_int64');
  const value = featureOf(values, features);
  const changed = numbersOf(x).map((v, i) =>
    v === missing || (Number.isNaN(v) && Number.isNaN(missing)) ? value(i) : v,
  );
  return [tensorOf(x.type, changed, x.dims)];
}

/** (x − offset) · scale */
function scaler(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  const features = x.dims.at(-1) ?? 1;
  const list = (name: string, fallback: number): ((i: number) => number) => {
    const given = floatsIn(c, name) ?? [fallback];
    if (given.length !== 1 && given.length !== features)
      throw invalid(
        c,
        'E_OP_ATTRIBUTE',
        `${given.length} items of ${name} for ${features} features`,
      );
    return featureOf(given, features);
  };
  const [offset, scale] = [list('offset', 0), list('scale', 1)];
  const values = numbersOf(x).map((v, i) => (v - offset(i)) * scale(i));
  return [tensorOf('float32', values, x.dims)];
}

/** Rows over their largest element, the sum of their magnitudes, or their length. */
function normalizer(c: EvaluateContext): Tensor[] {
  const x = tensorAt(c, 0);
  if (x.dims.length < 1 || x.dims.length > 2)
    throw invalid(c, 'E_SHAPE_RANK', `[${x.dims}], expected [F] or [N, F]`);
  const features = x.dims.at(-1)!;
  const values = numbersOf(x).slice();
  const norm = c.attributes.string('norm');
  for (let at = 0; at < values.length; at += features) {
    const row = values.subarray(at, at + features);
    const size =
      norm === 'MAX'
        ? row.reduce((a, b) => Math.max(a, b), -Infinity)
        : norm === 'L1'
          ? row.reduce((sum, v) => sum + Math.abs(v), 0)
          : Math.sqrt(row.reduce((sum, v) => sum + v * v, 0));
    if (size !== 0)
      values.set(
        row.map((v) => v / size),
        at,
      );
  }
  return [tensorOf('float32', values, x.dims)];
}

/** Coefficients [targets, F] times each row, plus intercepts. */
function linearScores(c: EvaluateContext, targets: number): Float64Array[] {
  const x = tensorAt(c, 0);
  const features = x.dims.at(-1) ?? 1;
  const coefficients = floatsIn(c, 'coefficients') ?? [];
  const intercepts = floatsIn(c, 'intercepts');
  if (x.dims.length > 2 || coefficients.length !== targets * features)
    throw invalid(
      c,
      'E_SHAPE_MISMATCH',
      `${coefficients.length} coefficients, ${targets} targets for [${x.dims}]`,
    );
  const values = numbersOf(x);
  const rows = x.dims.length === 2 ? x.dims[0]! : 1;
  return Array.from({ length: rows }, (_, row) =>
    Float64Array.from({ length: targets }, (_, target) => {
      let sum = 0;
      for (let i = 0; i < features; i++)
        sum += values[row * features + i]! * coefficients[target * features + i]!;
      return sum + (intercepts?.[target] ?? 0);
    }),
  );
}

function scoreTensor(rows: readonly Float64Array[], columns: number): Tensor {
  const values = new Float64Array(countOf([rows.length, columns]));
  rows.forEach((row, i) => {
    values.set(row, i * columns);
  });
  return tensorOf('float32', values, [rows.length, columns]);
}

function linearRegressor(c: EvaluateContext): Tensor[] {
  const targets = c.attributes.int('targets');
  const transform = c.attributes.string('post_transform');
  const rows = linearScores(c, targets).map((row) => transformed(transform, row));
  return [scoreTensor(rows, targets)];
}

/** A single score for two classes is that of the second. */
function linearClassifier(c: EvaluateContext): Tensor[] {
  const labels = labelsOf(c, 'classlabels_ints');
  const features = tensorAt(c, 0).dims.at(-1) ?? 1;
  const targets = (floatsIn(c, 'coefficients') ?? []).length / features;
  if (targets !== labels.length && !(targets === 1 && labels.length === 2))
    throw invalid(c, 'E_OP_ATTRIBUTE', `${targets} rows of coefficients, ${labels.length} labels`);
  const transform = c.attributes.string('post_transform');
  if (targets === 1 && transform !== 'NONE' && transform !== 'LOGISTIC')
    throw unsupported(c, `${transform} of the only score`);
  const rows = linearScores(c, targets);
  if (targets === 1) {
    const whole = rows.map(([score]) => {
      const second = transformed(transform, Float64Array.of(score!))[0]!;
      return Float64Array.of(1 - second, second);
    });
    return [
      labelTensor(
        labels,
        rows.map(([score]) => (score! > 0 ? 1 : 0)),
      ),
      scoreTensor(whole, 2),
    ];
  }
  return [
    labelTensor(labels, rows.map(largestOf)),
    scoreTensor(
      rows.map((row) => transformed(transform, row)),
      targets,
    ),
  ];
}

export const mlEvaluators: readonly Evaluator[] = [
  { op: 'ArrayFeatureExtractor', domain, evaluate: arrayFeatureExtractor },
  { op: 'Binarizer', domain, evaluate: binarizer },
  { op: 'LabelEncoder', domain, evaluate: labelEncoder },
  { op: 'Imputer', domain, evaluate: imputer },
  { op: 'Scaler', domain, evaluate: scaler },
  { op: 'Normalizer', domain, evaluate: normalizer },
  { op: 'LinearRegressor', domain, evaluate: linearRegressor },
  { op: 'LinearClassifier', domain, evaluate: linearClassifier },
  ...treeEvaluators,
];
