import { constantOfValue } from '../../ir/constant.ts';
import type { Value } from '../../ir/graph.ts';
import type { Attribute } from '../../ir/types.ts';
import type { Decompose } from '../../ops/decompose/index.ts';
import type { AdaptContext } from '../../ops/form.ts';
import type { Expansion } from './index.ts';

/** A value, or what a form that follows will make. */
type Slot = { value: Value | null; readonly like: Slot | null; readonly dtype: string | null };

/** The expansion that a decomposition into forms is. Types of what is between are left to be inferred. */
export function fromForms(decompose: Decompose): Expansion {
  return (p) => {
    const slots = new Map<Value, Slot>();
    const slotOf = (value: Value): Slot => {
      let slot = slots.get(value);
      if (slot === undefined) {
        slot = { value, like: null, dtype: null };
        slots.set(value, slot);
      }
      return slot;
    };
    const typeOf = (slot: Slot): Value['type'] =>
      slot.value?.type ?? (slot.like && typeOf(slot.like));
    const context: AdaptContext<Slot> = {
      constant: (constant, hint) => slotOf(p.constant(constant, hint)),
      fresh: (_, like, dtype) => ({ value: null, like: like ?? null, dtype: dtype ?? null }),
      rank: (slot) => {
        const type = typeOf(slot);
        return type?.kind === 'tensor' ? (type.shape?.length ?? null) : null;
      },
      constantOf: (slot) => (slot.value === null ? null : constantOfValue(slot.value)),
      dtype: (slot) => {
        const type = typeOf(slot);
        return type?.kind === 'tensor' ? type.dtype : null;
      },
      shape: (slot) => {
        const type = typeOf(slot);
        if (type?.kind !== 'tensor' || type.shape === null) return null;
        return type.shape.map((dim) => (typeof dim === 'number' ? dim : null));
      },
      isUsed: (slot) => slot.value === null || slot.value.uses.size > 0,
    };
    const { node } = p;
    const outputs = node.outputs.map(slotOf);
    const forms = decompose(
      {
        op: node.op,
        domain: node.domain,
        attributes: new Map<string, Attribute>(node.attributes),
        inputs: node.inputs.map((value) => (value === null ? null : slotOf(value))),
        outputs,
      },
      context,
    );
    if (forms === null) p.stop('types or shapes that its equivalent needs are not known');
    for (const form of forms ?? []) {
      const inputs = form.inputs.map((slot) => slot?.value ?? null);
      const made = p.raw(form.op, inputs, form.outputs.length, form.attributes);
      form.outputs.forEach((slot, i) => {
        const index = outputs.indexOf(slot);
        if (index >= 0) p.end(index, made[i]!);
        else slot.value = made[i]!;
      });
    }
  };
}
