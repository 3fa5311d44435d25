// Serves a project to a browser and waits for the result that its page posts.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { moduleGraph, toEsm } from './graph.mjs';

const types = { '.js': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html' };

/** @param project    folder to serve
 *  @param strictCsp  forbid everything but own scripts and the compiling of wasm
 *  @returns          `{ url, result: Promise, close() }` */
export async function serve(project, strictCsp) {
  const graph = await moduleGraph(project, 'page.js', ['browser', 'import']);
  const nonce = randomBytes(16).toString('base64');
  const converted = new Map();
  const imports = {};
  for (const { esm, imports: list } of graph.values()) {
    if (!esm) continue;
    for (const { specifier, path: target } of list) {
      if (specifier.startsWith('.')) continue;
      imports[specifier] = `/${target}`;
      if (!graph.get(target).esm) converted.set(`/${target}`, await toEsm(project, target));
    }
  }

  let settle;
  const result = new Promise((resolve) => {
    settle = resolve;
  });
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://x').pathname));
    if (request.method === 'POST') {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        response.end();
        settle(body);
      });
      return;
    }
    if (path === '/') {
      if (strictCsp)
        response.setHeader(
          'Content-Security-Policy',
          `default-src 'self'; script-src 'self' 'wasm-unsafe-eval' 'nonce-${nonce}'`,
        );
      response.setHeader('Content-Type', types['.html']);
      response.end(page(nonce, imports));
      return;
    }
    try {
      const body = converted.get(path) ?? readFileSync(join(project, path));
      response.setHeader('Content-Type', types[extname(path)] ?? 'application/octet-stream');
      response.end(body);
    } catch {
      response.statusCode = 404;
      response.end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    result,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function page(nonce, imports) {
  return `<!doctype html><title>modelpress</title>
<script nonce="${nonce}">
const post = (error) => fetch('/result', { method: 'POST', body: JSON.stringify({ error }) });
addEventListener('error', (event) => post(event.message ?? 'not loaded: ' + event.target?.src), true);
addEventListener('unhandledrejection', (event) => post(String(event.reason)));
addEventListener('securitypolicyviolation', (event) => {
  post('blocked: ' + event.violatedDirective + ' ' + event.blockedURI + ' in ' + event.sourceFile);
});
</script>
<script type="importmap" nonce="${nonce}">${JSON.stringify({ imports })}</script>
<script type="module" src="/page.js"></script>`;
}
