import type { Node } from '../../ir/graph.ts';
import type { Model } from '../../ir/model.ts';
import { channelRules } from './channel-rules.ts';
import { ChannelMap } from './channels.ts';

/** Finds the channels of a model's values, and which of them can have a factor.
 *  @param shapes  of values, by name, for one sample */
export function mapChannels(
  model: Model,
  shapes: ReadonlyMap<string, readonly number[]>,
): ChannelMap {
  const map = new ChannelMap(model, shapes);
  for (const node of model.graph.nodes) {
    const rule = channelRules[node.domain === '' ? node.op : `${node.domain}.${node.op}`];
    const taken = rule?.(node, map) ?? [];
    node.inputs.forEach((value, index) => {
      if (value !== null && !taken.includes(index)) map.pin(value);
    });
    for (const graph of node.subgraphs()) pinBody(map, graph.nodes);
  }
  for (const value of model.graph.outputs) map.pin(value);
  return map;
}

/** What bodies read they read as it is. */
function pinBody(map: ChannelMap, nodes: readonly Node[]): void {
  const pending = [...nodes];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    for (const value of node.inputs) if (value !== null) map.pin(value);
    for (const graph of node.subgraphs()) {
      for (const value of graph.outputs) map.pin(value);
      pending.push(...graph.nodes);
    }
  }
}
