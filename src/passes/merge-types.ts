import { differentDims } from '../core/dim.ts';
import type { Dim, Shape } from '../core/shape.ts';
import { formatType, type ValueType } from '../ir/types.ts';

/** What was inferred, completed by what the file declares. Where they contradict, what was inferred holds:
 *  a file's declarations are often stale, and may be hostile.
 *  @param report  told about a contradiction */
export function mergeTypes(
  inferred: ValueType | null,
  declared: ValueType | null,
  report: (message: string) => void,
): ValueType | null {
  if (inferred === null || declared === null) return inferred ?? declared;
  const contradicts = (): ValueType => {
    report(`declared as ${formatType(declared)}, inferred as ${formatType(inferred)}`);
    return inferred;
  };
  if (inferred.kind !== declared.kind) return contradicts();
  switch (inferred.kind) {
    case 'tensor':
    case 'sparse': {
      if (declared.kind !== 'tensor' && declared.kind !== 'sparse') return contradicts();
      const dtype = inferred.dtype ?? declared.dtype;
      const shape = mergeShapes(inferred.shape, declared.shape);
      if (shape === undefined || (declared.dtype !== null && dtype !== declared.dtype))
        contradicts();
      return { kind: inferred.kind, dtype, shape: shape === undefined ? inferred.shape : shape };
    }
    case 'sequence':
    case 'optional': {
      if (declared.kind !== 'sequence' && declared.kind !== 'optional') return contradicts();
      const element = mergeTypes(inferred.element, declared.element, report);
      return { kind: inferred.kind, element };
    }
    default:
      return inferred;
  }
}

/** Undefined where ranks or sizes contradict. */
function mergeShapes(inferred: Shape, declared: Shape): Shape | undefined {
  if (inferred === null || declared === null) return inferred ?? declared;
  if (inferred.length !== declared.length) return undefined;
  const dims: Dim[] = [];
  for (const [axis, dim] of inferred.entries()) {
    const other = declared[axis]!;
    if (typeof dim === 'number' && typeof other === 'number' && differentDims(dim, other))
      return undefined;
    dims.push(dim ?? other);
  }
  return dims;
}
