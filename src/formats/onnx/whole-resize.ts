import { isStatic } from '../../core/shape.ts';
import { constantOfValue, int64Constant, smallValues } from '../../ir/constant.ts';
import { Edit } from '../../ir/edit.ts';
import type { Model } from '../../ir/model.ts';
import { allGraphs, freshName, namesAround } from '../../ir/walk.ts';

/** A Resize that names its axes gives sizes of all of them instead, where they are known: operator sets before 18 have
 *  that form, and onnxruntime's transpose optimizer takes any other for it. */
export function resizeWhole(model: Model): void {
  const edit = new Edit(model, {
    pass: 'to-onnx',
    rule: 'whole-resize',
    reason: 'older operator sets have sizes of all axes',
  });
  const names = namesAround(model.graph);
  let count = 0;
  for (const graph of allGraphs(model.graph)) {
    for (const node of graph.nodes) {
      const axes = node.attributes.get('axes');
      const [x, , , sizes] = node.inputs;
      if (node.op !== 'Resize' || node.domain !== '' || axes?.type !== 'ints') continue;
      if (x?.type?.kind !== 'tensor' || !isStatic(x.type.shape) || sizes == null) continue;
      const constant = constantOfValue(sizes);
      const wished = constant === null ? null : smallValues(constant);
      const policy = node.attributes.get('keep_aspect_ratio_policy');
      const isStretched = policy?.type !== 'string' || policy.value === 'stretch';
      if (wished === null || !isStretched) continue;
      const whole: (number | bigint)[] = [...x.type.shape];
      axes.value.forEach((axis, i) => {
        whole[Number(axis) < 0 ? Number(axis) + whole.length : Number(axis)] = wished[i]!;
      });
      const name = freshName(names, `${node.outputs[0]!.name}_sizes`);
      edit.setInput(node, 3, edit.addConstant(graph, name, int64Constant(whole)));
      edit.setAttribute(node, 'axes', undefined);
      count++;
    }
  }
  if (count > 0) edit.commit();
}
