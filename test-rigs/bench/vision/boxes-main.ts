/** `node boxes-main.ts CLIP FPS PICTURES`: what our detector sees in a clip's first pictures, as JSON. */
import type { Box } from '../../../core/event.ts';
import { realWorld } from '../../../core/world.ts';
import { open } from '../../../drivers/camera/link.ts';
import { settings } from '../../../drivers/camera/settings.ts';
import centernet320 from '../../../models/centernet-320/model.ts';
import { openDetector } from '../../../models/load.ts';

const [clip, fps, pictures] = process.argv.slice(2) as [string, string, string];
const LEAST_SCORE = 0.25;
const world = realWorld(() => {});
const link = await open(settings.parse({ url: `file:${clip}`, fps: Number(fps), speed: 'max', motion: 'off', loop: true }), [], world);
const detector = await openDetector(centernet320, { scoreThreshold: LEAST_SCORE }, world);
const seen: Box[][] = [];
for await (const picture of link.frames(new AbortController().signal)) {
  seen.push((await detector.detect(picture)).boxes);
  if (seen.length === Number(pictures)) break;
}
await detector.close();
await link.close();
process.stdout.write(JSON.stringify(seen));
