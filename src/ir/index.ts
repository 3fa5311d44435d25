export { Builder } from './build.ts';
export * from './constant.ts';
export { describe, Edit, type EditInfo, type EditRecord, type Place } from './edit.ts';
export { Graph, Node, type NodeSpec, type Origin, type Use, Value } from './graph.ts';
export { Model } from './model.ts';
export { print } from './print.ts';
export * from './types.ts';
export { verify } from './verify.ts';
export { allGraphs, allNodes, freshName, isVisible, namesAround } from './walk.ts';
