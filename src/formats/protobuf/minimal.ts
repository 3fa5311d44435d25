/** protobufjs' Reader and Writer. The build puts their code into this file (scripts/build.mjs): as a dependency the
 *  package would bring 4 MB of what is not used here. */
export { default } from 'protobufjs/minimal.js';
