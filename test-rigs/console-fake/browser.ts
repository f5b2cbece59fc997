/** The built console in a real browser, served by the real API over a made-up town, for tests. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import { chromium, type Browser, type Page } from 'playwright-core';
import { build } from 'vite';
import { realWorld, type World } from '../../core/world.ts';
import { serveApi, type ApiServer } from '../../gateway/http/server.ts';
import { fakeTown, waterAt, type FakeTown } from './town.ts';

const CHROMIUM = process.env.CITYVITALS_CHROMIUM ?? '/usr/bin/chromium';
export const skip = existsSync(CHROMIUM) ? false : `no Chromium at ${CHROMIUM} (apt-get install chromium, or set CITYVITALS_CHROMIUM)`;

/** Of the file's tests, once it has started. */
export let browser: Browser;
let consoleDir: string;

/** Builds the console and starts the browser before the tests of a file, and ends both after them. */
export function useConsole(): void {
  before(async () => {
    if (skip) return;
    // Built anew, beside the one that may be served at this moment.
    consoleDir = await mkdtemp(join(tmpdir(), 'cityvitals-console-'));
    await build({ root: join(import.meta.dirname, '..', '..', 'console'), logLevel: 'error', build: { outDir: consoleDir } });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] });
  });
  after(async () => {
    if (skip) return;
    await browser.close();
    await rm(consoleDir, { recursive: true, force: true });
  });
}

interface Town {
  town: FakeTown;
  api: ApiServer;
  world: World;
}

/** A storm at its height, so that a warning stands. */
export async function stormyTown(t: TestContext, { port = 0, cameras = 1 }: { port?: number; cameras?: number } = {}): Promise<Town> {
  const real = realWorld(() => {});
  const risingAt = [...Array(180).keys()].map((second) => second * 500).find((ms) => waterAt(ms) > 3.05) ?? 0;
  const skewMs = risingAt - (real.clock.nowMs() % 90_000);
  const world: World = { ...real, clock: { ...real.clock, nowMs: () => real.clock.nowMs() + skewMs } };
  const town = fakeTown(world.clock, cameras);
  await town.turn();
  const api = await serveApi(town.gateway.sources, { port, version: '0.0.0', consoleDir }, world);
  const timer = setInterval(() => void town.turn(), 300);
  t.after(async () => {
    clearInterval(timer);
    await api.close();
  });
  return { town, api, world };
}

export async function openPage(
  t: TestContext,
  url: string,
  look: { width: number; locale: string },
  part = '[data-part=warning]',
): Promise<{ page: Page; foreign: string[]; errors: string[] }> {
  const context = await browser.newContext({ viewport: { width: look.width, height: 900 }, locale: look.locale });
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(100_000);
  const foreign: string[] = [];
  const errors: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) foreign.push(request.url());
  });
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => { if (/Content Security Policy|TypeError/.test(message.text())) errors.push(message.text()); });
  await page.goto(url);
  await page.waitForSelector(part);
  return { page, foreign, errors };
}
