import { FormatError } from '../../core/errors.ts';
import { defaultOf, type FieldSchema } from '../flatbuffer/schema.ts';
import { tfliteSchema } from './codec.ts';
import type { BuiltinOptions, BuiltinOptions2, OperatorRecord } from './records.ts';

type AnyOptions = BuiltinOptions | BuiltinOptions2;

/** Names of the option tables of both unions. */
export type OptionsName = AnyOptions['type'];

type Scalar = number | bigint | boolean;

/** An options record whose scalars are all there; a list or string that the file leaves out stays absent. */
export type Filled<T> = {
  readonly [K in keyof T as NonNullable<T[K]> extends Scalar ? K : never]-?: NonNullable<T[K]>;
} & {
  readonly [K in keyof T as NonNullable<T[K]> extends Scalar ? never : K]?: NonNullable<T[K]>;
};

export type OptionsOf<N extends OptionsName> = Filled<Extract<AnyOptions, { type: N }>['value']>;

/** An operator's options, with the schema's default for each scalar that the file leaves out. An operator without
 *  options has only defaults, as in the reference runtime.
 *  @param name  the table that the operator's kind has, such as `Conv2DOptions`
 *  @throws {FormatError} it has options of another kind */
export function optionsOf<N extends OptionsName>(operator: OperatorRecord, name: N): OptionsOf<N> {
  const given = [operator.builtinOptions, operator.builtinOptions2].filter(
    (options) => options !== undefined,
  );
  const found = given.find(({ type }) => type === name);
  if (found === undefined && given[0] !== undefined) {
    throw new FormatError(`an operator that takes ${name} has ${given[0].type}`, {
      code: 'E_TFLITE_OPTIONS',
    });
  }
  const filled = { ...defaultsOf(name), ...found?.value };
  return filled as unknown as OptionsOf<N>;
}

const known = new Map<string, Readonly<Record<string, Scalar>>>();

function defaultsOf(table: string): Readonly<Record<string, Scalar>> {
  const before = known.get(table);
  if (before !== undefined) return before;
  const { fields } = tfliteSchema().tables.get(table)!;
  const isScalar = ({ kind, isVector }: FieldSchema): boolean =>
    !isVector && kind !== 's' && kind !== '@' && kind !== '|';
  const made = Object.fromEntries(
    fields.filter(isScalar).map((field) => [field.name, defaultOf(field)]),
  );
  known.set(table, made);
  return made;
}
