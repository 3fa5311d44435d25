export { prepareForIntegers } from './prepare.ts';
