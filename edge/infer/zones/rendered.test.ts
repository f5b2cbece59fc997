/** Boxes that move, rendered to a clip and read back by the camera at three rates: every event in its picture or the next. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { tempDir } from '../../../core/testing/temp-dir.ts';
import { BLOBS, eventsOfClip } from '../../../test-rigs/vision-clips/events.ts';
import { renderClip } from '../../../test-rigs/vision-clips/moving.ts';
import { CLIP, SCENE, EXPECTED_EVENTS } from '../../../test-rigs/vision-clips/scenario.ts';

const { dir: folder, remove } = await tempDir();
before(async () => {
  await renderClip(join(folder, 'moving.avi'), CLIP);
});
after(remove);

for (const fps of [2, 5, 12.5]) {
  test(`line, wrong way, intrusion and loitering at ${fps} pictures a second: exact counts, within a picture of their time`, async () => {
    const events = await eventsOfClip(join(folder, 'moving.avi'), fps, SCENE);
    for (const point of new Set(EXPECTED_EVENTS.map(([name]) => name))) {
      const wanted = EXPECTED_EVENTS.filter(([name]) => name === point);
      const found = events.filter((event) => event.point === point);
      assert.deepEqual(found.map(({ value }) => value), wanted.map(([, , value]) => value), `${point}: ${JSON.stringify(found)}`);
      found.forEach(({ picture, second }, index) => {
        // The first picture that can show it, or the one after.
        const due = Math.ceil((wanted[index]?.[1] as number) * fps - 1e-6);
        assert.ok(Math.abs(picture - due) <= 1, `${point} at ${second} s, picture ${picture}; ${due} is the first that can show it`);
      });
    }
  });
}

test('played again, the same clip says the same', async () => {
  const [once, again] = [
    await eventsOfClip(join(folder, 'moving.avi'), 5, SCENE),
    await eventsOfClip(join(folder, 'moving.avi'), 5, SCENE),
  ];
  assert.ok(once.length > 5);
  assert.deepEqual(again, once);
  // Its pictures come faster than it looks.
  const slow: typeof BLOBS = {
    ...BLOBS,
    async detect(picture) {
      for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => { setImmediate(resolve); });
      return BLOBS.detect(picture);
    },
  };
  assert.deepEqual(await eventsOfClip(join(folder, 'moving.avi'), 5, SCENE, slow), once);
});
