import type { Tensor } from '../../core/tensor.ts';
import { constantTensor } from './constant-tensor.ts';
import { numbersOf, tensorOf } from './elements.ts';
import type { EvaluateContext, Evaluator } from './evaluator.ts';
import { countOf } from './indexing.ts';
import { labelsOf, labelTensor, largestOf, transformed } from './ml-scores.ts';
import { floatsIn, invalid, stringsIn, tensorAt } from './operands.ts';

/** Ensembles of decision trees. */
const domain = 'ai.onnx.ml';

/** What a leaf adds to a target. */
interface Vote {
  readonly target: number;
  readonly weight: number;
}

interface Branching {
  readonly feature: number;
  readonly test: (x: number) => boolean;
  /** Where a missing value, NaN, goes. */
  readonly missing: boolean;
  readonly yes: number;
  readonly no: number;
}

/** Places of one array: a leaf's votes, or where to go on. */
type Place = readonly Vote[] | Branching;

interface Ensemble {
  readonly places: readonly Place[];
  readonly roots: readonly number[];
}

const tests: Readonly<Record<string, (split: number) => (x: number) => boolean>> = {
  BRANCH_LEQ: (split) => (x) => x <= split,
  BRANCH_LT: (split) => (x) => x < split,
  BRANCH_GTE: (split) => (x) => x >= split,
  BRANCH_GT: (split) => (x) => x > split,
  BRANCH_EQ: (split) => (x) => x === split,
  BRANCH_NEQ: (split) => (x) => x !== split,
};

/** Of an attribute that is a tensor, or null. */
function tensorIn(c: EvaluateContext, name: string): Float64Array | null {
  const found = c.node.attributes.get(name);
  return found?.type === 'tensor' ? numbersOf(constantTensor(found.value)) : null;
}

function numbersIn(c: EvaluateContext, name: string): ArrayLike<number> {
  return tensorIn(c, `${name}_as_tensor`) ?? floatsIn(c, name) ?? [];
}

const intsIn = (c: EvaluateContext, name: string): readonly number[] =>
  c.attributes.ints(name) ?? [];

/** All nodes in one list, found by tree and number. */
function listedEnsemble(c: EvaluateContext, kind: 'target' | 'class'): Ensemble {
  const [trees, numbers] = [intsIn(c, 'nodes_treeids'), intsIn(c, 'nodes_nodeids')];
  const modes = stringsIn(c, 'nodes_modes') ?? [];
  const [features, missing] = [
    intsIn(c, 'nodes_featureids'),
    intsIn(c, 'nodes_missing_value_tracks_true'),
  ];
  const [yes, no] = [intsIn(c, 'nodes_truenodeids'), intsIn(c, 'nodes_falsenodeids')];
  const splits = numbersIn(c, 'nodes_values');
  const at = new Map(trees.map((tree, i) => [`${tree} ${numbers[i]}`, i]));
  const placeOf = (tree: number, number: number | undefined): number => {
    const place = at.get(`${tree} ${number}`);
    if (place === undefined)
      throw invalid(c, 'E_OP_ATTRIBUTE', `tree ${tree} has no node ${number}`);
    return place;
  };
  const votes = new Map<number, Vote[]>();
  const weights = numbersIn(c, `${kind}_weights`);
  const owners = intsIn(c, `${kind}_treeids`);
  const nodes = intsIn(c, `${kind}_nodeids`);
  intsIn(c, `${kind}_ids`).forEach((target, i) => {
    const place = placeOf(owners[i] ?? -1, nodes[i]);
    votes.set(place, [...(votes.get(place) ?? []), { target, weight: weights[i] ?? 0 }]);
  });
  const places = trees.map((tree, i): Place => {
    if (modes[i] === 'LEAF') return votes.get(i) ?? [];
    const test = tests[modes[i] ?? ''];
    if (test === undefined) throw invalid(c, 'E_OP_ATTRIBUTE', `a node of mode "${modes[i]}"`);
    return {
      feature: features[i] ?? 0,
      test: test(splits[i] ?? 0),
      missing: (missing[i] ?? 0) !== 0,
      yes: placeOf(tree, yes[i]),
      no: placeOf(tree, no[i]),
    };
  });
  const roots = trees.flatMap((tree, i) => (trees.indexOf(tree) === i ? [i] : []));
  return { places, roots };
}

