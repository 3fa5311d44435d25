/** The last operator set of each IR version, by the table of releases in onnx/onnx docs/Versioning.md. */
const rows: readonly (readonly [opset: number, ir: number])[] = [
  [8, 3],
  [9, 4],
  [10, 5],
  [11, 6],
  [14, 7],
  [18, 8],
  [20, 9],
  [22, 10],
  [23, 11],
  [24, 12],
  [27, 13],
];

/** Smallest IR version that goes with an operator set: that of the release that brought the set. */
export function irVersionFor(opset: number): number {
  return rows.find(([last]) => opset <= last)?.[1] ?? 13;
}
