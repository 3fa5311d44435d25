import { dtypes } from '../core/dtype.ts';
import { bytesOf, typedArrayOf } from '../core/tensor.ts';
import { type Constant, constantOf } from '../ir/constant.ts';
import { Edit, type Place } from '../ir/edit.ts';
import { type Graph, Node, type Use, type Value } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { type Attribute, type Quantization, tensorType } from '../ir/types.ts';
import { allGraphs, freshName, namesAround, shortNames } from '../ir/walk.ts';
import { saidQuantization, sameQuantization } from './quantization-of.ts';

/** Whether a computed value has a quantization attached: exportQuantization would change the model. */
export function hasQuantizedActivations({ graph }: Model): boolean {
  for (const { inputs, nodes } of allGraphs(graph)) {
    if (inputs.some(isQuantized)) return true;
    if (nodes.some(({ outputs }) => outputs.some(isQuantized))) return true;
  }
  return false;
}

/** Turns quantization that is attached to computed values into QuantizeLinear and DequantizeLinear nodes, as ONNX has
 *  it and as passes that rewrite expect it; importQuantization is the way back, with the same parameters. Constants keep
 *  theirs. An Identity from one quantization to another (or to none) becomes these nodes itself, and a node that is
 *  there already, at an integer input or output of the graph, is the one that its value needs. */
export function exportQuantization(model: Model): void {
  if (!hasQuantizedActivations(model)) return;
  const edit = new Edit(model, {
    pass: 'export-quantization',
    rule: 'detach',
    reason: 'rewriting and ONNX know quantization as nodes',
  });
  const names = namesAround(model.graph);
  const naming: Naming = { names, short: shortNames(names) };
  const exported = new Map<Value, Exported>();
  // Inner graphs come last: they read values of the graphs around them.
  for (const graph of allGraphs(model.graph)) new Exporter(edit, graph, naming, exported).run();
  edit.commit();
}

/** A value that was quantized: what it became. */
interface Exported {
  quantization: Quantization;
  /** Its integers. */
  stored: Value;
}

interface Naming {
  /** Those that are taken. */
  readonly names: Set<string>;
  /** A short one, for what only integers have. */
  short(prefix: string): string;
}

class Exporter {
  readonly #edit: Edit;
  readonly #graph: Graph;
  readonly #isMain: boolean;
  readonly #naming: Naming;
  /** By the dequantized value, in all graphs. */
  readonly #exported: Map<Value, Exported>;
  readonly #parameters: Map<string, Value> = new Map();

  constructor(edit: Edit, graph: Graph, naming: Naming, exported: Map<Value, Exported>) {
    this.#edit = edit;
    this.#graph = graph;
    this.#isMain = graph.owner === null;
    this.#naming = naming;
    this.#exported = exported;
  }

  run(): void {
    for (const value of this.#graph.inputs)
      if (isQuantized(value)) this.#quantize(value, { startOf: this.#graph });
    for (const node of this.#graph.nodes) {
      if (node.op === 'Identity' && node.domain === '') this.#identity(node);
      else if (!this.#isBoundary(node))
        for (const value of node.outputs)
          if (isQuantized(value)) this.#quantize(value, { after: node });
    }
  }

  /** A DequantizeLinear that says what is attached to its result. */
  #isBoundary(node: Node): boolean {
    const [output, input] = [node.outputs[0], node.inputs[0]];
    if (node.op !== 'DequantizeLinear' || node.domain !== '') return false;
    if (output === undefined || output.quantization === null || input == null) return false;
    const { quantization } = output;
    if (!sameQuantization(saidQuantization(node), quantization)) return false;
    output.quantization = null;
    this.#exported.set(output, { quantization, stored: input });
    return true;
  }

  #identity(node: Node): void {
    const [from, to] = [node.inputs[0]!, node.outputs[0]!];
    const { quantization } = to;
    const source = this.#exported.get(from);
    const before = source?.quantization ?? (from.constant === null ? null : from.quantization);
    if (quantization === null && before === null) return;
    to.quantization = null;
    const place = { before: node };
    const isSame = quantization === null || sameQuantization(before, quantization);
    if (!isSame) this.#replace(to, this.#store(from, quantization, place), quantization, place);
    else if (!isOutput(to) || (!this.#isMain && from.graph === this.#graph))
      this.#edit.replaceUses(to, from);
    else if (source !== undefined) this.#replace(to, source.stored, source.quantization, place);
    else return;
    this.#edit.removeNode(node);
  }

  /** Another value that integers stand for takes a value's place and name. */
  #replace(value: Value, stored: Value, quantization: Quantization, place: Place): void {
    const { name, origin } = value;
    this.#edit.rename(value, freshName(this.#naming.names, `${name}_real`));
    const real = this.#dequantize(stored, name, quantization, place);
    real.origin = origin;
    this.#edit.replaceUses(value, real);
  }

  #quantize(value: Value, place: Place): void {
    const quantization = value.quantization!;
    value.quantization = null;
    const quantizers = [...value.uses].filter((use) => isQuantizer(use, quantization));
    const readers = new Set([...value.uses].filter((use) => !quantizers.includes(use)));
    if (readers.size === 0) return;
    // The nodes that are there may come after other readers.
    const stored = this.#store(value, quantization, place);
    let hasName = false;
    for (const { user } of quantizers) {
      const node = user as Node;
      const same = node.outputs[0]!;
      if (this.#isMain && isOutput(same)) {
        if (hasName) continue;
        hasName = true;
        const { name, origin } = same;
        this.#edit.rename(same, stored.name);
        this.#edit.rename(stored, name);
        stored.origin = origin;
      }
      this.#edit.replaceUses(same, stored);
      this.#edit.removeNode(node);
    }
    const { name } = value;
    // An output of the graph is known by its name.
    const isNamed = this.#isMain && isOutput(value) && value.producer !== null;
    if (isNamed) this.#edit.rename(value, freshName(this.#naming.names, `${name}_real`));
    const result = isNamed ? name : this.#naming.short('d');
    const real = this.#dequantize(stored, result, quantization, place);
    this.#edit.replaceUses(value, real, (use) => readers.has(use));
  }

