import type { NodeProto, TensorProto } from '../../src/formats/onnx/proto.ts';
import { floats, info, ints, modelBytes, node, noise } from '../build-model.ts';

/** Networks of a kind that are not among the files for tests, small but of the real structure. */

class Net {
  readonly nodes: NodeProto[] = [];
  readonly constants: TensorProto[] = [];
  #count = 0;

  weight(dims: readonly number[]): string {
    const count = dims.reduce((a, b) => a * b, 1);
    const fan = Math.max(1, count / dims[0]!);
    return this.#constant(floats('', dims, noise(count, 7 + this.#count, 1 / Math.sqrt(fan))));
  }

  ints(values: readonly number[]): string {
    return this.#constant(ints('', values));
  }

  #constant(tensor: TensorProto): string {
    const name = `c${this.#count++}`;
    this.constants.push({ ...tensor, name });
    return name;
  }

  add(
    op: string,
    inputs: string[],
    attributes: Parameters<typeof node>[3] = {},
    outputs = 1,
  ): string[] {
    const names = Array.from({ length: outputs }, () => `v${this.#count++}`);
    this.nodes.push(node(op, inputs, names, attributes));
    return names;
  }

  one(op: string, inputs: string[], attributes: Parameters<typeof node>[3] = {}): string {
    return this.add(op, inputs, attributes)[0]!;
  }

  conv(
    x: string,
    [to, from]: readonly [number, number],
    { kernel = 1, group = 1, step = 1 } = {},
  ): string {
    const weight = this.weight([to, from / group, kernel, kernel]);
    const pad = (kernel - 1) / 2;
    return this.one('Conv', [x, weight, this.weight([to])], {
      kernel_shape: [kernel, kernel],
      strides: [step, step],
      pads: [pad, pad, pad, pad],
      group,
    });
  }

  /** Channels of groups dealt out, as PyTorch's export spells it. */
  shuffle(x: string, channels: number, groups: number, size: number): string {
    const split = this.one('Reshape', [x, this.ints([1, groups, channels / groups, size, size])]);
    const turned = this.one('Transpose', [split], { perm: [0, 2, 1, 3, 4] });
    return this.one('Reshape', [turned, this.ints([1, channels, size, size])]);
  }

  bytes(output: string, size: number): Uint8Array {
    return modelBytes({
      input: [info('x', [1, 3, size, size])],
      output: [info(output, null)],
      initializer: this.constants,
      node: this.nodes,
    });
  }
}

/** Units of ShuffleNet: `grouped` as in the first (Zhang et al. 2017), `split` as in the second (Ma et al. 2018). */
export function shuffleNet(kind: 'grouped' | 'split'): Uint8Array {
  const net = new Net();
  const [channels, size] = [24, 8];
  let x = net.one('Relu', [net.conv('x', [channels, 3], { kernel: 3, step: 2 })]);
  for (let unit = 0; unit < 3; unit++) {
    if (kind === 'grouped') {
      const a = net.one('Relu', [net.conv(x, [channels, channels], { group: 3 })]);
      const b = net.shuffle(a, channels, 3, size);
      const c = net.conv(b, [channels, channels], { kernel: 3, group: channels });
      const d = net.conv(c, [channels, channels], { group: 3 });
      x = net.one('Relu', [net.one('Add', [x, d])]);
    } else {
      const half = channels / 2;
      const [left, right] = net.add('Split', [x, net.ints([half, half])], { axis: 1 }, 2);
      const a = net.one('Relu', [net.conv(right!, [half, half])]);
      const b = net.conv(a, [half, half], { kernel: 3, group: half });
      const c = net.one('Relu', [net.conv(b, [half, half])]);
      x = net.shuffle(net.one('Concat', [left!, c], { axis: 1 }), channels, 2, size);
    }
  }
  const pooled = net.one('Flatten', [net.one('GlobalAveragePool', [x])]);
  const dense = net.one('Gemm', [pooled, net.weight([channels, 5]), net.weight([5])]);
  return net.bytes(net.one('Softmax', [dense]), 2 * size);
}

/** Blocks of four nodes: two convolutions, a sum, an activation. */
export function residualNet(blocks: number): Uint8Array {
  const net = new Net();
  let x = net.conv('x', [4, 3], { kernel: 3 });
  for (let block = 0; block < blocks; block++) {
    const a = net.conv(x, [4, 4]);
    const b = net.conv(a, [4, 4], { kernel: 3, group: 4 });
    x = net.one('Relu', [net.one('Add', [x, b])]);
  }
  const pooled = net.one('Flatten', [net.one('GlobalAveragePool', [x])]);
  return net.bytes(net.one('Softmax', [pooled]), 8);
}
