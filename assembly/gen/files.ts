import { tiles } from './tiles.ts';

/** Every generated file under assembly/generated/, and what writes it. */
export const generators: Readonly<Record<string, () => string>> = { 'tiles.ts': tiles };
