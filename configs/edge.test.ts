/** Every example set-up of an edge is whole: it loads with the real drivers and gives a frozen setup. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DRIVERS } from '../drivers/index.ts';
import { checkEdge } from '../edge/config/check.ts';

const files = globSync('*/edge*.yaml', { cwd: import.meta.dirname });
assert.ok(files.length >= 4);

for (const file of files) {
  test(`configs/${file} is right`, async () => {
    const path = join(import.meta.dirname, file);
    const { setup, problems } = await checkEdge(
      { path, text: readFileSync(path, 'utf8') },
      { env: { CITYVITALS_TOKEN: 'token-of-this-edge' }, drivers: DRIVERS },
    );
    assert.deepEqual(problems, []);
    assert.ok(setup && Object.isFrozen(setup) && Object.isFrozen(setup.devices[0]?.points));
    assert.equal(setup.gateway.token, 'token-of-this-edge');
    assert.ok(setup.devices.every((device) => device.points.length > 0));
    assert.ok(setup.log.dir.startsWith(import.meta.dirname), 'relative to its file');
  });
}
