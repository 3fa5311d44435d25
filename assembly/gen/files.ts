import { int8Dot, int8Wide } from './int8.ts';
import { products16 } from './products16.ts';
import { tiles } from './tiles.ts';

/** Every generated file under assembly/generated/, and what writes it. */
export const generators: Readonly<Record<string, () => string>> = {
  'int8-dot.ts': int8Dot,
  'int8-i16.ts': int8Wide,
  'products16.ts': products16,
  'tiles.ts': tiles,
};
