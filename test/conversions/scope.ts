import { Tensor } from '../../src/core/tensor.ts';
import type { DecodedCase } from '../runtime/conformance.ts';

export const randomReason = 'random numbers: every runtime draws others';

/** Operators that TFLite's built-in operators can't express, and why. */
const inexpressible: readonly { operators: readonly string[]; reason: string }[] = [
  {
    operators: [
      'SequenceConstruct',
      'SequenceEmpty',
      'SequenceAt',
      'SequenceErase',
      'SequenceInsert',
      'SequenceLength',
      'SequenceMap',
      'SplitToSequence',
      'ConcatFromSequence',
      'Optional',
      'OptionalGetElement',
      'OptionalHasElement',
      'ZipMap',
    ],
    reason: 'sequences, maps and optional values: TFLite has tensors only',
  },
  {
    operators: [
      'StringNormalizer',
      'StringSplit',
      'StringConcat',
      'RegexFullMatch',
      'LabelEncoder',
      'TfIdfVectorizer',
    ],
    reason: 'text: TFLite has no operators on it',
  },
  {
    operators: [
      'ai.onnx.ml.TreeEnsembleClassifier',
      'ai.onnx.ml.TreeEnsembleRegressor',
      'ai.onnx.ml.TreeEnsemble',
    ],
    reason: 'decision trees: TFLite has no operator that descends them',
  },
  {
    operators: ['ImageDecoder'],
    reason: 'decoding of picture files',
  },
  {
    operators: [
      'ai.onnx.preview.training.Gradient',
      'ai.onnx.preview.training.Momentum',
      'ai.onnx.preview.training.Adagrad',
      'ai.onnx.preview.training.Adam',
    ],
    reason: 'training',
  },
  {
    operators: [
      'Bernoulli',
      'RandomUniform',
      'RandomUniformLike',
      'RandomNormal',
      'RandomNormalLike',
      'Multinomial',
    ],
    reason: randomReason,
  },
  {
    operators: ['Det', 'com.microsoft.Inverse'],
    reason: 'determinants and inverses: TFLite has no matrix decomposition',
  },
  {
    operators: ['BitCast'],
    reason: 'reinterpreting bits: no operator of the runtimes compared with does',
  },
  {
    operators: ['NonMaxSuppression'],
    reason: 'several classes and batches; TFLite has it for one',
  },
];

/** Why TFLite can't express a model with these operators, or null. */
export function inexpressibleReason(operators: readonly string[]): string | null {
  const found = inexpressible.find((row) => operators.some((op) => row.operators.includes(op)));
  return found?.reason ?? null;
}

const types = new Set(['float32', 'int32', 'int64', 'int8', 'uint8', 'bool']);

/** Whether a case is about float32, with only types at its surface that TFLite's operators have. */
export function isFloatCase({ feeds, expected }: DecodedCase): boolean {
  const surface = [...Object.values(feeds), ...Object.values(expected)];
  return (
    surface.every((data) => data instanceof Tensor && types.has(data.type)) &&
    surface.some((data) => data instanceof Tensor && data.type === 'float32')
  );
}
