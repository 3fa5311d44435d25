import type { NodeSpec } from '../../ir/graph.ts';
import type { Attribute } from '../../ir/types.ts';
import {
  broadcastFollowing,
  broadcastOperands,
  isPresent,
  movedAxesInput,
  movedAxis,
  movedVector,
  normalAxis,
  rankOf,
  vectorLength,
} from './operands.ts';
import { isPermutable, otherLayout, permutationTo, permutedConstant } from './permutation.ts';
import {
  type Following,
  type LayoutRule,
  type NodeView,
  type RewriteContext,
  respec,
} from './rule.ts';

/** Operators that compute the same in any layout once their axes and constants are written for it. Rank is kept. */

const first: Following = { inputs: [0], outputs: [0] };

export const indexesOf = (items: readonly unknown[]): number[] => items.map((_, index) => index);

function withAttribute(c: RewriteContext, name: string, attribute: Attribute): Partial<NodeSpec> {
  return { attributes: new Map(c.node.attributes).set(name, attribute) };
}

/** An attribute of one integer. */
export function int(value: number): Attribute {
  return { type: 'int', value };
}

/** Input 0 and all outputs, each element by itself; other inputs are single numbers. */
export const elementwise: LayoutRule = {
  following: (view) => ({ inputs: [0], outputs: indexesOf(view.node.outputs) }),
  rewrite: (c) => respec(c.node, { inputs: c.inputs }),
};

/** Clip, Dropout: only single numbers besides input 0. */
export const withScalars: LayoutRule = {
  following: (view, from) => {
    for (let input = 1; input < view.node.inputs.length; input++) {
      if (isPresent(view, input) && rankOf(view, input) > 0) return null;
    }
    return elementwise.following(view, from);
  },
  rewrite: elementwise.rewrite,
};

/** Operands that broadcast to the output. */
export const broadcasting: LayoutRule = {
  following: (view) => {
    const rank = view.outputShape(0)?.length ?? 0;
    const inputs = broadcastFollowing(view, indexesOf(view.node.inputs), rank);
    return inputs === null ? null : { inputs, outputs: [0] };
  },
  rewrite: (c) =>
    respec(c.node, {
      inputs: broadcastOperands(c, indexesOf(c.inputs), c.outputShape(0)!.length),
    }),
};

/** A slope or bound that broadcasts to input 0, not the other way round (PRelu). */
export const slope: LayoutRule = {
  following: (view) => {
    const inputs = broadcastFollowing(view, indexesOf(view.node.inputs), rankOf(view));
    return inputs?.includes(0) ? { inputs, outputs: [0] } : null;
  },
  rewrite: (c) => respec(c.node, { inputs: broadcastOperands(c, indexesOf(c.inputs), rankOf(c)) }),
};

/** One axis in an attribute, its length in the operand that follows. */
function alongAxis(
  following: (view: NodeView) => Following | null,
  attribute = 'axis',
  isOptional = false,
): LayoutRule {
  return {
    following: (view) => (isOptional && !view.attributes.has(attribute) ? null : following(view)),
    rewrite: (c) =>
      respec(c.node, {
        inputs: c.inputs,
        ...withAttribute(c, attribute, int(movedAxis(c, c.attributes.int(attribute), rankOf(c)))),
      }),
  };
}

export const axisAttribute: LayoutRule = alongAxis((view) => ({
  inputs: [0],
  outputs: indexesOf(view.node.outputs),
}));

export const optionalAxis: LayoutRule = alongAxis(() => first, 'axis', true);

/** All inputs along one axis; constants among them are permuted. */
export const concat: LayoutRule = {
  following: (view) => {
    const rank = view.outputShape(0)?.length ?? 0;
    const inputs = broadcastFollowing(view, indexesOf(view.node.inputs), rank);
    const isWhole = view.node.inputs.every((_, input) => rankOf(view, input) === rank);
    if (inputs === null || !isWhole) return null;
    // A single computed element still has to have the rank, and does: it follows with the others.
    return { inputs, outputs: [0] };
  },
  rewrite: (c) => {
    const rank = c.outputShape(0)!.length;
    return respec(c.node, {
      inputs: broadcastOperands(c, indexesOf(c.inputs), rank),
      ...withAttribute(c, 'axis', int(movedAxis(c, c.attributes.int('axis'), rank))),
    });
  },
};

/** Indices and updates of input 0's rank, with an axis. */
export const elementIndices: LayoutRule = concat;

/** Axes in an input, one for each item of another input; without them the first ones.
 *  @param counted  the input with the items, @param each  how many items an axis has */
function axesInput(axes: number, counted: number, each: number, isWhole: boolean): LayoutRule {
  const axesOf = (view: NodeView): readonly number[] | null => {
    if (isPresent(view, axes)) return view.numbers(axes);
    const count = isWhole ? rankOf(view) * each : vectorLength(view, counted);
    return count === null ? null : Array.from({ length: count / each }, (_, axis) => axis);
  };
  return {
    following: (view) => (axesOf(view) === null ? null : first),
    rewrite: (c) => {
      const inputs = [...c.inputs];
      while (inputs.length < axes) inputs.push(null);
      inputs[axes] = movedAxesInput(c, axesOf(c)!, rankOf(c));
      return respec(c.node, { inputs });
    },
  };
}

