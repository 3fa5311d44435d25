import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random } from '../../src/core/random.ts';
import { Tensor } from '../../src/core/tensor.ts';
import {
  type BinaryOperation,
  binary,
  broadcastShape,
  type CompareOperation,
  compare,
  cos,
  erf,
  exp,
  log,
  sin,
  tanh,
  type UnaryOperation,
  unary,
} from '../../src/kernels/index.ts';
import { oneNode } from '../one-node.ts';

const test = suite('elementwise against onnxruntime');

const draw = random(11);
const noise = (count: number, scale = 10): Float32Array =>
  Float32Array.from({ length: count }, () => (draw.uniform() - 0.5) * scale);

function near(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  relative: number,
  where: string,
): void {
  assert.is(got.length, want.length, where);
  for (let i = 0; i < got.length; i++) {
    const a = got[i]!;
    const b = want[i]!;
    const ok = Object.is(a, b) || Math.abs(a - b) <= relative * (Math.abs(b) + 0.05);
    if (!ok) assert.unreachable(`${where}[${i}]: ${a}, not ${b}`);
  }
}

type Operators = [string, (x: Float32Array) => Float32Array, Record<string, number | string>?][];
const by =
  (name: UnaryOperation, alpha?: number, beta?: number) =>
  (x: Float32Array): Float32Array =>
    unary(name, x, {
      ...(alpha === undefined ? {} : { alpha }),
      ...(beta === undefined ? {} : { beta }),
    });

const operators: Operators = [
  ['Exp', exp],
  ['Log', (x) => log(x.map(Math.abs))],
  ['Tanh', tanh],
  ['Erf', erf],
  ['Sin', sin],
  ['Cos', cos],
  ['Relu', by('relu')],
  ['LeakyRelu', by('leakyRelu')],
  ['LeakyRelu', by('leakyRelu', 0.3), { alpha: 0.3 }],
  ['Elu', by('elu')],
  ['Elu', by('elu', 2.5), { alpha: 2.5 }],
  ['Selu', by('selu')],
  ['Selu', by('selu', 1.5, 2), { alpha: 1.5, gamma: 2 }],
  ['Sigmoid', by('sigmoid')],
  ['HardSigmoid', by('hardSigmoid')],
  ['HardSwish', by('hardSwish')],
  ['Gelu', by('gelu')],
  ['Gelu', by('geluTanh'), { approximate: 'tanh' }],
  ['Mish', by('mish')],
  ['Softplus', by('softplus')],
  ['Softsign', by('softsign')],
  ['Abs', by('abs')],
  ['Neg', by('neg')],
  ['Sqrt', (x) => unary('sqrt', x.map(Math.abs))],
  ['Reciprocal', by('reciprocal')],
  ['Floor', by('floor')],
  ['Ceil', by('ceil')],
  ['Round', by('round')],
  ['Sign', by('sign')],
];

test('one number', async () => {
  const x = noise(2003);
  for (let i = 0; i < 40; i++) x[i] = (i - 20) / 2;
  x.set([Infinity, -Infinity, 30, -30, 100, -100], 50);
  for (const [op, ours, attributes] of operators) {
    const input = op === 'Log' || op === 'Sqrt' ? x.map(Math.abs) : x;
    // Its activations give NaN at −∞ or do not treat it alike.
    const finite = /Gelu|Mish|Sin|Cos/.test(op)
      ? input.map((v) => (Math.abs(v) < 1e30 ? v : 1))
      : input;
    const [y] = await oneNode(op, [new Tensor('float32', finite, [2003])], attributes ?? {});
    near(ours(finite), y!.data as Float32Array, 1e-5, op);
  }
});

const pairs: [BinaryOperation | CompareOperation, string][] = [
  ['add', 'Add'],
  ['sub', 'Sub'],
  ['mul', 'Mul'],
  ['div', 'Div'],
  ['min', 'Min'],
  ['max', 'Max'],
  ['pow', 'Pow'],
  ['prelu', 'PRelu'],
  ['equal', 'Equal'],
  ['less', 'Less'],
  ['lessOrEqual', 'LessOrEqual'],
  ['greater', 'Greater'],
  ['greaterOrEqual', 'GreaterOrEqual'],
];
const shapes: [number[], number[]][] = [
  [[7], [7]],
  [[5, 6], [1]],
  [[5, 6], []],
  [[5, 6], [6]],
  [
    [5, 6],
    [5, 1],
  ],
  [
    [2, 3, 4, 5],
    [3, 1, 1],
  ],
  [
    [2, 3, 4, 5],
    [1, 3, 1, 5],
  ],
  [
    [2, 3, 4, 5],
    [2, 1, 4, 1],
  ],
  [
    [2, 1, 4, 3, 2],
    [1, 3, 1, 3, 1],
  ],
  [
    [3, 1],
    [1, 4],
  ],
  [[1, 70_000], [1]],
  [
    [2, 40_000],
    [2, 1],
  ],
];
const volumeOf = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);

test('two numbers, broadcast', async () => {
  for (const [name, op] of pairs) {
    for (const [first, second] of shapes) {
      for (const [aShape, bShape] of name === 'prelu'
        ? [[first, second]]
        : [
            [first, second],
            [second, first],
          ]) {
        const a = noise(volumeOf(aShape!)).map(Math.round);
        const b = noise(volumeOf(bShape!)).map(Math.round);
        const bools = op.startsWith('Equal') || op.startsWith('Less') || op.startsWith('Greater');
        const [y] = await oneNode(
          op,
          [new Tensor('float32', a, aShape!), new Tensor('float32', b, bShape!)],
          {},
          [bools ? 'bool' : 'float32'],
        );
        const options = { aShape: aShape!, bShape: bShape! };
        const where = `${op} ${JSON.stringify(options)}`;
        assert.equal(broadcastShape(aShape!, bShape!), [...y!.dims], where);
        if (bools) {
          const got = compare(name as CompareOperation, a, b, options);
          assert.equal([...got], [...(y!.data as Uint8Array)], where);
        } else {
          near(
            binary(name as BinaryOperation, a, b, options),
            y!.data as Float32Array,
            1e-6,
            where,
          );
        }
      }
    }
  }
});

test('empty arrays, results in place, wrong arguments', () => {
  assert.is(unary('relu', new Float32Array(0)).length, 0);
  assert.is(
    binary('add', new Float32Array(0), Float32Array.of(1), { aShape: [0, 3], bShape: [1] }).length,
    0,
  );
  const x = Float32Array.of(-1, 2);
  assert.is(unary('relu', x, { output: x }), x);
  assert.equal([...x], [0, 2]);
  assert.throws(() => unary('toString' as 'relu', x), /"operation" expected exp/);
  assert.throws(() => unary('clip', x, { alpha: Number.NaN }), /"alpha"/);
  assert.throws(() => unary('relu', x, { output: new Float32Array(3) }), /"output"/);
  assert.throws(
    () => binary('add', x, Float32Array.of(1, 2, 3)),
    /"bShape" expected sizes that broadcast/,
  );
  assert.throws(() => binary('add', x, x, { aShape: [3] }), /"shape"/);
  assert.throws(
    () => binary('add', [1] as unknown as Float32Array, x),
    /"a" expected a Float32Array/,
  );
  assert.throws(() => compare('add' as 'less', x, x), /"operation"/);
});

test.run();
