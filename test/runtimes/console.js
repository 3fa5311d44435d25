// Entry for Node, Deno and Bun.
import { digest } from './digest.js';

console.log(JSON.stringify(await digest()));
