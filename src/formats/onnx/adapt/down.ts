import type { DType } from '../../../core/dtype.ts';
import type { Attribute } from '../../../ir/types.ts';
import { decompositions } from '../../../ops/decompose/index.ts';
import {
  type AdaptContext,
  cannotLower,
  changed,
  type Form,
  intOf,
  intsOf,
  isDefaultDomain,
  makeForm,
  withAttribute,
  without,
} from '../../../ops/form.ts';
import { pinnedOpset } from '../../../ops/op.ts';
import { carrierOf, numberOf } from './carriers.ts';
import { downRows } from './down-rows.ts';
import { historyOf, type Schema, schemaAt } from './history.ts';

/** Lowers a node of ai.onnx from the pinned operator set to an older one: through the rows of the edges between, and
 *  through decompositions where the older set lacks the operator. Other domains pass unchanged.
 *  @returns nodes that mean the same, producers first; the same object alone if nothing changed
 *  @throws {UnsupportedError} the older set can't say it, or too little is known about it */
export function adaptDown<T>(form: Form<T>, target: number, context: AdaptContext<T>): Form<T>[] {
  return lower(form, pinnedOpset, target, context);
}

/** `form` is in operator set `from`. Rows lower `from`, decompositions use operators that are older, and a cast
 *  leaves a type that the operator allows: so this ends. */
function lower<T>(
  form: Form<T>,
  from: number,
  target: number,
  context: AdaptContext<T>,
): Form<T>[] {
  if (!isDefaultDomain(form.domain)) return [form];
  const history = historyOf(form.op);
  if (history === null) return [form];
  const row = downRows.findLast(
    ({ op, since }) => op === form.op && target < since && since <= from,
  );
  if (row !== undefined) {
    const name = row.becomes ?? row.op;
    return row
      .down(form, context, target)
      .flatMap((next) =>
        lower(next, next.op === name ? row.since - 1 : pinnedOpset, target, context),
      );
  }
  const schema = schemaAt(form.op, target);
  if (schema === null) {
    const made = decompositions[form.op]?.(form, context) ?? null;
    if (made !== null) return made.flatMap((next) => lower(next, pinnedOpset, target, context));
    throw cannotLower(
      form,
      context,
      target,
      `it first exists in opset ${history[0]!.since}, and this node has no equivalent of older operators`,
      `write opset ${history[0]!.since} or later`,
    );
  }
  const plain = neutral(form, schema, target, context);
  return carried(positive(plain, target, context), schema, target, context);
}

/** Attributes that the older schema lacks say what it does anyway, or are refused. */
function neutral<T>(
  form: Form<T>,
  schema: Schema,
  target: number,
  context: AdaptContext<T>,
): Form<T> {
  const versions = historyOf(form.op) ?? [];
  const extra = [...form.attributes].filter(([name]) => !schema.attributes.has(name));
  for (const [name, attribute] of extra) {
    const since = versions.find(({ attributes }) => attributes.has(name));
    const fallback = since?.attributes.get(name) ?? null;
    if (since !== undefined && isNeutral(attribute, name, fallback)) continue;
    if (since === undefined) {
      const why = `no operator set gives it an attribute ${name}`;
      throw cannotLower(form, context, target, why, 'write the operator set of the source');
    }
    throw cannotLower(
      form,
      context,
      target,
      `its attribute ${name} first exists in opset ${since.since}`,
      `write opset ${since.since} or later`,
    );
  }
  const inputs = [...form.inputs];
  while (inputs.length > 0 && inputs[inputs.length - 1] == null) inputs.pop();
  if (inputs.length > schema.maxInputs) {
    const since = versions.find(({ maxInputs }) => maxInputs >= inputs.length)?.since;
    throw cannotLower(
      form,
      context,
      target,
      `its input ${inputs.length - 1} first exists in opset ${since}`,
      `write opset ${since} or later`,
    );
  }
  if (extra.length === 0) return form;
  const names = extra.map(([name]) => name);
  return changed(form, { attributes: without(form.attributes, names) });
}

function isNeutral(attribute: Attribute, name: string, fallback: string | null): boolean {
  if (attribute.type === 'ints') {
    if (name === 'dilations') return attribute.value.every((item) => Number(item) === 1);
    return attribute.value.length === 0;
  }
  if (fallback === null) return false;
  if (attribute.type === 'float')
    return Math.fround(attribute.value) === Math.fround(Number(fallback));
  return String(attribute.value) === fallback;
}

