import { affineParameters } from '../../src/compress/affine.ts';
import { type CalibrationMethod, calibrate } from '../../src/compress/index.ts';
import { linearLayers } from '../../src/compress/sensitivity/linear.ts';
import { bytesOf } from '../../src/core/tensor.ts';
import {
  clone,
  constantOf,
  Edit,
  freshName,
  type Model,
  Node,
  namesAround,
  tensorType,
  type Value,
} from '../../src/ir/index.ts';
import { floatsOf } from '../../src/passes/constants.ts';
import { exportQuantization } from '../../src/passes/export-quantization.ts';
import type { Feeds } from '../../src/runtime/index.ts';

/** A simple quantizer, as one finds them elsewhere: nothing is folded, moved or repaired. */

export interface NaiveOptions {
  /** Samples for the ranges of values; null: weights alone. */
  calibration: readonly Feeds[] | null;
  method?: CalibrationMethod;
  /** What is made of ranges. */
  adjust?: (range: { min: number; max: number }, value: string) => { min: number; max: number };
  /** One scale for all weights of a layer. */
  perTensor?: boolean;
  bits?: 4 | 8;
}

export async function quantizeNaively(model: Model, options: NaiveOptions): Promise<Model> {
  const copy = clone(model);
  const edit = new Edit(copy, { pass: 'test', rule: 'naive', reason: 'a fault is planted' });
  const names = namesAround(copy.graph);
  const values = options.calibration === null ? [] : valuesOf(copy);
  const ranges =
    values.length === 0
      ? new Map<string, { min: number; max: number }>()
      : await calibrate(
          model,
          options.calibration!,
          values.map(({ name }) => name),
          {
            method: options.method ?? 'minmax',
          },
        );
  for (const value of values) {
    const found = ranges.get(value.name);
    if (found === undefined) continue;
    const { min, max } = options.adjust?.(found, value.name) ?? found;
    const { scale, zeroPoint } = affineParameters(Float32Array.of(min), Float32Array.of(max), {
      storage: 'int8',
      symmetric: false,
    });
    value.quantization = {
      ...{ storage: 'int8', view: null, scale, zeroPoint, axis: null, blockSize: null },
    };
  }
  for (const { node, weight, constant, channel, bias } of linearLayers(copy)) {
    const reals = await floatsOf(constant);
    const axis = options.perTensor === true ? null : channel;
    const top = options.bits === 4 ? 7 : 127;
    const { scale, levels } = levelsOf(reals, constant.shape, axis, top);
    const stored = constantOf('int8', constant.shape, bytesOf(levels));
    edit.setConstant(weight, stored, {
      ...{ storage: 'int8', view: null, scale, zeroPoint: null, axis, blockSize: null },
    });
    const step = node.inputs[0]!.quantization?.scale[0];
    if (bias?.constant == null || step === undefined) continue;
    const biases = await floatsOf(bias.constant);
    const steps = scale.map((size) => size * step);
    const clamp = (x: number): number => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, x));
    const whole = Int32Array.from(biases, (x, i) =>
      clamp(Math.round(x / steps[steps.length === 1 ? 0 : i]!)),
    );
    const made = edit.addConstant(
      copy.graph,
      freshName(names, `${bias.name}_int32`),
      constantOf('int32', [whole.length], bytesOf(whole)),
    );
    made.type = tensorType('float32', [whole.length]);
    made.quantization = {
      ...{ storage: 'int32', view: null, scale: steps, zeroPoint: null, blockSize: null },
      axis: steps.length === 1 ? null : 0,
    };
    edit.setInput(node, 2, made);
  }
  edit.commit();
  exportQuantization(copy);
  return copy;
}

/** All that is computed, but what only a Relu reads. */
function valuesOf({ graph }: Model): Value[] {
  const made = graph.nodes.flatMap(({ outputs }) => outputs);
  return [...graph.inputs, ...made].filter((value) => {
    const users = [...value.uses].map(({ user }) => user);
    const isPart = users.length === 1 && users[0] instanceof Node && users[0].op === 'Relu';
    const isShape = value.type?.kind === 'tensor' && value.type.dtype !== 'float32';
    return (
      value.constant === null && !isPart && !isShape && !/softmax/i.test(value.producer?.op ?? '')
    );
  });
}

function levelsOf(
  reals: Float32Array,
  shape: readonly number[],
  axis: number | null,
  top: number,
): { scale: Float32Array; levels: Int8Array } {
  const count = axis === null ? 1 : shape[axis]!;
  const inner = axis === null ? reals.length : shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const at = (i: number): number => Math.floor(i / inner) % count;
  const most = new Float32Array(count);
  reals.forEach((x, i) => {
    most[at(i)] = Math.max(most[at(i)]!, Math.abs(x));
  });
  const scale = most.map((size) => (size === 0 ? 1 : size / top));
  const levels = Int8Array.from(reals, (x, i) => Math.round(x / scale[at(i)]!));
  return { scale, levels };
}