/** Branches and leaves in lists of their own. */
function indexedEnsemble(c: EvaluateContext): Ensemble {
  const modes = tensorIn(c, 'nodes_modes') ?? new Float64Array(0);
  const splits = tensorIn(c, 'nodes_splits') ?? new Float64Array(0);
  const weights = tensorIn(c, 'leaf_weights') ?? new Float64Array(0);
  const targets = intsIn(c, 'leaf_targetids');
  const features = intsIn(c, 'nodes_featureids');
  const missing = intsIn(c, 'nodes_missing_value_tracks_true');
  const [yes, no] = [intsIn(c, 'nodes_truenodeids'), intsIn(c, 'nodes_falsenodeids')];
  const [isYesLeaf, isNoLeaf] = [intsIn(c, 'nodes_trueleafs'), intsIn(c, 'nodes_falseleafs')];
  // Members of the sets of all nodes, each set ended by NaN.
  const members = tensorIn(c, 'membership_values') ?? new Float64Array(0);
  let next = 0;
  const memberSet = (): Set<number> => {
    const set = new Set<number>();
    while (next < members.length && !Number.isNaN(members[next])) set.add(members[next++]!);
    next++;
    return set;
  };
  const names = Object.keys(tests);
  const placeOf = (index: number | undefined, isLeaf: boolean): number => {
    const count = isLeaf ? targets.length : modes.length;
    if (index === undefined || index < 0 || index >= count)
      throw invalid(c, 'E_OP_ATTRIBUTE', `there is no ${isLeaf ? 'leaf' : 'node'} ${index}`);
    return isLeaf ? modes.length + index : index;
  };
  const branches = Array.from(modes, (mode, i): Place => {
    const set = mode === 6 ? memberSet() : null;
    const test = set === null ? tests[names[mode] ?? '']?.(splits[i] ?? 0) : null;
    if (test === undefined) throw invalid(c, 'E_OP_ATTRIBUTE', `a node of mode ${mode}`);
    return {
      feature: features[i] ?? 0,
      test: test ?? ((x) => set!.has(x)),
      missing: (missing[i] ?? 0) !== 0,
      yes: placeOf(yes[i], isYesLeaf[i] !== 0),
      no: placeOf(no[i], isNoLeaf[i] !== 0),
    };
  });
  const leaves = targets.map((target, i): Place => [{ target, weight: weights[i] ?? 0 }]);
  const roots = intsIn(c, 'tree_roots').map((root) => placeOf(root, false));
  return { places: [...branches, ...leaves], roots };
}

/** What the leaves that a row comes to say, tree by tree.
 *  @throws {ShapeError} a tree that goes in circles, a feature that is not there */
function votesOf(c: EvaluateContext, { places, roots }: Ensemble, row: Float64Array): Vote[] {
  return roots.flatMap((root) => {
    let place = places[root]!;
    for (let depth = 0; !Array.isArray(place); depth++) {
      const { feature, test, missing, yes, no } = place as Branching;
      const x = row[feature];
      if (x === undefined || depth > places.length)
        throw invalid(c, 'E_OP_ATTRIBUTE', x === undefined ? `no feature ${feature}` : 'a circle');
      place = places[test(x) || (missing && Number.isNaN(x)) ? yes : no]!;
    }
    return place as Vote[];
  });
}

function rowsOf(c: EvaluateContext): Float64Array[] {
  const x = tensorAt(c, 0);
  if (x.dims.length < 1 || x.dims.length > 2)
    throw invalid(c, 'E_SHAPE_RANK', `[${x.dims}], expected [F] or [N, F]`);
  const values = numbersOf(x);
  const width = x.dims.at(-1)!;
  const count = x.dims.length === 2 ? x.dims[0]! : 1;
  return Array.from({ length: count }, (_, row) => values.subarray(row * width, (row + 1) * width));
}

const aggregates = ['AVERAGE', 'SUM', 'MIN', 'MAX'];
const transforms = ['NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO', 'PROBIT'];

