import { Edit } from '../../ir/edit.ts';
import type { Node } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { allNodes } from '../../ir/walk.ts';

const windowed: ReadonlySet<string> = new Set(['Conv', 'MaxPool', 'AveragePool']);

/** Padding that follows from sizes is said in numbers, where the sizes are known: onnxruntime takes `auto_pad` neither
 *  with dilations nor in all of its operators of integers. */
export function padExplicitly(model: Model): void {
  const edit = new Edit(model, {
    pass: 'to-onnx',
    rule: 'explicit-pads',
    reason: 'runtimes know numbers everywhere',
  });
  let count = 0;
  for (const node of allNodes(model.graph)) {
    if (node.domain !== '' || !windowed.has(node.op)) continue;
    const pads = padsOf(node);
    if (pads === null) continue;
    edit.setAttribute(node, 'auto_pad', undefined);
    if (pads.some((size) => size !== 0))
      edit.setAttribute(node, 'pads', { type: 'ints', value: pads });
    count++;
  }
  if (count > 0) edit.commit();
}

/** Begins, then ends, of the padding that `auto_pad` asks for; null for none, or where sizes are not known. */
function padsOf(node: Node): number[] | null {
  const mode = node.attributes.get('auto_pad');
  if (mode?.type !== 'string' || mode.value === 'NOTSET') return null;
  const kernel = intsOf(node, 'kernel_shape');
  const type = node.inputs[0]?.type;
  if (kernel === null) return null;
  if (mode.value === 'VALID') return kernel.map(() => 0);
  const sizes = type?.kind === 'tensor' ? type.shape?.slice(2) : undefined;
  if (sizes === undefined || sizes.length !== kernel.length) return null;
  const [strides, dilations] = [intsOf(node, 'strides'), intsOf(node, 'dilations')];
  const begins: number[] = [];
  const ends: number[] = [];
  for (let axis = 0; axis < kernel.length; axis++) {
    const size = sizes[axis];
    if (typeof size !== 'number') return null;
    const [stride, dilation] = [strides?.[axis] ?? 1, dilations?.[axis] ?? 1];
    const covered = (Math.ceil(size / stride) - 1) * stride + (kernel[axis]! - 1) * dilation + 1;
    const total = Math.max(0, covered - size);
    const less = Math.floor(total / 2);
    const isUpper = mode.value === 'SAME_UPPER';
    begins.push(isUpper ? less : total - less);
    ends.push(isUpper ? total - less : less);
  }
  return [...begins, ...ends];
}

function intsOf({ attributes }: Node, name: string): number[] | null {
  const attribute = attributes.get(name);
  return attribute?.type === 'ints' ? attribute.value.map(Number) : null;
}
