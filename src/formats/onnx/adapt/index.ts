export { adapters, adaptUp, breaks } from './adapt.ts';
export type { AdaptContext, Adapter, Form } from './form.ts';
