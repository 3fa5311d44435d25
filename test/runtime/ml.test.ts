import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import { tensorOf } from '../../src/runtime/generic/elements.ts';
import { runModel } from '../ort.ts';
import { difference } from './conformance.ts';
import {
  float,
  floats,
  int,
  ints,
  modelOf,
  nameOf,
  type Operator,
  runSession,
  text,
  texts,
} from './one-operator.ts';

/** Operators of ai.onnx.ml, through sessions, against onnxruntime-node. */

const peer = suite('ai.onnx.ml against onnxruntime-node');

const source = random(17);
const x = tensorOf(
  'float32',
  Float64Array.from({ length: 24 }, () => source.uniform() * 4 - 2),
  [8, 3],
);
const some = (count: number): number[] =>
  Array.from({ length: count }, () => source.uniform() * 2 - 1);

/** Two trees: one of two levels, one of one. Leaves are 3, 4, 2 of the first and 1, 2 of the second. */
const nodes = {
  nodes_treeids: ints(0, 0, 0, 0, 0, 1, 1, 1),
  nodes_nodeids: ints(0, 1, 2, 3, 4, 0, 1, 2),
  nodes_featureids: ints(0, 1, 0, 0, 0, 2, 0, 0),
  nodes_values: floats(0.2, -0.3, 0, 0, 0, 0.5, 0, 0),
  nodes_modes: texts(
    'BRANCH_LEQ',
    'BRANCH_GT',
    'LEAF',
    'LEAF',
    'LEAF',
    'BRANCH_LT',
    'LEAF',
    'LEAF',
  ),
  nodes_truenodeids: ints(1, 3, 0, 0, 0, 1, 0, 0),
  nodes_falsenodeids: ints(2, 4, 0, 0, 0, 2, 0, 0),
};
const leafTrees = ints(0, 0, 0, 1, 1);
const leafNodes = ints(3, 4, 2, 1, 2);

function regressor(more: Operator['attributes']): Operator {
  return {
    op: 'TreeEnsembleRegressor',
    inputs: [x],
    attributes: {
      ...nodes,
      n_targets: int(2),
      target_treeids: leafTrees,
      target_nodeids: leafNodes,
      target_ids: ints(0, 1, 0, 1, 0),
      target_weights: floats(0.5, -1, 2, 0.25, -0.75),
      ...more,
    },
  };
}

function classifier(ids: number[], weights: number[], more: Operator['attributes'] = {}): Operator {
  return {
    op: 'TreeEnsembleClassifier',
    inputs: [x],
    attributes: {
      ...nodes,
      class_treeids: leafTrees,
      class_nodeids: leafNodes,
      class_ids: ints(...ids),
      class_weights: floats(...weights),
      classlabels_int64s: ints(...(Math.max(...ids) > 1 ? [7, 8, 9] : [3, 4])),
      ...more,
    },
    outputs: ['int64', 'float32'],
  };
}

const signed = [0.5, -1, 2, 0.25, -0.75];
const positive = [0.1, 0.4, 0.3, 0.25, 0.45];
const linear = (targets: number, transform: string): Operator => ({
  op: 'LinearClassifier',
  inputs: [x],
  attributes: {
    coefficients: floats(...some(3 * targets)),
    intercepts: floats(...some(targets)),
    classlabels_ints: ints(...[5, 6, 7].slice(0, Math.max(2, targets))),
    post_transform: text(transform),
  },
  outputs: ['int64', 'float32'],
});

const cases: Operator[] = [
  { op: 'ArrayFeatureExtractor', inputs: [x, tensorOf('int64', [2, 0], [2])] },
  { op: 'Binarizer', inputs: [x], attributes: { threshold: float(0.3) } },
  {
    op: 'Imputer',
    inputs: [tensorOf('float32', [1, Number.NaN, 3, Number.NaN], [2, 2])],
    attributes: { imputed_value_floats: floats(8, 9), replaced_value_float: float(Number.NaN) },
  },
  {
    op: 'LabelEncoder',
    version: 2,
    inputs: [new Tensor('string', ['b', 'x', 'a'])],
    attributes: {
      keys_strings: texts('a', 'b'),
      values_int64s: ints(3, 4),
      default_int64: int(-7),
    },
    outputs: ['int64'],
  },
  {
    op: 'LabelEncoder',
    version: 2,
    inputs: [tensorOf('int64', [2, 5, 1], [3])],
    attributes: { keys_int64s: ints(1, 2), values_strings: texts('one', 'two') },
    outputs: ['string'],
  },
  { op: 'Scaler', inputs: [x], attributes: { offset: floats(1, 2, 3), scale: floats(0.5, 2, -1) } },
  ...['MAX', 'L1', 'L2'].map(
    (norm): Operator => ({ op: 'Normalizer', inputs: [x], attributes: { norm: text(norm) } }),
  ),
  {
    op: 'LinearRegressor',
    inputs: [x],
    attributes: { coefficients: floats(...some(6)), intercepts: floats(1, 2), targets: int(2) },
  },
  ...['NONE', 'LOGISTIC', 'SOFTMAX', 'SOFTMAX_ZERO'].map((transform) => linear(3, transform)),
  ...['NONE', 'LOGISTIC'].map((transform) => linear(1, transform)),
  regressor({}),
  regressor({
    aggregate_function: text('AVERAGE'),
    base_values: floats(1),
    n_targets: int(1),
    target_ids: ints(0, 0, 0, 0, 0),
  }),
  regressor({ aggregate_function: text('MIN') }),
  regressor({ aggregate_function: text('MAX'), post_transform: text('LOGISTIC') }),
  classifier([0, 1, 2, 1, 0], positive),
  classifier([0, 1, 2, 1, 0], positive, { post_transform: text('SOFTMAX') }),
  classifier([0, 0, 0, 0, 0], positive),
  classifier([0, 0, 0, 0, 0], signed),
  classifier([0, 0, 0, 0, 0], signed, { post_transform: text('LOGISTIC') }),
  classifier([0, 0, 0, 0, 0], signed, { base_values: floats(0.3) }),
];

for (const given of cases) {
  const item = { ...given, domain: 'ai.onnx.ml' };
  peer(`${nameOf(item)} ${JSON.stringify(given.attributes?.post_transform ?? '')}`, async () => {
    const { bytes, feeds } = modelOf(item);
    const expected = await runModel(bytes, feeds);
    const got = await runSession(bytes, feeds);
    for (const [name, tensor] of Object.entries(expected))
      assert.is(difference(got[name], tensor, 1e-5), null, name);
  });
}

peer.run();
