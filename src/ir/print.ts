import type { Graph } from './graph.ts';
import { type Attribute, formatType } from './types.ts';

/** The graph as text, one line a node: for people and for golden tests. */
export function print(graph: Graph, indent = ''): string {
  const lines: string[] = [];
  const inputs = graph.inputs.map((value) => `${value.name}: ${formatType(value.type)}`);
  lines.push(`${indent}graph ${graph.name}(${inputs.join(', ')}) {`);
  for (const value of graph.constants) {
    lines.push(`${indent}  const ${value.name}: ${formatType(value.type)}`);
  }
  for (const node of graph.nodes) {
    const outputs = node.outputs.map((value) => `${value.name || '_'}: ${formatType(value.type)}`);
    const args = node.inputs.map((value) => value?.name ?? '_');
    const attributes = [...node.attributes]
      .filter(([, attribute]) => attribute.type !== 'graph' && attribute.type !== 'graphs')
      .map(([name, attribute]) => `${name}=${printAttribute(attribute)}`);
    const name = node.domain === '' ? node.op : `${node.domain}.${node.op}`;
    const braces = attributes.length > 0 ? ` {${attributes.join(', ')}}` : '';
    lines.push(`${indent}  ${outputs.join(', ')} = ${name}(${args.join(', ')})${braces}`);
    for (const inner of node.subgraphs()) lines.push(print(inner, `${indent}    `));
  }
  lines.push(`${indent}  return ${graph.outputs.map((value) => value.name).join(', ')}`);
  lines.push(`${indent}}`);
  return lines.join('\n');
}

function printAttribute(attribute: Attribute): string {
  switch (attribute.type) {
    case 'int':
    case 'float':
      return String(attribute.value);
    case 'string':
      return JSON.stringify(attribute.value);
    case 'ints':
    case 'floats':
    case 'strings':
      return `[${attribute.value.join(', ')}]`;
    case 'tensor':
      return `${attribute.value.dtype} [${attribute.value.shape.join(', ')}]`;
    default:
      return `<${attribute.type}>`;
  }
}
