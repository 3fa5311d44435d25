import type { DType } from '../../core/dtype.ts';
import type { Attribute } from '../../ir/types.ts';
import { type AdaptContext, type Form, makeForm } from '../form.ts';
import { floatConstant } from '../form-constants.ts';

/** Forms of older operators that mean the same as one, producers first; null where too little is known about it. */
export type Decompose = <T>(form: Form<T>, context: AdaptContext<T>) => Form<T>[] | null;

/** Collects the forms of a decomposition. */
export class Emit<T> {
  readonly forms: Form<T>[] = [];
  readonly #context: AdaptContext<T>;
  readonly #like: T;

  /** @param like  what intermediate values and constants have the type of */
  constructor(context: AdaptContext<T>, like: T) {
    this.#context = context;
    this.#like = like;
  }

  get dtype(): DType | null {
    return this.#context.dtype?.(this.#like) ?? null;
  }

  /** A node with one output of the shape and type of `like`. */
  node(op: string, inputs: (T | null)[], attributes: Record<string, Attribute> = {}, to?: T): T {
    const result = to ?? this.#context.fresh(op.toLowerCase(), this.#like);
    this.forms.push(makeForm(op, inputs, [result], attributes));
    return result;
  }

  /** A node with one output of unknown shape.
   *  @param dtype  default that of `like` */
  other(
    op: string,
    inputs: (T | null)[],
    attributes: Record<string, Attribute> = {},
    dtype?: DType,
  ): T {
    const type = dtype ?? this.dtype ?? undefined;
    const result = this.#context.fresh(op.toLowerCase(), undefined, type);
    this.forms.push(makeForm(op, inputs, [result], attributes));
    return result;
  }

  /** A scalar of the type of `like`. */
  scalar(value: number): T {
    return this.#context.constant(floatConstant(this.#context, this.#like, [value], []), 'scalar');
  }

  end(
    output: T,
    op: string,
    inputs: (T | null)[],
    attributes: Record<string, Attribute> = {},
  ): Form<T>[] {
    this.node(op, inputs, attributes, output);
    return this.forms;
  }
}

export const int = (value: number): Attribute => ({ type: 'int', value });
export const ints = (value: readonly number[]): Attribute => ({ type: 'ints', value });
export const float = (value: number): Attribute => ({ type: 'float', value });
