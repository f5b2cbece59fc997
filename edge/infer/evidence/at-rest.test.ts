/** Pictures, clips and copies of clips of an edge that encrypts: nothing of them is plain on its disk. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Picture } from '../../../core/driver.ts';
import type { Clip, Draft } from '../../../core/event.ts';
import type { Fault } from '../../../core/faults.ts';
import type { TelemetryEvent } from '../../../core/telemetry.ts';
import { tempDir } from '../../../core/testing/temp-dir.ts';
import { realWorld } from '../../../core/world.ts';
import camera from '../../../drivers/camera/driver.ts';
import { AtRestKeys } from '../../../log/at-rest/keys.ts';
import { EvidenceFolder } from '../../../log/evidence/evidence-folder.ts';
import type { OpenDevice } from '../../read/host-device.ts';
import { CameraRings } from './clips/camera-rings.ts';
import { EdgeEvidence, type EdgeEvidenceParts } from './edge-evidence.ts';
import { EVIDENCE_SCHEMA, evidenceSetup, type EvidenceSetup } from './setup.ts';

const KEY = Buffer.alloc(32, 5).toString('base64');
const AT_REST = { key: KEY, algorithm: 'aes-256-gcm', oldKeys: [] } as const;
const MARKER = 'cam-of-the-canary';
/** An MP4, a Matroska file, a JPEG, and what a clip says of its camera. */
const PLAIN = [Buffer.from('ftypisom'), Buffer.from('1a45dfa3', 'hex'), Buffer.from('ffd8ffe0', 'hex'), Buffer.from(MARKER)];
const nothing = { detect: () => Promise.resolve({ boxes: [], durationMs: 1 }), close: () => Promise.resolve() };

async function rig(t: TestContext) {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const told: TelemetryEvent[] = [];
  const drafts: Draft[] = [];
  const world = realWorld((event) => { told.push(event); });
  const written = EVIDENCE_SCHEMA.parse({ clip: { before: '2s', after: '2s', upload: 'blurred', ring: { dir: join(dir, 'ram') } } });
  const setup = evidenceSetup(written, join(dir, 'disk'), (path) => path) as EvidenceSetup;
  const rings = new CameraRings(setup.clip, 'e1', world);
  const detectors = { openModel: () => Promise.resolve(nothing), byDevice: new Map([[MARKER, { detector: nothing }]]) };
  mkdirSync(join(dir, 'ram', 'cityvitals-clips-e1'), { recursive: true });
  writeFileSync(join(dir, 'ram', 'cityvitals-clips-e1', 'coming-1'), 'left by an edge that was killed');
  const evidence = new EdgeEvidence({ edge: 'e1', centre: '500112001', evidence: setup, atRest: AT_REST }, {
    detectors: detectors as unknown as EdgeEvidenceParts['detectors'],
    rings, onWaiting: () => {}, record: (draft) => { drafts.push(draft); },
  }, world);
  await evidence.prepare([{ settings: { model: 'people' } }]);
  const faults = (): Fault[] => told.flatMap((event) => (event.kind === 'fault' ? [event.fault] : []));
  return { dir, world, rings, evidence, setup, faults, clips: () => drafts.flatMap((draft) => draft.evidence as Clip[]) };
}

/** Plays a clip of 8 s as fast as it can, with an event in it. */
async function play({ dir, world, rings, evidence }: Awaited<ReturnType<typeof rig>>): Promise<void> {
  const url = join(dir, 'source.mkv');
  execFileSync('ffmpeg', [
    '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=10:duration=8',
    '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10', '-pix_fmt', 'yuv420p', url,
  ]);
  const size = { width: 640, height: 480 };
  const settings = camera.settings.parse({ url: `file:${url}`, fps: 5, diagnosis: 'off', ...size, speed: 'max', motion: 'off' });
  const own = { id: MARKER, driver: 'camera', subject: MARKER, settings, everyMs: 1000, timeoutMs: 5000, points: [] };
  const device = { setup: own, driver: camera };
  const { driver, setup } = rings.wrapDevice(device as unknown as OpenDevice);
  const link = await driver.open(setup.settings, [], world);
  try {
    for await (const frame of link.frames?.(new AbortController().signal) ?? []) {
      const { ptsMs } = frame as Picture;
      if (ptsMs === 4000) evidence.eventClips?.request({ device: MARKER, ptsMs, at: world.clock.nowMs(), points: ['yard.intrusion'] });
    }
  } catch (error) {
    assert.match((error as Error).name, /CV_VIDEO|CV_LINK|CV_CAMERA/);
  } finally {
    await link.close();
  }
  await evidence.eventClips?.settled();
}