export const slice: LayoutRule = axesInput(3, 1, 1, false);

const padAlongAxes = axesInput(3, 1, 2, true);

/** Pads of all axes are put in order, so that no axes have to be named. */
export const pad: LayoutRule = {
  following: padAlongAxes.following,
  rewrite: (c) => {
    if (isPresent(c, 3)) return padAlongAxes.rewrite(c);
    const inputs = [...c.inputs];
    inputs[1] = movedVector(c, 1, rankOf(c), 2);
    return respec(c.node, { inputs });
  },
};

/** A value made of nothing but its shape (ConstantOfShape). */
export const filled: LayoutRule = {
  following: (view) => {
    const rank = view.outputShape(0)?.length;
    return rank !== undefined && vectorLength(view, 0) === rank
      ? { inputs: [], outputs: [0] }
      : null;
  },
  rewrite: (c) => respec(c.node, { inputs: [movedVector(c, 0, c.outputShape(0)!.length)] }),
};

/** One axis in an input (CumSum). */
export const axisInput: LayoutRule = {
  following: (view) => (view.numbers(1)?.length === 1 ? first : null),
  rewrite: (c) => {
    const axis = movedAxis(c, c.numbers(1)![0]!, rankOf(c));
    return respec(c.node, {
      inputs: [c.inputs[0]!, c.addInts([axis], c.shape(1)?.length === 0 ? [] : [1])],
    });
  },
};

/** A list of axes in an attribute. */
function axesAttribute(name: string, whenAbsent: 'all' | 'default'): LayoutRule {
  return {
    following: () => first,
    rewrite: (c) => {
      const rank = rankOf(c);
      const axes =
        c.attributes.ints(name) ??
        (whenAbsent === 'all' ? Array.from({ length: rank }, (_, axis) => axis) : []);
      const value = axes.map((axis) => movedAxis(c, axis, rank));
      return respec(c.node, {
        inputs: c.inputs,
        ...withAttribute(c, name, { type: 'ints', value }),
      });
    },
  };
}

export const namedAxes: LayoutRule = axesAttribute('axes', 'default');
export const namedOrAllAxes: LayoutRule = axesAttribute('axes', 'all');

/** A number for each axis of input 0 (Tile). */
export const perAxis: LayoutRule = {
  following: () => first,
  rewrite: (c) => respec(c.node, { inputs: [c.inputs[0]!, movedVector(c, 1, rankOf(c))] }),
};

/** A target shape of input 0's rank. */
export const expand: LayoutRule = {
  following: (view) => {
    const rank = rankOf(view);
    return rank === view.outputShape(0)?.length && vectorLength(view, 1) === rank ? first : null;
  },
  rewrite: perAxis.rewrite,
};

/** Scales along an axis of input 0, or one for all. */
export const quantizing: LayoutRule = {
  following: (view) => {
    const isSimple = view.attributes.int('block_size') === 0 && view.constant(0) === null;
    const isFlat = [1, 2].every(
      (input) => !isPresent(view, input) || (view.shape(input)?.length ?? 2) < 2,
    );
    return isSimple && isFlat ? first : null;
  },
  rewrite: (c) =>
    c.shape(1)?.length === 0 ? respec(c.node, { inputs: c.inputs }) : axisAttribute.rewrite(c),
};

/** Axes from one on to the last, where the new layout has the same ones there; constants are permuted. */
export const trailingAxes: LayoutRule = {
  following: (view, from) => {
    const rank = rankOf(view);
    const axis = normalAxis(view.attributes.int('axis'), rank);
    const perm = permutationTo(otherLayout(from), rank);
    const stays = perm.every((old, at) => old < axis === at < axis);
    if (!stays || view.node.outputs.length > 1) return null;
    const others = indexesOf(view.node.inputs).slice(1);
    const isConstant = others.every((input) => {
      const constant = view.constant(input);
      return (
        !isPresent(view, input) ||
        (constant !== null && isPermutable(constant) && constant.shape.length === rank - axis)
      );
    });
    return isConstant ? first : null;
  },
  rewrite: (c) => {
    const rank = rankOf(c);
    const axis = normalAxis(c.attributes.int('axis'), rank);
    const perm = c
      .permutation(rank)
      .slice(axis)
      .map((old) => old - axis);
    const inputs = c.inputs.map((value, input) =>
      input === 0 || value === null
        ? value
        : c.addConstant(permutedConstant(c.constant(input)!, perm)),
    );
    return respec(c.node, { inputs, ...withAttribute(c, 'axis', int(axis)) });
  },
};

/** Resize: factors or sizes for the axes that it names or for all. */
export const resizing: LayoutRule = {
  following: () => first,
  rewrite: (c) => {
    const rank = rankOf(c);
    if (c.attributes.has('axes')) return namedAxes.rewrite(c);
    const inputs = c.inputs.map((value, input) => {
      if (input === 0 || value === null || vectorLength(c, input) === 0) return value;
      return movedVector(c, input, rank, input === 1 ? 2 : 1);
    });
    return respec(c.node, { inputs });
  },
};
