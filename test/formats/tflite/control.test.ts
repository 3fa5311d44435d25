import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bytesOf, Tensor } from '../../../src/core/tensor.ts';
import { readModel } from '../../../src/formats/index.ts';
import { encodeTflite } from '../../../src/formats/tflite/codec.ts';
import type {
  BufferRecord,
  ModelRecord,
  OperatorRecord,
  SubGraphRecord,
  TensorRecord,
} from '../../../src/formats/tflite/records.ts';
import { builtinOperators, tensorTypes } from '../../../src/formats/tflite/schema-table.ts';
import { verify } from '../../../src/ir/index.ts';
import { createSession } from '../../../src/runtime/index.ts';
import { closeTflite, runTflite } from '../../peers/tflite.ts';
import { reals } from './one-operator.ts';

/** Subgraphs that call each other, variables with a name, and what no other runtime here has. */

const control = suite('tflite control flow');
control.after(closeTflite);

type Line = [op: string, inputs: number[], outputs: number[], options?: OperatorRecord];

/** A file from tensors (type, sizes, perhaps data) and operators. */
class FileMaker {
  readonly buffers: BufferRecord[] = [{}];
  readonly codes: string[] = [];

  tensor(type: string, shape: number[], data?: Float32Array | Int32Array): TensorRecord {
    const buffer = data === undefined ? 0 : this.buffers.push({ data: bytesOf(data) }) - 1;
    const name = `t${this.buffers.length}_${Math.round(this.#count++)}`;
    const number = tensorTypes.indexOf(type);
    return { name, type: number, shape: Int32Array.from(shape), buffer, hasRank: true };
  }

  #count = 0;

  graph(
    tensors: TensorRecord[],
    inputs: number[],
    outputs: number[],
    lines: Line[],
  ): SubGraphRecord {
    const operators = lines.map(([op, from, to, options = {}]) => {
      if (!this.codes.includes(op)) this.codes.push(op);
      return {
        opcodeIndex: this.codes.indexOf(op),
        inputs: Int32Array.from(from),
        outputs: Int32Array.from(to),
        ...options,
      };
    });
    const entering = Int32Array.from(inputs);
    return { tensors, inputs: entering, outputs: Int32Array.from(outputs), operators };
  }

  file(subgraphs: SubGraphRecord[]): Uint8Array {
    const record: ModelRecord = {
      version: 3,
      operatorCodes: this.codes.map((op) => {
        const code = builtinOperators.indexOf(op);
        return { deprecatedBuiltinCode: Math.min(code, 127), builtinCode: code, version: 1 };
      }),
      subgraphs,
      buffers: this.buffers,
    };
    return encodeTflite(record);
  }
}

const floats = (...values: number[]): Tensor =>
  new Tensor('float32', Float32Array.from(values), [values.length]);

async function agree(bytes: Uint8Array, feeds: Tensor[], tolerance = 0): Promise<void> {
  const model = await readModel(bytes);
  verify(model);
  assert.not.ok(
    model.graph.nodes.some(({ domain }) => domain === 'tflite'),
    'it is opaque',
  );
  const session = await createSession(model);
  const results = await session.run(
    Object.fromEntries(session.inputs.map(({ name }, i) => [name, feeds[i]!])),
  );
  const { outputs } = await runTflite(bytes, feeds);
  outputs.forEach((wanted, i) => {
    const got = results[session.outputs[i]!.name] as Tensor;
    const [a, b] = [got.data as Float32Array, wanted.data as Float32Array];
    assert.is(a.length, b.length);
    b.forEach((value, at) => {
      assert.ok(Math.abs(a[at]! - value) <= tolerance, `[${at}] is ${a[at]}, not ${value}`);
    });
  });
  session.dispose();
}

function branching(): Uint8Array {
  const f = new FileMaker();
  const real = (): TensorRecord => f.tensor('FLOAT32', [3]);
  const options: OperatorRecord = {
    builtinOptions: { type: 'IfOptions', value: { thenSubgraphIndex: 1, elseSubgraphIndex: 2 } },
  };
  const branch = (op: string): SubGraphRecord =>
    f.graph([real(), real(), real()], [0, 1], [2], [[op, [0, 1], [2]]]);
  const tensors = [f.tensor('BOOL', []), real(), real(), real()];
  const main = f.graph(tensors, [0, 1, 2], [3], [['IF', [0, 1, 2], [3], options]]);
  return f.file([main, branch('ADD'), branch('MUL')]);
}

control('IF: branches become graphs that see what they read', async () => {
  for (const is of [0, 1]) {
    const condition = new Tensor('bool', Uint8Array.of(is), []);
    await agree(branching(), [condition, floats(1, 2, 3), floats(4, 5, 6)]);
  }
});

control('WHILE: the condition is computed before the loop and in it', async () => {
  const f = new FileMaker();
  const real = (): TensorRecord => f.tensor('FLOAT32', [2]);
  const number = (): TensorRecord => f.tensor('INT32', [1]);
  const options: OperatorRecord = {
    builtinOptions: { type: 'WhileOptions', value: { condSubgraphIndex: 1, bodySubgraphIndex: 2 } },
  };
  const loop: Line = ['WHILE', [0, 1], [2, 3], options];
  const main = f.graph([number(), real(), number(), real()], [0, 1], [2, 3], [loop]);
  const limit = f.tensor('INT32', [1], Int32Array.of(4));
  const condition = f.graph(
    [number(), real(), limit, f.tensor('BOOL', [1])],
    [0, 1],
    [3],
    [['LESS', [0, 2], [3]]],
  );
  const one = f.tensor('INT32', [1], Int32Array.of(1));
  const two = f.tensor('FLOAT32', [1], Float32Array.of(2));
  const body = f.graph(
    [number(), real(), one, two, number(), real()],
    [0, 1],
    [4, 5],
    [
      ['ADD', [0, 2], [4]],
      ['MUL', [1, 3], [5]],
    ],
  );
  const bytes = f.file([main, condition, body]);
  for (const start of [0, 3, 9]) {
    const first = new Tensor('int32', Int32Array.of(start), [1]);
    await agree(bytes, [first, floats(1.5, -2)]);
  }
});

