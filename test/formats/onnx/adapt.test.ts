import ort from 'onnxruntime-node';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../../src/core/random.ts';
import { breaks } from '../../../src/formats/onnx/adapt/index.ts';
import type { Constant } from '../../../src/ir/index.ts';
import {
  assertClose,
  type Case,
  float,
  floatConstant,
  int,
  outputsOf,
  raise,
} from './adapt-case.ts';
import { numeric } from './adapt-numeric.ts';

const adapt = suite('opset adapters, run before and after');

for (const c of numeric) {
  adapt(
    `${c.op} ${c.from} → ${c.to} ${JSON.stringify(c.attributes ?? {})} ${c.inputs[0]}: same outputs`,
    async () => {
      assert.ok(breaks(c.op, c.from, c.to));
      const raised = raise(c);
      if (c.becomes !== undefined)
        assert.equal(
          raised.forms.map(({ op }) => op),
          c.becomes,
        );
      const before = await outputsOf(c, raise(c, c.from), c.from);
      const after = await outputsOf(c, raised, c.to);
      assert.is(before.length, after.length);
      before.forEach((tensor, index) => {
        assertClose(tensor, after[index]!);
      });
    },
  );
}

adapt(
  'BatchNormalization with spatial = 0 is arithmetic with one parameter per element',
  async () => {
    const values = (base: number): Constant =>
      floatConstant([2, 2], base, base + 1, base + 2, base + 3);
    const c: Case = {
      op: 'BatchNormalization',
      from: 7,
      to: 15,
      attributes: { spatial: int(0), epsilon: float(0.5) },
      inputs: [[1, 2, 2], values(1), values(2), values(3), values(4)],
    };
    const [y] = await outputsOf(c, raise(c), 15);
    const { uniform } = random(7);
    const expected = [0, 1, 2, 3].map((i) => {
      const x = Math.fround(uniform() * 4 - 2);
      return ((x - (3 + i)) / Math.sqrt(4 + i + 0.5)) * (1 + i) + (2 + i);
    });
    assertClose(y!, new ort.Tensor('float32', Float32Array.from(expected), [1, 2, 2]));
  },
);

adapt('GroupNormalization gets a scale and bias per channel', async () => {
  const c: Case = {
    op: 'GroupNormalization',
    from: 18,
    to: 21,
    attributes: { num_groups: int(2) },
    inputs: [[1, 4, 3], floatConstant([2], 2, 3), floatConstant([2], 1, -1)],
  };
  const raised = raise(c);
  const [after] = await outputsOf(c, raised, 21);
  // By hand: groups of two channels, standardized, then scaled per group.
  const { uniform } = random(7);
  const x = Array.from({ length: 12 }, () => Math.fround(uniform() * 4 - 2));
  const expected = [0, 1].flatMap((group) => {
    const part = x.slice(group * 6, group * 6 + 6);
    const mean = part.reduce((a, b) => a + b) / 6;
    const variance = part.reduce((a, b) => a + (b - mean) * (b - mean), 0) / 6;
    return part.map(
      (value) => ((value - mean) / Math.sqrt(variance + 1e-5)) * [2, 3][group]! + [1, -1][group]!,
    );
  });
  assertClose(after!, new ort.Tensor('float32', Float32Array.from(expected), [1, 4, 3]));
});

adapt.run();
