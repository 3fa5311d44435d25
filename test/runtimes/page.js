// Entry for browsers: the server that gave the page takes the result. What goes wrong before this
// module runs is posted by the page itself.
import { digest } from './digest.js';

let result;
try {
  result = await digest();
} catch (error) {
  result = { error: `${error}\n${error?.stack}` };
}
// A violation of the policy is posted by the page from an event that comes after the code that caused it.
await new Promise((resolve) => setTimeout(resolve, 10));
await fetch('/result', { method: 'POST', body: JSON.stringify(result) });
