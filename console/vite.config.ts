/** Builds the console into the gateway's folder, with packed copies beside each file (the gateway serves those). */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

function packedCopies(): Plugin {
  let outDir = '';
  return {
    name: 'packed-copies',
    apply: 'build',
    configResolved: (config) => { outDir = resolve(config.root, config.build.outDir); },
    closeBundle() {
      for (const file of readdirSync(outDir, { recursive: true, encoding: 'utf8' })) {
        if (!/\.(?:js|css|html|svg)$/.test(file)) continue;
        const bytes = readFileSync(join(outDir, file));
        writeFileSync(join(outDir, `${file}.gz`), gzipSync(bytes, { level: 9 }));
        writeFileSync(join(outDir, `${file}.br`), brotliCompressSync(bytes));
      }
    },
  };
}

/**
 * JSMpeg writes a style sheet for controls that are not used here, which the page's policy forbids, and brings a decoder
 * in WebAssembly, which it forbids too. Both are left out; a version in which they stand otherwise does not build.
 */
function plainJsmpeg(): Plugin {
  return {
    name: 'plain-jsmpeg',
    transform(code, id) {
      if (!id.includes('/@cycjimmy/jsmpeg-player/')) return null;
      const plain = code.replace(/^styleInject\(css_\w+\);$/m, '').replace(/^var WASM_BINARY = '[^']+';$/m, "var WASM_BINARY = '';");
      if (/^styleInject\(/m.test(plain) || plain.length > code.length - 10_000)
        throw new Error('JSMpeg is not as it was: see console/vite.config.ts');
      return { code: plain, map: null };
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // Nothing is inlined as data: and no polyfill is loaded: the page's policy allows its own files alone.
  build: {
    outDir: join(import.meta.dirname, '..', 'gateway', 'console-dist'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': { target: process.env.CITYVITALS_GATEWAY ?? 'http://127.0.0.1:8080', ws: true } } },
  plugins: [plainJsmpeg(), packedCopies()],
});
