import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { AtRestKeys } from '../log/at-rest/keys.ts';
import type { AtRestSetup } from '../log/at-rest/setting.ts';
import { EvidenceFolder } from '../log/evidence/evidence-folder.ts';
import { verifyJournal } from '../log/journal.ts';
import { tempDir } from '../core/testing/temp-dir.ts';
import { realClock } from '../core/world.ts';

function cityvitals(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), 'evidence', ...args, '--lang', 'en'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { out: '', err: '' };
    child.stdout.on('data', (text) => { said.out += text; });
    child.stderr.on('data', (text) => { said.err += text; });
    child.on('close', (code) => resolve({ code, ...said }));
  });
}

const KEYS = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64')) as [string, string];
/** What is said where they lie, and whether they can be read by it. */
const AT_REST: Record<string, { writes: AtRestSetup | null; config: string; isReadable: boolean }> = {
  'as they are': { writes: null, config: '', isReadable: true },
  encrypted: {
    writes: { algorithm: 'aes-256-gcm', key: KEYS[0], oldKeys: [] }, config: 'atRest: { key: "${file:./key}" }\n', isReadable: true,
  },
  'encrypted with a key of before': {
    writes: { algorithm: 'sm4-ctr-hmac-sm3', key: KEYS[0], oldKeys: [] },
    config: 'atRest: { oldKeys: ["${file:./key}"] }\n', isReadable: true,
  },
  'encrypted with a key that is not there': {
    writes: { algorithm: 'aes-256-gcm', key: KEYS[1], oldKeys: [] }, config: 'atRest: { key: "${file:./key}" }\n', isReadable: false,
  },
};

for (const [how, { writes, config: written, isReadable }] of Object.entries(AT_REST))
  test(`clips that lie there ${how} are listed, taken out by who says why, and recorded`, async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const config = join(dir, 'edge.yaml');
  await writeFile(config, `
edge: e1
centre: "500112001"
gateway: { url: mqtt://127.0.0.1:1883 }
log: { dir: ./log }
evidence: { clip: { ring: { dir: ./ram } } }
${written}devices:
  - { id: gate-cam, driver: camera, settings: { url: "file:./clip.avi" } }
`,
  );
  await writeFile(join(dir, 'key'), `${KEYS[0]}\n`, { mode: 0o600 });
  const keys = new AtRestKeys(writes);
  const folder = await EvidenceFolder.open(
    { dir: join(dir, 'log', 'evidence', 'clips'), maxBytes: 1e9, keepMs: Infinity, isPrivate: true, keys },
    realClock,
  );
  const made = join(dir, 'made.mp4');
  const comment = JSON.stringify({
    centre: '500112001',
    edge: 'e1',
    camera: 'gate-cam',
    of: [
      { point: 'yard.intrusion', at: 1 },
      { point: 'yard.intrusion', at: 2 },
    ],
  });
  execFileSync('ffmpeg', [
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    'color=black:size=32x32:rate=5:duration=2',
    '-metadata',
    `comment=${comment}`,
    '-c:v',
    'libx264',
    // As clips are made.
    '-movflags',
    '+faststart',
    '-y',
    made,
  ]);
  const { sha256, bytes } = await folder.addFile(made, { mime: 'video/mp4', atMs: Date.UTC(2026, 10, 28, 14, 30) }, 'kept');
  await folder.close();

  const listed = await cityvitals('list', '--config', config, '--json');
  const { camera, points, seconds, ...line } = JSON.parse(listed.out) as Record<string, unknown>;
  assert.deepEqual([line.sha256, line.bytes, line.key], [sha256, bytes, keys.current?.id ?? null]);
  assert.deepEqual([camera, points, seconds], isReadable ? ['gate-cam', 'yard.intrusion', 2] : ['?', '', null]);
  const out = join(dir, 'out.mp4');
  if (!isReadable) {
    const refused = await cityvitals('export', sha256.slice(0, 12), '--config', config, '--out', out, '--reason', 'case 118');
    assert.match(refused.err, new RegExp(`^CV_AT_REST_KEY: .*${keys.current?.id}`));
    await assert.rejects(stat(out));
    return;
  }
  const taken = await cityvitals('export', sha256.slice(0, 12), '--config', config, '--out', out, '--reason', 'case 118');
  assert.deepEqual([taken.code, taken.out], [0, `${sha256} → ${out}\n`]);
  assert.equal(createHash('sha256').update(await readFile(out)).digest('hex'), sha256);
  assert.equal((await stat(out)).mode & 0o777, 0o600);
  const again = await cityvitals('export', sha256.slice(0, 12), '--config', config, '--out', out, '--reason', 'case 118');
  assert.equal(again.code, 2);
  const gone = await cityvitals('export', 'feedbeef', '--config', config, '--out', join(dir, 'x'), '--reason', 'x');
  assert.deepEqual([gone.code, gone.err.includes('CV_CLIP_GONE')], [3, true]);
  await assert.rejects(stat(join(dir, 'x')));
  const { lines, faults } = await verifyJournal(join(dir, 'log', 'evidence', 'clips', 'exports'));
  assert.deepEqual([lines.map(({ kind, reason, sha256: of }) => [kind, reason, of]), faults], [[['export', 'case 118', sha256]], []]);
});
