import { resizing } from './agnostic.ts';
import { isPresent, rankOf } from './operands.ts';
import type { Layout } from './permutation.ts';
import { type Following, type LayoutRule, type NodeView, respec } from './rule.ts';

/** Operators of ai.onnx on [N, C, …] that domain `mp` has on [N, …, C]. */
export const twoForms: readonly string[] = [
  'Conv',
  'ConvTranspose',
  'MaxPool',
  'AveragePool',
  'LpPool',
  'GlobalAveragePool',
  'GlobalMaxPool',
  'Resize',
  'BatchNormalization',
  'InstanceNormalization',
  'GroupNormalization',
  'DepthToSpace',
  'SpaceToDepth',
  'LRN',
];

/** Operators on [N, C, …] that have no other form. */
export const channelsFirstOnly: readonly string[] = [
  'GlobalLpPool',
  'MaxUnpool',
  'MaxRoiPool',
  'RoiAlign',
  'GridSample',
  'DeformConv',
  'ConvInteger',
  'QLinearConv',
  'CausalConvWithState',
];

/** Input 0, the addend of mp.Conv, and the output. */
function images(view: NodeView): Following {
  const hasAddend = view.node.op === 'Conv' && isPresent(view, 3);
  return { inputs: hasAddend ? [0, 3] : [0], outputs: [0] };
}

function hasOneResult({ node }: NodeView): boolean {
  return node.outputs.slice(1).every((value) => value.uses.size === 0);
}

/** An operator in the layout that the target does not have.
 *  @param domain  that of its other form */
export function turning(domain: string, anchor: Layout): LayoutRule {
  return {
    anchor,
    forced: true,
    following: (view, from) => {
      if (from !== anchor || !hasOneResult(view) || rankOf(view) < 3) return null;
      if (view.node.op === 'BatchNormalization' && view.attributes.int('training_mode') !== 0)
        return null;
      // What the other form has no word for: a function in it, a sum.
      if (domain === '' && isPresent(view, 3) && view.node.op === 'Conv') return null;
      if (domain === '' && view.attributes.string('activation', 'none') !== 'none') return null;
      return images(view);
    },
    rewrite: (c) =>
      respec(
        c.node,
        c.node.op === 'Resize' ? { ...resizing.rewrite(c), domain } : { domain, inputs: c.inputs },
      ),
  };
}

/** An operator that is as the target wants it, or has no other form. */
export function settled(anchor: Layout): LayoutRule {
  return { anchor, following: () => null, rewrite: (c) => respec(c.node, { inputs: c.inputs }) };
}

/** What an anchored operator says of: its images. */
export function anchored(view: NodeView): Following {
  return images(view);
}
