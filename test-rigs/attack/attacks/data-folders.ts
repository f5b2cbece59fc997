import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack } from '../rig.ts';

export default {
  name: 'data that every user of the machine may read', clause: '1.11',
  run(rig) {
    const open = ['log', 'store', 'edge-log'].flatMap((name) => {
      const dir = join(rig.dir, name);
      if ((statSync(dir).mode & 0o077) === 0) return [];
      return readdirSync(dir, { withFileTypes: true }).filter((entry) => (statSync(join(dir, entry.name)).mode & 0o077) !== 0).map((entry) => `${name}/${entry.name}`);
    });
    return Promise.resolve({ held: open.length === 0, detail: open.length === 0 ? 'none' : `${open.length}, such as ${open[0]}` });
  },
} satisfies Attack;
