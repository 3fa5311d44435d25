import { productOfDims } from '../core/dim.ts';
import type { DType } from '../core/dtype.ts';
import type { Dim } from '../core/shape.ts';
import type { AttributeSchema, InferContext, Op, OutputInfo } from './op.ts';
import { sameAsFirst, tensor, withRank } from './rules.ts';

/** Operators of domain ai.onnx.ml: labels, features, linear models and trees. */
const domain = 'ai.onnx.ml';

type Attributes = Readonly<Record<string, AttributeSchema>>;

function op(name: string, attributes: Attributes, infer: Op['infer']): Op {
  return { name, domain, inputs: [1, 1], outputs: [1, 1], attributes, infer };
}

/** The type of what a list attribute or a tensor holds. */
function labelType(c: InferContext): DType | null {
  const values = c.node.attributes.get('values_tensor');
  if (values?.type === 'tensor') return values.value.dtype;
  if (c.attributes.has('values_strings')) return 'string';
  return c.attributes.has('values_int64s') ? 'int64' : 'float32';
}

function lengthOf(c: InferContext, attribute: string): number {
  const found = c.node.attributes.get(attribute);
  return Array.isArray(found?.value) ? found.value.length : 0;
}

function batchOf(c: InferContext): Dim {
  const x = withRank(c, 0, 1, 2);
  return x === null ? null : x.length === 1 ? 1 : x[0]!;
}

/** Labels [N] and a score for each class [N, classes]. */
function classifierRule(c: InferContext): OutputInfo[] {
  const texts = lengthOf(c, 'classlabels_strings');
  const numbers = lengthOf(c, 'classlabels_int64s') + lengthOf(c, 'classlabels_ints');
  const batch = batchOf(c);
  return [
    tensor(texts > 0 ? 'string' : 'int64', [batch]),
    tensor('float32', [batch, Math.max(texts, numbers) || null]),
  ];
}

const postTransform = {
  post_transform: {
    kind: 'string',
    default: 'NONE',
    oneOf: ['NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO', 'PROBIT'],
  },
} as const satisfies Attributes;

const nodes: Attributes = {
  base_values: { kind: 'floats' },
  base_values_as_tensor: { kind: 'tensor' },
  nodes_falsenodeids: { kind: 'ints' },
  nodes_featureids: { kind: 'ints', min: 0 },
  nodes_hitrates: { kind: 'floats' },
  nodes_hitrates_as_tensor: { kind: 'tensor' },
  nodes_missing_value_tracks_true: { kind: 'ints' },
  nodes_modes: { kind: 'strings' },
  nodes_nodeids: { kind: 'ints' },
  nodes_treeids: { kind: 'ints' },
  nodes_truenodeids: { kind: 'ints' },
  nodes_values: { kind: 'floats' },
  nodes_values_as_tensor: { kind: 'tensor' },
  ...postTransform,
};

const classLabels: Attributes = { classlabels_strings: { kind: 'strings' } };

