import { ModelpressError } from '../../src/core/errors.ts';
import type { Model } from '../../src/ir/index.ts';
import { allGraphs } from '../../src/ir/walk.ts';
import { createSession } from '../../src/runtime/index.ts';
import type { OnnxCase } from '../onnx-cases.ts';
import { type DecodedCase, decodeCase, verdict } from '../runtime/conformance.ts';

export type Status = 'pass' | 'out of scope' | 'fail' | 'crash';

export interface Judgement {
  name: string;
  status: Status;
  /** Why it did not pass. */
  reason: string;
  /** Of the model, with their domains; those of bodies among them. */
  operators: string[];
}

/** What sessions don't do, by operator. A case of these that passes all the same has passed. */
const outOfScope: readonly { operators: RegExp; reason: string }[] = [
  { operators: /^ImageDecoder$/, reason: 'decoding of picture files' },
  { operators: /^ai\.onnx\.preview\.training\./, reason: 'operators of training' },
];

/** Expected values that come from another generator of random numbers: nobody else can meet them. */
const randomCases = /training_dropout|bernoulli|random_uniform|random_normal|multinomial/i;

/** Runs a case, all its data sets, in a session. */
export async function judge(item: OnnxCase): Promise<Judgement> {
  let operators: string[] = [];
  const judged = (status: Status, reason = ''): Judgement => ({
    name: item.name,
    status,
    reason,
    operators,
  });
  try {
    if (item.model.length === 0) return judged('fail', 'there is no model.onnx');
    for (const set of item.sets) {
      if (set === undefined || set.outputs.length === 0)
        return judged('fail', 'there are no expected outputs');
      const decoded = await decodeCase({ ...item, ...set });
      operators = operatorsOf(decoded.model);
      const problem = run(decoded);
      if (problem === null) continue;
      if (randomCases.test(item.name))
        return judged('out of scope', 'random values of another generator');
      return judged(...excuse(operators, problem));
    }
    return judged('pass');
  } catch (error) {
    const message = `${error instanceof Error ? error.message.split('\n')[0] : String(error)}`;
    // Misuse of the API can't come from a file: only our own errors may.
    if (!(error instanceof ModelpressError)) return judged('crash', message);
    return judged(...excuse(operators, `${error.code}: ${message}`));
  }
}

function run({ model, feeds, expected }: DecodedCase): string | null {
  const session = createSession(model);
  try {
    return verdict(session.run(feeds), expected);
  } finally {
    session.dispose();
  }
}

function excuse(operators: readonly string[], problem: string): [Status, string] {
  const found = outOfScope.find((row) => operators.some((op) => row.operators.test(op)));
  return found === undefined ? ['fail', problem] : ['out of scope', found.reason];
}

function operatorsOf(model: Model): string[] {
  const names = new Set<string>();
  for (const graph of allGraphs(model.graph)) {
    for (const { domain, op } of graph.nodes) names.add(domain === '' ? op : `${domain}.${op}`);
  }
  return [...names].sort();
}
