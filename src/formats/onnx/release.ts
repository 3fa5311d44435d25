/** Smallest IR version that goes with an operator-set version: that of the release that brought the set.
 *  Source: onnx/onnx docs/Versioning.md, the table of releases. */
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

export function irVersionFor(opset: number): number {
  return rows.find(([last]) => opset <= last)?.[1] ?? 13;
}