async function filesIn(dir: string): Promise<string[]> {
  const names = await readdir(dir, { recursive: true, withFileTypes: true });
  return names.filter((name) => name.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

test('a picture, a clip and its copy are encrypted; what they are made of lies in the folder of the ring alone', async (t) => {
  const parts = await rig(t);
  const { dir, evidence, setup, clips, faults } = parts;
  const work = join(dir, 'ram', 'cityvitals-clips-e1');
  assert.deepEqual([await readdir(work), (await stat(work)).mode & 0o777], [[], 0o700]);
  const picture = Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), Buffer.from(MARKER)]);
  const sha256 = createHash('sha256').update(picture).digest('hex');
  await evidence.folder?.put({ sha256, mime: 'image/jpeg', atMs: 1 + Date.now() }, picture, 'waiting');
  await play(parts);
  const [clip, copy] = clips();
  assert.deepEqual([faults(), clip?.blurred, copy?.blurred, copy?.mime], [[], false, true, 'video/mp4']);
  assert.deepEqual(await readdir(work), []);

  const files = await filesIn(join(dir, 'disk'));
  assert.equal(files.length, 3);
  for (const path of files) {
    const content = await readFile(path);
    assert.deepEqual(PLAIN.filter((one) => content.includes(one)), [], path);
  }
  const content = await evidence.folder?.get(copy?.sha256 ?? '');
  assert.equal(createHash('sha256').update(content?.content ?? '').digest('hex'), copy?.sha256);
  assert.equal(content?.content.length, copy?.bytes);
  await parts.rings.close();
  await evidence.close();
  assert.deepEqual(await readdir(join(dir, 'ram')), []);

  const { dir: clipDir, maxBytes, keepMs } = setup.clip as NonNullable<typeof setup.clip>;
  const folder = await EvidenceFolder.open({ dir: clipDir, maxBytes, keepMs, keys: new AtRestKeys(AT_REST) }, parts.world.clock);
  const whole = await folder.get(clip?.sha256 ?? '');
  assert.ok(whole && PLAIN.slice(0, 1).every((one) => Buffer.from(whole.content).includes(one)) && whole.content.length === clip?.bytes);
  await folder.close();
});

test('no copy is made of a clip that was damaged on the disk, and why is told', async (t) => {
  const parts = await rig(t);
  const { dir, evidence, clips, faults } = parts;
  const kept = join(dir, 'disk', 'evidence', 'clips', 'kept');
  // As soon as it is there, before it is copied.
  const { addFile } = EvidenceFolder.prototype;
  t.mock.method(EvidenceFolder.prototype, 'addFile', async function (this: EvidenceFolder, ...args: Parameters<typeof addFile>) {
    const file = await addFile.apply(this, args);
    const path = this.pathOf(file.sha256) as string;
    const content = await readFile(path);
    content[content.length - 1] = (content.at(-1) as number) ^ 1;
    await writeFile(path, content);
    return file;
  });
  await play(parts);
  assert.deepEqual(clips().map(({ blurred }) => blurred), [false]);
  assert.deepEqual(faults().map(({ code, params }) => [code, params.cause]), [['CV_CLIP_UNBLURRED', 'CV_AT_REST_DAMAGED']]);
  assert.equal((await readdir(kept)).length, 1, 'it stays for whoever looks into it');
  await parts.rings.close();
  await evidence.close();
});
