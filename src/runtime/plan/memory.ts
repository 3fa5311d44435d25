import { constantOfValue } from '../../ir/constant.ts';
import type { Value } from '../../ir/graph.ts';
import { placeStretches, type Stretch } from './offsets.ts';
import type { Segment } from './segment.ts';

/** Where the values of a segment lie in its block. */
export interface MemoryPlan {
  readonly offsets: ReadonlyMap<Value, number>;
  /** Of each work's scratch. */
  readonly scratch: readonly number[];
  readonly bytes: number;
}

/** Memory that one or several values share, one after the other. */
interface Room {
  bytes: number;
  first: number;
  last: number;
}

/** Lifetimes of a segment's values, and a place for each: aliases share theirs, and an output takes over the place
 *  of an input where its lowering allows that and nothing reads the input afterwards. */
export function planMemory(segment: Segment): MemoryPlan {
  const { works } = segment;
  const end = works.length;
  const lastUse = new Map<Value, number>();
  const isRead = (value: Value | null | undefined): value is Value =>
    value != null && constantOfValue(value) === null && !segment.known.has(value);
  for (const [index, { node, lowered }] of works.entries()) {
    const reads = lowered.reads ?? node.inputs.map((_, i) => i);
    for (const input of reads) {
      const value = node.inputs[input];
      if (isRead(value)) lastUse.set(value, index);
    }
  }
  for (const { value } of segment.outputs) lastUse.set(value, end);

  const rooms = new Map<Value, Room>();
  const make = (value: Value, bytes: number, first: number): Room => {
    const room = { bytes, first, last: Math.max(first, lastUse.get(value) ?? first) };
    rooms.set(value, room);
    return room;
  };
  for (const { value, operand } of segment.inputs) make(value, operand.bytes, -1);
  for (const [index, { node, lowered, outputs }] of works.entries()) {
    node.outputs.forEach((value, output) => {
      const operand = outputs[output];
      if (operand == null) return;
      const from = output === 0 ? heir(index) : undefined;
      if (from === undefined) {
        make(value, operand.bytes, index);
      } else {
        from.last = Math.max(from.last, lastUse.get(value) ?? index);
        rooms.set(value, from);
      }
    });
    function heir(at: number): Room | undefined {
      if (lowered.alias !== undefined) {
        const value = node.inputs[lowered.alias];
        return value == null ? undefined : rooms.get(value);
      }
      for (const input of lowered.inPlace ?? []) {
        const value = node.inputs[input];
        const room = isRead(value) ? rooms.get(value) : undefined;
        if (room === undefined || room.last > at || room.bytes !== outputs[0]!.bytes) continue;
        // Another input on the same memory would be overwritten while it is read.
        const others = node.inputs.filter((other, i) => i !== input && isRead(other));
        if (others.every((other) => rooms.get(other!) !== room)) return room;
      }
      return undefined;
    }
  }

  const distinct = [...new Set(rooms.values())];
  const scratches: Stretch[] = works.map(({ lowered }, index) => ({
    bytes: lowered.scratchBytes ?? 0,
    first: index,
    last: index,
  }));
  const { offsets, bytes } = placeStretches([...distinct, ...scratches]);
  const roomOffsets = new Map(distinct.map((room, index) => [room, offsets[index]!]));
  return {
    offsets: new Map([...rooms].map(([value, room]) => [value, roomOffsets.get(room)!])),
    scratch: offsets.slice(distinct.length),
    bytes,
  };
}
