/** Which test files open a socket, a child or a disk, told by what they import. */
import type { SourceFile } from '../../tools/imports.ts';

const MODULES =
  /\bfrom\s+'(?:node:(?:net|http|https|http2|dgram|tls|child_process|cluster|fs|fs\/promises|worker_threads|sqlite)|mqtt|aedes|ws|fastify|modbus-serial|playwright-core|onnxruntime-node|node-opcua[\w-]*|node-rtsp-stream|sharp|vite)'/;
/** It passes the real world on, and its types and its chance as well: whoever wants more of it says so by name. */
const WORLD = 'core/world.ts';
const REAL = /\breal(?:World|Net|Files|Clock)\b/;
/** Of a module that is named only when it runs, nothing is known. */
const UNKNOWN = /\bimport\(\s*[^'"\s)]/;
const HELPER = /\/testing\/|^test-rigs\/|^tools\/|\.test\.ts$/;

/**
 * Of a test file: it, the helpers that it reaches over helpers, and what these import directly. Further down nearly
 * everything stands on a disk, which says nothing about a test.
 */
export function touchingFiles(sources: readonly SourceFile[]): string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const touches = (path: string): boolean => {
    const helpers = new Set([path]);
    // A set grows while it is gone through.
    for (const helper of helpers) {
      const source = byPath.get(helper);
      if (!source) continue;
      if (MODULES.test(source.text) || REAL.test(source.text) || UNKNOWN.test(source.text)) return true;
      for (const imported of source.imports) {
        if (HELPER.test(imported)) helpers.add(imported);
        else if (imported !== WORLD && MODULES.test(byPath.get(imported)?.text ?? '')) return true;
      }
    }
    return false;
  };
  return sources.map(({ path }) => path).filter((path) => path.endsWith('.test.ts') && touches(path));
}
