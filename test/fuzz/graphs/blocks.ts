import { elementwise } from './elementwise.ts';
import { layers } from './layers.ts';
import { ints, type Make, need } from './make.ts';
import type { Maker } from './maker.ts';

/** What networks are made of, as rewrites look for it: layers with what follows them. */

const activations = ['Relu', 'Sigmoid', 'HardSwish', 'LeakyRelu', 'Tanh', 'Gelu', 'Mish', 'Elu'];

/** An activation in one node, or spelled out. */
function activated(m: Maker, id: number): number {
  if (m.chance(20)) return need(m.step('Mul', [id, need(m.step('Sigmoid', [id]))]));
  return need(m.step(m.one(activations), [id]));
}

/** A factor or a term for each channel. */
function perChannel(m: Maker, id: number, axis: number): number {
  const dims = m.dims(id);
  const sizes = dims.slice(axis).map((size, i) => (i === 0 ? size : 1));
  return m.constant(m.tensor('float32', sizes, 1));
}

const conv: Make = (m) => {
  const x = m.float(4, 4);
  if (x === null) return null;
  let y = need(layers.Conv!(m));
  if (m.chance(40)) {
    const channels = m.dims(y)[1]!;
    const ones = Array.from({ length: 3 }, () => m.constant(m.tensor('float32', [channels], 1)));
    const variance = m.tensor('float32', [channels]);
    (variance.data as Float32Array).fill(0.75);
    y = need(m.step('BatchNormalization', [y, ...ones, m.constant(variance)]));
  }
  if (m.chance(30)) y = need(m.step(m.one(['Mul', 'Add']), [y, perChannel(m, y, 1)]));
  if (m.chance(40)) {
    const dims = `${m.dims(y)}`;
    const same = m.pick(({ tensor: t }) => t.type === 'float32' && `${t.dims}` === dims);
    if (same !== null) y = need(m.step('Add', m.chance(50) ? [y, same] : [same, y]));
  }
  if (m.chance(70)) y = activated(m, y);
  return m.chance(40)
    ? m.step('Transpose', [y], { kind: 'exact', attributes: { perm: turned(m, y) } })
    : [y];
};

function turned(m: Maker, id: number) {
  const rank = m.dims(id).length;
  const space = Array.from({ length: rank - 2 }, (_, i) => i + 2);
  return ints(m.chance(70) ? [0, ...space, 1] : [0, rank - 1, ...space.map((axis) => axis - 1)]);
}

const linear: Make = (m) => {
  let y = need(m.chance(60) ? layers.MatMul!(m) : layers.Gemm!(m));
  if (m.dims(y).length > 0 && m.chance(60))
    y = need(m.step('Add', [y, perChannel(m, y, m.dims(y).length - 1)]));
  if (m.chance(30)) y = need(elementwise.Mul!(m));
  return m.chance(60) ? [activated(m, y)] : [y];
};

/** There and back, with something between that does not mind the order of axes. */
const sandwich: Make = (m) => {
  const id = m.float(3, 4);
  if (id === null) return null;
  const rank = m.dims(id).length;
  const there = [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
  const back = there.map((_, axis) => there.indexOf(axis));
  const exact = { kind: 'exact' } as const;
  let y = need(m.step('Transpose', [id], { ...exact, attributes: { perm: ints(there) } }));
  y = m.chance(50) ? activated(m, y) : need(m.step('Add', [y, perChannel(m, y, rank - 1)]));
  if (m.chance(30)) y = need(m.step('Softmax', [y]));
  return m.step('Transpose', [y], { ...exact, attributes: { perm: ints(back) } });
};

export const blocks: Readonly<Record<string, Make>> = {
  ConvBlock: conv,
  ConvBlockToo: conv,
  Linear: linear,
  Sandwich: sandwich,
};
