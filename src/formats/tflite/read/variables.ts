import type { Value } from '../../../ir/graph.ts';
import { tensorType, type ValueType } from '../../../ir/types.ts';
import { freshName } from '../../../ir/walk.ts';
import type { OperatorReader, Row } from './operator.ts';
import type { Variable } from './reading.ts';

/** Variables with a name become inputs and outputs of the graph; what CALL_ONCE assigns them is what they
 *  hold at first.
 *  Handles are values of an opaque type that no node has. */

function handle(o: OperatorReader): void {
  const { container = '', sharedName = '' } = o.options('VarHandleOptions');
  const name = container === '' ? sharedName : `${container}/${sharedName}`;
  o.alias(0, o.reader.fresh(name || 'variable', { kind: 'opaque', domain: 'tflite', name }));
}

function nameOf(o: OperatorReader): string {
  const { type } = o.input(0);
  if (type?.kind !== 'opaque') throw o.unsupported('a handle that is computed');
  return type.name;
}

function variableOf(o: OperatorReader, name: string, type: ValueType | null): Variable {
  const { variables, names } = o.reader.reading;
  const known = variables.get(name);
  if (known !== undefined) return known;
  if (o.isInBody) throw o.unsupported('a variable inside a body');
  const input = o.reader.builder.input(freshName(names, name || 'variable'), type);
  const variable = { input, current: input };
  variables.set(name, variable);
  return variable;
}

function read(o: OperatorReader): void {
  const output = o.output(0);
  const variable = variableOf(o, nameOf(o), output?.type ?? null);
  o.give('Identity', [variable.current]);
}

function assign(o: OperatorReader): void {
  const value = o.input(1);
  const name = nameOf(o);
  const variable = variableOf(o, name, value.type);
  if (o.isInBody) throw o.unsupported('a variable inside a body');
  if (o.reader.isOnce) begin(o, variable, value);
  else variable.current = value;
}

/** What a variable holds at first. */
function begin(o: OperatorReader, variable: Variable, value: Value): void {
  if (value.constant === null || value.quantization !== null)
    throw o.unsupported('a variable that is computed at first');
  variable.initial = value.constant;
  variable.input.type = tensorType(value.constant.dtype, value.constant.shape);
}

function callOnce(o: OperatorReader): void {
  const inner = o.reader.child(o.options('CallOnceOptions').initSubgraphIndex);
  inner.isOnce = true;
  inner.readOperators();
}

export const variableRows: Readonly<Record<string, Row>> = {
  VAR_HANDLE: handle,
  READ_VARIABLE: read,
  ASSIGN_VARIABLE: assign,
  CALL_ONCE: callOnce,
};
