/**
 * `npm run rig -- picture [--out FOLDER]`: the pictures of the READMEs. Runs the demo with its camera, waits until the
 * storm has raised its warning, and takes the console in both languages, light, 1440 pixels wide, the camera's pictures
 * blurred: the clip is not ours to pass on, and shows people. Needs Chromium (`npm test` installs it) and what the demo
 * fetches: ffmpeg and a clip of Debian's opencv-doc.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium, type Browser } from 'playwright-core';
import sharp from 'sharp';
import { presentClip } from '../demo/footage.ts';
import { startDemo } from '../demo/run.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const CHROMIUM = process.env.CITYVITALS_CHROMIUM ?? '/usr/bin/chromium';
const PICTURES = [{ locale: 'en-GB', name: 'console.png' }, { locale: 'zh-CN', name: 'console.zh-CN.png' }];
const WIDTH = 1440;
/** From the start of the page to the storm's second level. */
const WARNING_WITHIN_MS = 150_000;
/** The clip begins so far in, so that somebody walks over its lawn while the storm is at its height. */
const CLIP_FROM_SECONDS = 18;
const SECOND_WITHIN_MS = 30_000;
/** Counts and delays follow within a second or two. */
const SETTLED_AFTER_MS = 2500;
/** What there is to wait for: the orange warning, a camera's picture with somebody in it, and a count of what was lost. */
const READY = ['[data-part=warning].level-2', '[data-part=camera] .picture-frame img', '[data-part=camera] rect', '[data-part=reconciled]'];
/** Of the second warning, once it has come. */
const SECOND = '[data-part=warning-picture][data-state=there]';
/** So much that nobody, and no place, is made out; boxes and zones are drawn over it. */
const BLURRED = '[data-part=camera] img, [data-part=warning-picture] img';

export async function run(argv: string[]): Promise<number> {
  const { values } = parseArgs({ args: argv, options: { out: { type: 'string', default: join(ROOT, 'docs/pictures') } } });
  if (!existsSync(CHROMIUM)) {
    process.stderr.write(`no Chromium at ${CHROMIUM} (apt-get install chromium, or set CITYVITALS_CHROMIUM)\n`);
    return 3;
  }
  // Console and models as they are now, and the clip: the demo itself would fetch that while it runs.
  for (const goal of ['start', 'camera']) spawnSync(process.execPath, [join(ROOT, 'setup.mjs'), goal], { stdio: 'inherit' });
  const dir = mkdtempSync(join(tmpdir(), 'cityvitals-picture-'));
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  let url = '';
  let done: Promise<unknown> = Promise.resolve();
  try {
    await new Promise<void>((running, fail) => {
      const demo = startDemo({
        dir: join(dir, 'demo'), seed: 1, httpPort: 0, clip: laterClip(dir), camera: true, tls: false, forSeconds: null, signal: stop.signal,
        say: ({ en }) => process.stdout.write(`${en}\n`),
        onUrl: (given) => { url = given; },
        onRunning: running,
      });
      done = demo.done.catch(fail);
    });
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] });
    await takeAll(browser, url, resolve(values.out)).finally(() => browser.close());
    return 0;
  } finally {
    stop.abort();
    await done;
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Under its own name, by which the demo knows where its zones are; null where there is none, and the camera is left out. */
function laterClip(dir: string): string | null {
  const clip = presentClip();
  if (clip === null) return null;
  const later = join(dir, basename(clip));
  const { status } = spawnSync(
    'ffmpeg',
    ['-v', 'error', '-ss', String(CLIP_FROM_SECONDS), '-i', clip, '-c:v', 'mpeg4', '-q:v', '2', later],
    { stdio: 'inherit' },
  );
  return status === 0 ? later : clip;
}

async function takeAll(browser: Browser, url: string, folder: string): Promise<void> {
  const pages = await Promise.all(
    PICTURES.map(async ({ locale, name }) => {
      const context = await browser.newContext({
        viewport: { width: WIDTH, height: 900 },
        locale,
        colorScheme: 'light',
        reducedMotion: 'reduce',
      });
      const page = await context.newPage();
      await page.goto(url);
      return { page, name };
    }),
  );
  const [first] = pages;
  for (const part of READY) await first?.page.locator(part).first().waitFor({ timeout: WARNING_WITHIN_MS });
  await Promise.all(pages.map(({ page }) => page.locator(SECOND).first().waitFor({ timeout: SECOND_WITHIN_MS }).catch(() => undefined)));
  await first?.page.waitForTimeout(SETTLED_AFTER_MS);
  for (const { page, name } of pages) {
    // Each by itself: the page's policy takes no style sheet that is not its own.
    const isBlurred = await page.locator(BLURRED).evaluateAll((images) => images.every((image) => {
      (image as HTMLElement).style.filter = 'blur(14px)';
      return getComputedStyle(image).filter === 'blur(14px)';
    }));
    if (!isBlurred) throw new Error('a picture of the camera is not blurred');
    const shot = await page.screenshot({ fullPage: true });
    await sharp(shot).png({ compressionLevel: 9, palette: true, quality: 90, effort: 10 }).toFile(join(folder, name));
    process.stdout.write(`${join(folder, name)}\n`);
  }
}
