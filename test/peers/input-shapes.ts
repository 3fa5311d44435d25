/** A copy of a TFLite file whose inputs have these sizes: runtimes in WebAssembly offer no other way to set them.
 *  @param bytes  a whole file
 *  @param dims   of each input of the first subgraph, of the rank that it has
 *  @returns      the file itself where nothing differs */
export function withInputShapes(
  bytes: Uint8Array,
  dims: readonly (readonly number[])[],
): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  const at = (position: number): number => position + view.getUint32(position, true);
  /** Where a table's field is, or 0; the slot is its place in the schema. */
  const field = (table: number, slot: number): number => {
    const vtable = table - view.getInt32(table, true);
    if (4 + 2 * slot >= view.getUint16(vtable, true)) return 0;
    const offset = view.getUint16(vtable + 4 + 2 * slot, true);
    return offset === 0 ? 0 : table + offset;
  };
  const vector = (table: number, slot: number): { start: number; length: number } => {
    const place = field(table, slot);
    if (place === 0) return { start: 0, length: 0 };
    return { start: at(place) + 4, length: view.getUint32(at(place), true) };
  };
  // Model.subgraphs, SubGraph.tensors and .inputs, Tensor.shape and .shape_signature.
  const subgraph = at(vector(at(0), 2).start);
  const tensors = vector(subgraph, 0);
  const inputs = vector(subgraph, 1);
  let changed = false;
  for (const [i, sizes] of dims.entries()) {
    if (i >= inputs.length) break;
    const tensor = at(tensors.start + 4 * view.getInt32(inputs.start + 4 * i, true));
    for (const slot of [0, 7]) {
      const shape = vector(tensor, slot);
      if (slot === 7 && shape.length === 0) continue;
      if (shape.length !== sizes.length) {
        throw new Error(`input ${i} has ${shape.length} axes, not [${sizes.join(', ')}]`);
      }
      for (const [axis, size] of sizes.entries()) {
        const place = shape.start + 4 * axis;
        if (view.getInt32(place, true) === size) continue;
        view.setInt32(place, size, true);
        changed = true;
      }
    }
  }
  return changed ? copy : bytes;
}
