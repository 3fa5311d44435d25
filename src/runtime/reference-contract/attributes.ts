import type { LowerContext } from '../lower/lowering.ts';

/** Items of a `floats` attribute, or null. */
export function floatsOf({ node }: LowerContext, name: string): readonly number[] | null {
  const attribute = node.attributes.get(name);
  return attribute?.type === 'floats' ? attribute.value : null;
}
