import { constantOfValue } from '../../../ir/constant.ts';
import type { Node, Value } from '../../../ir/graph.ts';
import type { Model } from '../../../ir/model.ts';
import { saidQuantization, sameWhole } from '../../../passes/quantization-of.ts';
import type { Cause } from '../../../report/explanation.ts';
import { formatNumber } from '../../../report/units.ts';
import { linearLayer } from '../../sensitivity/linear.ts';
import type { Observation } from '../observe.ts';
import { type Evidence, severityOf, shareOf } from './evidence.ts';

/** BatchNormalization behind a product, which could be part of its weights. */
export function unfoldedNormalization(evidence: Evidence): Cause[] {
  return evidence.sides.other.model.graph.nodes.flatMap((node): Cause[] => {
    const from = foldable(node);
    if (from === null) return [];
    const share = shareOf(evidence, from.name, ['rounding']);
    const seen = rangeText(evidence.observed.get(from.name));
    return [
      {
        code: 'unfolded-batchnorm',
        severity: severityOf(evidence, share) ?? 'hint',
        layer: from.name,
        share,
        gainDb: null,
        text: `the BatchNormalization that makes "${node.outputs[0]!.name}" is not folded into the weights of "${from.name}"${seen}: that value is rounded on the way, and the normalization runs on real numbers; folding it saves both`,
      },
    ];
  });
}

/** The result of a product that only a BatchNormalization with known numbers reads. */
function foldable(node: Node): Value | null {
  if (node.op !== 'BatchNormalization') return null;
  if (!node.inputs.slice(1).every((value) => value !== null && isKnown(value))) return null;
  let from = node.inputs[0] ?? null;
  for (let i = 0; i < 2 && from?.producer?.op.endsWith('quantizeLinear'); i++)
    from = from.producer.inputs[0] ?? null;
  while (from?.producer != null && /^(Dequantize|Quantize)Linear$/.test(from.producer.op))
    from = from.producer.inputs[0] ?? null;
  const product = from?.producer;
  if (from === null || product == null || linearLayer(product) === null) return null;
  return from.uses.size === 1 ? from : null;
}

const isKnown = (value: Value): boolean =>
  constantOfValue(value) !== null || value.producer?.op === 'DequantizeLinear';

function rangeText(seen: Observation | undefined): string {
  return seen === undefined
    ? ''
    : `, which takes ${formatNumber(seen.min)} … ${formatNumber(seen.max)}`;
}

/** A DequantizeLinear that does not undo the QuantizeLinear before it.
 *  @param model  as it was read */
export function mismatchedLevels(model: Model): Cause[] {
  return model.graph.nodes.flatMap((node): Cause[] => {
    const from = node.op === 'DequantizeLinear' ? node.inputs[0]?.producer : null;
    if (from == null || from.op !== 'QuantizeLinear') return [];
    const [stored, read] = [saidQuantization(from), saidQuantization(node)];
    if (stored === null || read === null || sameWhole(stored, read)) return [];
    if (stored.axis !== null || read.axis !== null) return [];
    const zeros = [stored, read].map(({ zeroPoint }) => zeroPoint?.[0] ?? 0);
    const scales = [stored, read].map(({ scale }) => scale[0]!);
    const apart = Math.abs(zeros[0]! - zeros[1]!);
    const isMixed = scales[0] === scales[1] && Math.abs(apart - 128) <= 1;
    return [
      {
        code: isMixed ? 'sign-mix-up' : 'wrong-levels',
        severity: 'fault',
        layer: from.inputs[0]!.name,
        share: null,
        gainDb: null,
        text: isMixed
          ? `"${from.inputs[0]!.name}" is quantized with zero point ${zeros[0]} and dequantized with ${zeros[1]}: signed integers are taken for unsigned ones, or the reverse`
          : `"${from.inputs[0]!.name}" is quantized with scale ${formatNumber(scales[0]!)} and zero point ${zeros[0]}, but dequantized with ${formatNumber(scales[1]!)} and ${zeros[1]}: one of them is wrong`,
      },
    ];
  });
}