  /** Integers of a value. */
  #store(value: Value, quantization: Quantization, place: Place): Value {
    const inputs = [value, ...this.#parametersOf(quantization)];
    const shape = value.type?.kind === 'tensor' ? value.type.shape : null;
    const type = tensorType(quantization.storage, shape);
    const output = { name: this.#naming.short('q'), type };
    const spec = { op: 'QuantizeLinear', inputs, attributes: attributesOf(quantization) };
    return this.#edit.addNode(place, spec, [output]).outputs[0]!;
  }

  #dequantize(stored: Value, name: string, quantization: Quantization, place: Place): Value {
    const inputs = [stored, ...this.#parametersOf(quantization)];
    const shape = stored.type?.kind === 'tensor' ? stored.type.shape : null;
    const output = { name, type: tensorType('float32', shape) };
    const spec = { op: 'DequantizeLinear', inputs, attributes: attributesOf(quantization) };
    const real = this.#edit.addNode(place, spec, [output]).outputs[0]!;
    this.#exported.set(real, { quantization, stored });
    return real;
  }

  /** Scale and zero point; the same ones are one constant. */
  #parametersOf({ storage, scale, zeroPoint, axis }: Quantization): [Value, Value] {
    const shape = axis === null ? [] : [scale.length];
    const zeros = typedArrayOf(storage, new Uint8Array((scale.length * dtypes[storage].bits) / 8));
    (zeros as Int32Array).set(zeroPoint ?? []);
    return [
      this.#parameter(
        's',
        `${shape} ${scale.join()}`,
        constantOf('float32', shape, bytesOf(scale)),
      ),
      this.#parameter('z', `${shape} ${zeros.join()}`, constantOf(storage, shape, bytesOf(zeros))),
    ];
  }

  #parameter(prefix: string, numbers: string, constant: Constant): Value {
    const key = `${constant.dtype} ${numbers}`;
    const known = this.#parameters.get(key);
    if (known !== undefined) return known;
    const made = this.#edit.addConstant(this.#graph, this.#naming.short(prefix), constant);
    this.#parameters.set(key, made);
    return made;
  }
}

function attributesOf({ axis }: Quantization): [string, Attribute][] {
  return axis === null || axis === 1 ? [] : [['axis', { type: 'int', value: axis }]];
}

function isQuantized({ quantization, constant }: Value): boolean {
  return quantization !== null && constant === null;
}

function isOutput({ uses }: Value): boolean {
  for (const { user } of uses) if (!(user instanceof Node)) return true;
  return false;
}

/** Whether a use is a QuantizeLinear that says the same. */
function isQuantizer({ user, index }: Use, quantization: Quantization): boolean {
  if (!(user instanceof Node) || index !== 0 || user.domain !== '') return false;
  return user.op === 'QuantizeLinear' && sameQuantization(saidQuantization(user), quantization);
}
