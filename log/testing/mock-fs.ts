/** Another function in place of one of `node:fs`, for whoever imported it by name too, until the test ends. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import type { TestContext } from 'node:test';

type Functions = Record<string, (...args: never[]) => unknown>;

/** @returns puts the real one back */
export function mockFs(t: TestContext, name: string, run: (...args: never[]) => unknown, from: object = fs): () => void {
  const { mock } = t.mock.method(from as Functions, name, run);
  syncBuiltinESMExports();
  const restore = () => {
    mock.restore();
    syncBuiltinESMExports();
  };
  t.after(restore);
  return restore;
}
