import { bytesOf } from '../../core/tensor.ts';
import { constantOf, constantOfValue } from '../../ir/constant.ts';
import type { Edit } from '../../ir/edit.ts';
import type { Node } from '../../ir/graph.ts';
import { freshName } from '../../ir/walk.ts';
import { removeHolder } from '../../passes/constants.ts';

/** Gives a node a bias of its own in the place of the constant that is there. */
export function setRealBias(edit: Edit, node: Node, bias: Float32Array, names: Set<string>): void {
  const value = node.inputs[2];
  const constant = value == null ? null : constantOfValue(value);
  if (value == null || constant === null) return;
  const name = freshName(names, `${value.name}_rounded`);
  const made = edit.addConstant(
    node.graph,
    name,
    constantOf('float32', constant.shape, bytesOf(bias)),
  );
  edit.setInput(node, 2, made);
  if (value.uses.size === 0) removeHolder(edit, value);
}