function regression(
  c: EvaluateContext,
  ensemble: Ensemble,
  aggregate: string,
  transform: string,
  type: Tensor['type'],
): Tensor[] {
  const targets = c.attributes.int('n_targets');
  const base = numbersIn(c, 'base_values');
  const rows = rowsOf(c);
  const values = new Float64Array(countOf([rows.length, targets]));
  rows.forEach((row, index) => {
    const sums = new Float64Array(targets);
    const hasVote = new Array<boolean>(targets).fill(false);
    for (const { target, weight } of votesOf(c, ensemble, row)) {
      if (target >= targets) throw invalid(c, 'E_OP_ATTRIBUTE', `there is no target ${target}`);
      const so = sums[target]!;
      const isFirst = !hasVote[target];
      hasVote[target] = true;
      if (aggregate === 'MIN') sums[target] = isFirst ? weight : Math.min(so, weight);
      else if (aggregate === 'MAX') sums[target] = isFirst ? weight : Math.max(so, weight);
      else sums[target] = so + weight;
    }
    const scale = aggregate === 'AVERAGE' ? ensemble.roots.length : 1;
    const scores = sums.map((v, i) => v / scale + (base[i] ?? 0));
    values.set(transformed(transform, scores), index * targets);
  });
  return [tensorOf(type, values, [rows.length, targets])];
}

/** Scores of one row. Where all leaves are of one of two classes, theirs is the only score, and the other's follows from
 *  it: 1 − score where all weights are positive (probabilities), − score otherwise. Source: onnxruntime. */
function classify(
  scores: Float64Array,
  isSingle: boolean,
  isPositive: boolean,
  transform: string,
): { label: number; scores: Float64Array } {
  if (!isSingle) {
    const label = largestOf(scores);
    return { label, scores: transformed(transform, scores) };
  }
  const [score] = scores as unknown as [number];
  const label = score > (isPositive ? 0.5 : 0) ? 1 : 0;
  if (transform === 'PROBIT') {
    const second = transformed(transform, Float64Array.of(score))[0]!;
    return { label, scores: Float64Array.of(1 - second, second) };
  }
  if (isPositive) return { label, scores: Float64Array.of(1 - score, score) };
  const both = Float64Array.of(-score, score);
  return { label, scores: transform === 'LOGISTIC' ? transformed(transform, both) : both };
}

function treeEnsembleClassifier(c: EvaluateContext): Tensor[] {
  const labels = labelsOf(c, 'classlabels_int64s');
  const ensemble = listedEnsemble(c, 'class');
  const classes = new Set(intsIn(c, 'class_ids'));
  const weights = Array.from(numbersIn(c, 'class_weights'));
  const isSingle = labels.length === 2 && classes.size === 1;
  const base = numbersIn(c, 'base_values');
  const transform = c.attributes.string('post_transform');
  const rows = rowsOf(c);
  const values = new Float64Array(countOf([rows.length, labels.length]));
  const picks = rows.map((row, index) => {
    const sums = new Float64Array(labels.length);
    for (const { target, weight } of votesOf(c, ensemble, row)) {
      if (target >= labels.length)
        throw invalid(c, 'E_OP_ATTRIBUTE', `there is no class ${target}`);
      sums[isSingle ? 0 : target]! += weight;
    }
    const scores = sums.map((v, i) => v + (base[isSingle ? base.length - 1 : i] ?? 0));
    const found = classify(
      scores,
      isSingle,
      weights.every((weight) => weight >= 0),
      transform,
    );
    values.set(found.scores, index * labels.length);
    return found.label;
  });
  return [labelTensor(labels, picks), tensorOf('float32', values, [rows.length, labels.length])];
}

export const treeEvaluators: readonly Evaluator[] = [
  {
    op: 'TreeEnsemble',
    domain,
    evaluate: (c) =>
      regression(
        c,
        indexedEnsemble(c),
        aggregates[c.attributes.int('aggregate_function')]!,
        transforms[c.attributes.int('post_transform')]!,
        tensorAt(c, 0).type,
      ),
  },
  {
    op: 'TreeEnsembleRegressor',
    domain,
    evaluate: (c) =>
      regression(
        c,
        listedEnsemble(c, 'target'),
        c.attributes.string('aggregate_function'),
        c.attributes.string('post_transform'),
        'float32',
      ),
  },
  { op: 'TreeEnsembleClassifier', domain, evaluate: treeEnsembleClassifier },
];