export const mlOps: readonly Op[] = [
  {
    ...op('ArrayFeatureExtractor', {}, (c) => {
      const [x, indices] = [c.shape(0), c.shape(1)];
      if (x === null) return [tensor(c.dtype(0), null)];
      const count = indices === null ? null : productOfDims(indices);
      return [tensor(c.dtype(0), [...(x.length < 2 ? [1] : x.slice(0, -1)), count])];
    }),
    inputs: [2, 2],
  },
  op('Binarizer', { threshold: { kind: 'float', default: 0 } }, sameAsFirst),
  op(
    'Imputer',
    {
      imputed_value_floats: { kind: 'floats' },
      imputed_value_int64s: { kind: 'ints' },
      replaced_value_float: { kind: 'float', default: 0 },
      replaced_value_int64: { kind: 'int', default: 0 },
    },
    sameAsFirst,
  ),
  op(
    'LabelEncoder',
    {
      default_float: { kind: 'float', default: -0 },
      default_int64: { kind: 'int', default: -1 },
      default_string: { kind: 'string', default: '_Unused' },
      default_tensor: { kind: 'tensor' },
      keys_floats: { kind: 'floats' },
      keys_int64s: { kind: 'ints' },
      keys_strings: { kind: 'strings' },
      keys_tensor: { kind: 'tensor' },
      values_floats: { kind: 'floats' },
      values_int64s: { kind: 'ints' },
      values_strings: { kind: 'strings' },
      values_tensor: { kind: 'tensor' },
    },
    (c) => [tensor(labelType(c), c.shape(0))],
  ),
  op('Scaler', { offset: { kind: 'floats' }, scale: { kind: 'floats' } }, (c) => [
    tensor('float32', c.shape(0)),
  ]),
  op(
    'Normalizer',
    { norm: { kind: 'string', default: 'MAX', oneOf: ['MAX', 'L1', 'L2'] } },
    (c) => [tensor('float32', c.shape(0))],
  ),
  op(
    'LinearRegressor',
    {
      coefficients: { kind: 'floats' },
      intercepts: { kind: 'floats' },
      targets: { kind: 'int', default: 1, min: 1 },
      ...postTransform,
    },
    (c) => [tensor('float32', [batchOf(c), c.attributes.int('targets')])],
  ),
  {
    ...op(
      'LinearClassifier',
      {
        ...classLabels,
        classlabels_ints: { kind: 'ints' },
        coefficients: { kind: 'floats', required: true },
        intercepts: { kind: 'floats' },
        multi_class: { kind: 'int', default: 0 },
        ...postTransform,
      },
      classifierRule,
    ),
    outputs: [2, 2],
  },
  op(
    'TreeEnsemble',
    {
      aggregate_function: { kind: 'int', default: 1, min: 0, max: 3 },
      leaf_targetids: { kind: 'ints', required: true, min: 0 },
      leaf_weights: { kind: 'tensor', required: true },
      membership_values: { kind: 'tensor' },
      n_targets: { kind: 'int', min: 1 },
      nodes_falseleafs: { kind: 'ints', required: true },
      nodes_falsenodeids: { kind: 'ints', required: true },
      nodes_featureids: { kind: 'ints', required: true, min: 0 },
      nodes_hitrates: { kind: 'tensor' },
      nodes_missing_value_tracks_true: { kind: 'ints' },
      nodes_modes: { kind: 'tensor', required: true },
      nodes_splits: { kind: 'tensor', required: true },
      nodes_trueleafs: { kind: 'ints', required: true },
      nodes_truenodeids: { kind: 'ints', required: true },
      post_transform: { kind: 'int', default: 0, min: 0, max: 4 },
      tree_roots: { kind: 'ints', required: true },
    },
    (c) => [tensor(c.dtype(0), [batchOf(c), c.attributes.int('n_targets')])],
  ),
  op(
    'TreeEnsembleRegressor',
    {
      ...nodes,
      aggregate_function: {
        kind: 'string',
        default: 'SUM',
        oneOf: ['AVERAGE', 'SUM', 'MIN', 'MAX'],
      },
      n_targets: { kind: 'int', min: 1 },
      target_ids: { kind: 'ints', min: 0 },
      target_nodeids: { kind: 'ints' },
      target_treeids: { kind: 'ints' },
      target_weights: { kind: 'floats' },
      target_weights_as_tensor: { kind: 'tensor' },
    },
    (c) => [tensor('float32', [batchOf(c), c.attributes.int('n_targets')])],
  ),
  {
    ...op(
      'TreeEnsembleClassifier',
      {
        ...nodes,
        ...classLabels,
        class_ids: { kind: 'ints', min: 0 },
        class_nodeids: { kind: 'ints' },
        class_treeids: { kind: 'ints' },
        class_weights: { kind: 'floats' },
        class_weights_as_tensor: { kind: 'tensor' },
        classlabels_int64s: { kind: 'ints' },
      },
      classifierRule,
    ),
    outputs: [2, 2],
  },
];