control('variables with a name are states; CALL_ONCE says what they hold at first', async () => {
  const f = new FileMaker();
  const handle = (): TensorRecord => f.tensor('RESOURCE', [1]);
  const real = (): TensorRecord => f.tensor('FLOAT32', [2]);
  const named: OperatorRecord = {
    builtinOptions: { type: 'VarHandleOptions', value: { container: '', sharedName: 'sum' } },
  };
  const once: OperatorRecord = {
    builtinOptions: { type: 'CallOnceOptions', value: { initSubgraphIndex: 1 } },
  };
  const main = f.graph(
    [real(), handle(), real(), real()],
    [0],
    [3],
    [
      ['CALL_ONCE', [], [], once],
      ['VAR_HANDLE', [], [1], named],
      ['READ_VARIABLE', [1], [2]],
      ['ADD', [2, 0], [3]],
      ['ASSIGN_VARIABLE', [1, 3], []],
    ],
  );
  const start = f.tensor('FLOAT32', [2], Float32Array.of(10, 20));
  const init = f.graph(
    [handle(), start],
    [],
    [],
    [
      ['VAR_HANDLE', [], [0], named],
      ['ASSIGN_VARIABLE', [0, 1], []],
    ],
  );
  const model = await readModel(f.file([main, init]));
  verify(model);
  assert.is(model.states.length, 1);
  const session = await createSession(model);
  assert.is(session.inputs.length, 1);
  const run = async (): Promise<number[]> => {
    const results = await session.run({ [session.inputs[0]!.name]: floats(1, 2) });
    return [...((results[session.outputs[0]!.name] as Tensor).data as Float32Array)];
  };
  assert.equal(await run(), [11, 22]);
  assert.equal(await run(), [12, 24]);
  session.reset();
  assert.equal(await run(), [11, 22]);
  session.dispose();
});

control('a loop that takes a handle stays as it is, and stops nothing else', async () => {
  const f = new FileMaker();
  const handle = (): TensorRecord => f.tensor('RESOURCE', [1]);
  const real = (): TensorRecord => f.tensor('FLOAT32', [2]);
  const named: OperatorRecord = {
    builtinOptions: { type: 'VarHandleOptions', value: { container: '', sharedName: 'sum' } },
  };
  const options: OperatorRecord = {
    builtinOptions: { type: 'WhileOptions', value: { condSubgraphIndex: 1, bodySubgraphIndex: 2 } },
  };
  const main = f.graph(
    [real(), handle(), real(), handle(), real()],
    [0],
    [4],
    [
      ['VAR_HANDLE', [], [1], named],
      ['WHILE', [0, 1], [2, 3], options],
      ['ABS', [2], [4]],
    ],
  );
  const condition = f.graph([real(), handle(), f.tensor('BOOL', [1])], [0, 1], [2], []);
  const body = f.graph([real(), handle()], [0, 1], [0, 1], []);
  const model = await readModel(f.file([main, condition, body]));
  verify(model);
  assert.equal(
    model.graph.nodes.map(({ op }) => op),
    ['WHILE', 'Abs'],
  );
});

control('complex numbers between RFFT2D and what takes them apart', async () => {
  for (const op of ['REAL', 'IMAG', 'COMPLEX_ABS']) {
    const f = new FileMaker();
    const sizes = f.tensor('INT32', [2], Int32Array.of(4, 8));
    const tensors = [
      f.tensor('FLOAT32', [1, 4, 8]),
      sizes,
      f.tensor('COMPLEX64', [1, 4, 5]),
      f.tensor('FLOAT32', [1, 4, 5]),
    ];
    const bytes = f.file([
      f.graph(
        tensors,
        [0],
        [3],
        [
          ['RFFT2D', [0, 1], [2]],
          [op, [2], [3]],
        ],
      ),
    ]);
    await agree(bytes, [reals([1, 4, 8])], 1e-5);
  }
});

control('operators of newer runtimes, by known answers', async () => {
  const shift = async (op: string, a: number[], b: number[]): Promise<number[]> => {
    const f = new FileMaker();
    const tensors = [a, b, a].map(({ length }) => f.tensor('INT32', [length]));
    const model = await readModel(f.file([f.graph(tensors, [0, 1], [2], [[op, [0, 1], [2]]])]));
    const session = await createSession(model);
    const list = (values: number[]): Tensor =>
      new Tensor('int32', Int32Array.from(values), [values.length]);
    const feeds = session.inputs.map(({ name }, i) => [name, list(i === 0 ? a : b)] as const);
    const results = await session.run(Object.fromEntries(feeds));
    session.dispose();
    return [...((results[session.outputs[0]!.name] as Tensor).data as Int32Array)];
  };
  const a = [-9, -8, -1, 0, 7, 1024];
  const b = [1, 2, 3, 4, 1, 10];
  assert.equal(
    await shift('RIGHT_SHIFT', a, b),
    a.map((value, i) => value >> b[i]!),
  );
  assert.equal(
    await shift('BITWISE_XOR', a, b),
    a.map((value, i) => value ^ b[i]!),
  );
});

control.run();