/** Axes could count from the end only since opset 11. */
function positive<T>(form: Form<T>, target: number, context: AdaptContext<T>): Form<T> {
  if (target >= 11) return form;
  const axis = intOf(form, 'axis');
  const axes = intsOf(form, 'axes');
  if (!(axis !== null && axis < 0) && axes?.some((item) => Number(item) < 0) !== true) return form;
  if (form.op === 'ConcatFromSequence' || form.op === 'SplitToSequence') return form;
  const [x] = form.inputs;
  let rank = x == null ? null : context.rank(x);
  if (rank !== null && form.op === 'Unsqueeze') rank += axes?.length ?? 0;
  if (rank !== null && form.op === 'OneHot') rank = (context.rank(form.inputs[0]!) ?? 0) + 1;
  if (rank === null) {
    throw cannotLower(
      form,
      context,
      target,
      'its axis counts from the end of an input of unknown rank',
      'write opset 11 or later, or give the model shapes',
    );
  }
  const up = (item: number): number => (item < 0 ? item + rank : item);
  let attributes = form.attributes;
  if (axis !== null)
    attributes = withAttribute(attributes, 'axis', { type: 'int', value: up(axis) });
  if (axes !== null) {
    const value = axes.map((item) => up(Number(item)));
    if (form.op === 'Unsqueeze' || form.op === 'Squeeze') value.sort((a, b) => a - b);
    attributes = withAttribute(attributes, 'axes', { type: 'ints', value });
  }
  return changed(form, { attributes });
}

/** An element type that the older schema lacks is carried through one that it has, where nothing is lost. */
function carried<T>(
  form: Form<T>,
  schema: Schema,
  target: number,
  context: AdaptContext<T>,
): Form<T>[] {
  const dtype = (value: T | null | undefined): DType | null =>
    value == null ? null : (context.dtype?.(value) ?? context.constantOf(value)?.dtype ?? null);
  const bad = (value: T | null, types: ReadonlySet<DType> | null): boolean => {
    const type = dtype(value);
    return type !== null && types !== null && !types.has(type);
  };
  const badIn = form.inputs.map((value, index) => bad(value, schema.input(index)));
  const badOut = form.outputs.map((value, index) => bad(value, schema.output(index)));
  if (!badIn.includes(true) && !badOut.includes(true)) return [form];
  const at = badIn.indexOf(true);
  const type = at >= 0 ? dtype(form.inputs[at]) : dtype(form.outputs[badOut.indexOf(true)]);
  const carrier =
    type === null
      ? null
      : carrierOf(form.op, type, (candidate) => {
          const fits = (set: ReadonlySet<DType> | null): boolean =>
            set === null || set.has(candidate);
          const cast = schemaAt('Cast', target);
          return (
            cast?.input(0)?.has(type) === true &&
            cast.input(0)?.has(candidate) === true &&
            form.inputs.every(
              (value, i) => dtype(value) !== type || !badIn[i] || fits(schema.input(i)),
            ) &&
            form.outputs.every(
              (value, i) => dtype(value) !== type || !badOut[i] || fits(schema.output(i)),
            )
          );
        });
  const others = [
    ...form.inputs.filter((_, i) => badIn[i]),
    ...form.outputs.filter((_, i) => badOut[i]),
  ].some((value) => dtype(value) !== type);
  if (type === null || carrier === null || others) {
    const place = at >= 0 ? `input ${at}` : `output ${badOut.indexOf(true)}`;
    const versions = historyOf(form.op) ?? [];
    const since = versions.find((version) =>
      at >= 0
        ? version.input(at)?.has(type!) !== false
        : version.output(badOut.indexOf(true))?.has(type!) !== false,
    )?.since;
    throw cannotLower(
      form,
      context,
      target,
      `its ${place} is ${type}, which it takes ${since === undefined ? 'in no opset' : `from opset ${since} on`}`,
      since === undefined ? 'cast it' : `write opset ${since} or later, or cast it`,
    );
  }
  const to: Attribute = { type: 'int', value: numberOf(carrier) };
  const back: Attribute = { type: 'int', value: numberOf(type) };
  const before: Form<T>[] = [];
  const after: Form<T>[] = [];
  const wide = new Map<T, T>();
  // All values of the type go along: operators tie the types of their operands.
  const inputs = form.inputs.map((value, index) => {
    if (value === null || dtype(value) !== type || !tied(schema, index, carrier)) return value;
    let cast = wide.get(value);
    if (cast === undefined) {
      cast = context.fresh('wide', value, carrier);
      wide.set(value, cast);
      before.push(makeForm('Cast', [value], [cast], { to }));
    }
    return cast;
  });
  const outputs = form.outputs.map((value, index) => {
    if (!badOut[index]) return value;
    const result = context.fresh('narrow', value, carrier);
    after.push(makeForm('Cast', [result], [value], { to: back }));
    return result;
  });
  return [...before, changed(form, { inputs, outputs }), ...after];
}

/** Whether input `index` may be of the carrier's type too. */
function tied(schema: Schema, index: number, carrier: DType): boolean {
  return schema.input(index)?.has(carrier) === true;
}
