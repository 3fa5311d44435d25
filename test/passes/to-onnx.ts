import {
  allNodes,
  Edit,
  freshName,
  type Model,
  namesAround,
  tensorType,
} from '../../src/ir/index.ts';
import { permutationTo } from '../../src/passes/layout/permutation.ts';

/** Writes each spatial operator of domain `mp` as ONNX has it, between two Transposes: what it means. */
export function toOnnx(model: Model): void {
  const edit = new Edit(model, { pass: 'test', rule: 'to-onnx', reason: 'to run it' });
  const names = namesAround(model.graph);
  for (const node of [...allNodes(model.graph)]) {
    if (node.domain !== 'mp') continue;
    const x = node.inputs[0]!;
    const output = node.outputs[0]!;
    const rank = output.type?.kind === 'tensor' ? output.type.shape!.length : 0;
    const turn = (value: typeof x, to: 'first' | 'last', name: string) =>
      edit.addNode(
        { before: node },
        {
          op: 'Transpose',
          inputs: [value],
          attributes: [['perm', { type: 'ints', value: permutationTo(to, rank) }]],
        },
        [{ name, type: null }],
      ).outputs[0]!;
    if (node.op === 'Resize') {
      const same = edit.addNode(
        { before: node },
        { op: node.op, name: node.name, attributes: node.attributes, inputs: node.inputs },
        [{ name: freshName(names, output.name), type: output.type }],
      ).outputs[0]!;
      const name = output.name;
      edit.replaceUses(output, same);
      edit.removeNode(node);
      edit.rename(same, name);
      continue;
    }
    const first = turn(x, 'first', freshName(names, `${x.name}_to`));
    const inputs = [first, ...node.inputs.slice(1)];
    const made = edit.addNode(
      { before: node },
      { op: node.op, name: node.name, attributes: node.attributes, inputs },
      [{ name: freshName(names, `${output.name}_of`), type: tensorType(null, null) }],
    ).outputs[0]!;
    const last = turn(made, 'last', freshName(names, `${output.name}_back`));
    const name = output.name;
    edit.replaceUses(output, last);
    edit.removeNode(node);
    edit.rename(last, name);
  }
  edit.commit();
}
