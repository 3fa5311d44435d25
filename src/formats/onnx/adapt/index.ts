export type { AdaptContext, Adapter, Form } from '../../../ops/form.ts';
export { adapters, adaptUp, breaks } from './adapt.ts';
export { adaptDown } from './down.ts';
export { isSameSchema } from './history.ts';
