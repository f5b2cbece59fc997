/** The built console in a real browser, served by the real API over a made-up town. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import type { Clip } from '../../core/event.ts';
import { freePort } from '../../core/free-port.ts';
import { until } from '../../core/testing/until.ts';
import type { CommandView } from '../../api/commands.ts';
import { EXAMPLES } from '../../gateway/http/testing/examples.ts';
import { LIVE_VIEW_OPERATOR, openLiveViewEdge } from '../live-view/watched-edge.ts';
import { browser, openPage, skip, stormyTown, useConsole } from './browser.ts';
import { sceneAt } from './scene.ts';
import { evidenceView } from '../../gateway/http/testing/evidence-view.ts';

const noFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'no ffmpeg on this machine (apt-get install ffmpeg)';

useConsole();

const textOf = async (page: Page, selector: string): Promise<string> => (await page.innerText(selector)).replaceAll(/\s+/g, ' ');

test('the first screen has all its parts, in Chinese for a Chinese browser, and asks nothing of anyone else', { skip }, async (t) => {
  const { api } = await stormyTown(t);
  const { page, foreign, errors } = await openPage(t, api.url, { width: 1440, locale: 'zh-CN' });
  assert.match(await textOf(page, '[data-part=sentence]'), /^龙溪镇.3 台设备.3 台数据及时.0 台离线.规则已计算至 \d\d:\d\d:\d\d$/);
  assert.equal(await page.locator('.device').count(), 3);
  assert.match(await textOf(page, '.happened'), /^最近发生 \d\d:\d\d:\d\d 事件的主码流画面 yard\.intrusion$/);
  assert.doesNotMatch(await textOf(page, '.values >> nth=-1'), /主码流|CV-/, 'what follows an event is no value');
  for (const state of await page.locator('.device .device-state').all()) {
    assert.equal(await state.innerText(), '及时');
    assert.equal(await state.locator('svg').count(), 1);
  }
  const card = await textOf(page, '[data-part=warning]');
  for (const part of [/橙色/, /七号泵站/, /自 \d\d:\d\d:\d\d 起/, /演练/, /高于限值 3.0 m/, /预案、责任单位/]) assert.match(card, part);
  assert.equal(await page.locator('[data-part=warning] .card-level svg').count(), 1);
  await page.waitForSelector('[data-part=level] canvas');
  assert.match(await page.getAttribute('[data-part=level] .chart', 'aria-label') ?? '', /橙色阈值 3 m/);
  await page.waitForSelector('[data-part=camera] img');
  assert.ok(await page.locator('[data-part=camera] rect').count() >= 2);
  assert.match(await textOf(page, '[data-part=camera] figcaption'), /人 \d.*汽车 1/);
  const path = await textOf(page, '[data-part=path]');
  for (const part of ['设备', '边缘缓存', '网关', '存储', '预警']) assert.match(path, new RegExp(part));
  assert.match(path, /\d+ ms/);
  assert.match(
    await textOf(page, '[data-part=sinks]'),
    /^district-victoria influxdb 已追平 已写入 [\d,]+ influxdb 积压 [\d,]+ 已写入 1,200 目标拒收 3 未写入即舍弃 48,210 .*无法连接/,
  );
  await page.locator('[data-part=reconciled]', { hasText: /缺失 0.*重复 0/ }).waitFor();
  assert.deepEqual({ foreign, errors }, { foreign: [], errors: [] });
});

test('the language follows the browser and the switch, and the choice is remembered', { skip }, async (t) => {
  const { api } = await stormyTown(t);
  const { page } = await openPage(t, api.url, { width: 1440, locale: 'en-GB' });
  assert.match(await textOf(page, '[data-part=sentence]'), /^Longxi town: 3 devices, 3 fresh, 0 lost, evaluated up to/);
  assert.match(await textOf(page, '[data-part=warning]'), /Orange.*Exercise.*over the limit of 3.0 m/);
  assert.match(
    await textOf(page, '[data-part=sinks]'),
    /caught up written .* lag .* rejected by target 3 dropped before written 48,210 .*cannot be reached/,
  );
  await page.click('button[lang=zh-CN]');
  assert.match(await textOf(page, '[data-part=warning]'), /橙色/);
  await page.reload();
  await page.waitForSelector('[data-part=warning]');
  assert.match(await textOf(page, '[data-part=warning]'), /橙色/);
  assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN');
});

test('nothing is wider than a phone, in either language, on either page', { skip }, async (t) => {
  const { api } = await stormyTown(t);
  for (const locale of ['zh-CN', 'en-US']) {
    const { page } = await openPage(t, api.url, { width: 390, locale });
    await page.waitForSelector('[data-part=camera] img');
    const width = () => page.evaluate<number>('document.documentElement.scrollWidth');
    assert.equal(await width(), 390);
    await page.click('.reason');
    await page.waitForSelector('[data-part=series] table');
    assert.equal(await width(), 390);
    // Texts have no chart, and lie within their table.
    await page.goto(new URL('#/series/CV-SNAPSHOT/gate-cam/snapshot', api.url).href);
    await page.waitForSelector('td.text');
    assert.equal(await page.locator('.chart').count(), 0);
    assert.ok(
      await page.evaluate<boolean>("(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(document.querySelector('.table-box'))"),
    );
  }
});

test('a reason leads to the value it cites, by keyboard too, and the place can be linked to', { skip }, async (t) => {
  const { api } = await stormyTown(t);
  const { page } = await openPage(t, api.url, { width: 1440, locale: 'zh-CN' });
  await page.focus('.reason');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-part=series] tr.cited');
  assert.match(page.url(), /#\/series\/YJ-FLD-001\/pump-07-plc\/level\?at=\d+$/);
  const cited = await textOf(page, 'tr.cited');
  await page.goto('about:blank');
  await page.goBack();
  await page.waitForSelector('[data-part=series] tr.cited');
  assert.equal(await textOf(page, 'tr.cited'), cited);
  await page.click('.back');
  await page.waitForSelector('[data-part=warning]');
  await page.goto(`${api.url}#/series/NONE/nobody/nothing`);
  await page.waitForSelector('[data-part=series] [role=alert]');
});

/** Dots of the canvas in the line's colour. */
const lineDots = (page: Page): Promise<number> => page.evaluate(`(() => {
  const canvas = document.querySelector('[data-part=level] canvas');
  if (!canvas) return 0;
  const line = getComputedStyle(canvas).getPropertyValue('--line').trim();
  const wanted = [1, 3, 5].map((at) => parseInt(line.slice(at, at + 2), 16));
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let dots = 0;
  for (let at = 0; at < data.length; at += 4) if (wanted.every((part, nth) => data[at + nth] === part)) dots += 1;
  return dots;
})()`);

test(
  'the copy of a clip is played on the warning that its event raised, once it has come; one that stays on its edge is named',
  { skip: skip || noFfmpeg },
  async (t) => {
    const { api, town } = await stormyTown(t);
    const film = spawnSync('ffmpeg', [
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=64x48:rate=8:duration=4',
      '-c:v',
      'libx264',
      '-pix_fmt',
      'yuv420p',
      '-movflags',
      'frag_keyframe+empty_moov',
      '-f',
      'mp4',
      'pipe:1',
    ]).stdout;
    const clip: Clip = {
      kind: 'clip',
      sha256: 'a'.repeat(64),
      mime: 'video/mp4',
      bytes: film.length,
      durationMs: 4000,
      codec: 'h264',
      width: 64,
      height: 48,
      fromAt: 1,
      toAt: 4001,
      short: false,
      blurred: false,
      of: [{ point: 'level', at: 2 }],
    };
    let clips = [clip];
    let isThere = false;
    const ofPage = await browser.newContext({ locale: 'en-GB' });
    t.after(() => ofPage.close());
    const page = await ofPage.newPage();
    page.setDefaultTimeout(100_000);
    const refused: string[] = [];
    page.on('console', (message) => {
      if (/Content Security Policy/.test(message.text())) refused.push(message.text());
    });
    town.gateway.sources.evidence = (sha256) =>
      isThere && sha256 === 'b'.repeat(64) ? evidenceView(film, 'video/mp4', 'pump-07') : null;
    await page.route('**/api/v1/warnings?condition=active*', async (route) => {
      const response = await route.fetch();
      const { items, ...rest } = (await response.json()) as { items: object[] };
      await route.fulfill({ response, json: { ...rest, items: items.map((item) => ({ ...item, clips })) } });
    });
    await page.goto(api.url);
    await page.waitForSelector('[data-part=warning-clip-kept]');
    assert.match(await textOf(page, '[data-part=warning-clip-kept]'), /clip of 4 s kept on the edge: a{16}/);
    clips = [clip, { ...clip, sha256: 'b'.repeat(64), blurred: true }];
    await page.reload();
    await page.waitForSelector('[data-part=warning-clip][data-state=missing]');
    isThere = true;
    await page.waitForSelector('[data-part=warning-clip][data-state=there]');
    await page.locator('[data-part=warning-clip] video').evaluate(async (video: HTMLVideoElement) => {
      const moved = new Promise((resolve) => {
        video.addEventListener('timeupdate', () => {
          if (video.currentTime > 0) resolve(null);
        });
      });
      await video.play();
      await moved;
    });
    assert.deepEqual(refused, []);
  },
);

test('with the gateway gone the page says so at once, keeps what it knew, and comes back by itself', { skip }, async (t) => {
  const port = await freePort();
  const first = await stormyTown(t, { port });
  const { page, errors } = await openPage(t, first.api.url, { width: 1440, locale: 'zh-CN' });
  const phone = await openPage(t, first.api.url, { width: 390, locale: 'en-US' });
  while (await lineDots(page) < 200) await page.waitForTimeout(50);
  const closing = first.api.close();
  await page.waitForSelector('[data-part=gone]');
  await phone.page.waitForSelector('[data-part=gone]');
  await closing;
  assert.ok(await lineDots(page) > 150, 'the last line of values stays');
  assert.equal(await phone.page.evaluate('document.documentElement.scrollWidth'), 390);
  assert.match(await textOf(page, '[data-part=gone]'), /已中断.*最后数据.*(秒后重连|正在重连)/);
  assert.equal(await page.locator('main.is-stale').count(), 1);
  assert.match(await textOf(page, '[data-part=warning]'), /橙色/);
  await stormyTown(t, { port });
  await page.waitForSelector('[data-part=gone]', { state: 'detached', timeout: 100_000 });
  await page.waitForSelector('main.is-stale', { state: 'detached' });
  assert.equal(await page.locator('.device').count(), 3);
  assert.deepEqual(errors, []);
});

test('the demo buttons act, and what follows is shown', { skip }, async (t) => {
  const { api } = await stormyTown(t);
  const { page } = await openPage(t, api.url, { width: 1440, locale: 'zh-CN' });
  await page.click('text=断网 20 秒');
  await page.waitForSelector('.device.is-unobserved');
  await page.locator('[data-part=path]', { hasText: '1 个边缘节点离线' }).waitFor();
  assert.ok(await page.locator('.demo-buttons button', { hasText: '网络已断开' }).isDisabled());
  // What waits at its edge is not missing, and nothing is offered that cannot be had.
  await page.locator('[data-part=reconciled].tone-late', { hasText: /积压待补传 [1-9].*重复 0/ }).waitFor();
  assert.equal(await page.locator('[data-part=snapshot], [data-part=live]').count(), 0);
});

test(
  'of many cameras one is chosen, sought and opened, no more than may be at one time, on a screen and on a telephone',
  { skip },
  async (t) => {
    const { api } = await stormyTown(t, { cameras: 30 });
    for (const { width, locale } of [
      { width: 1440, locale: 'zh-CN' },
      { width: 390, locale: 'en-US' },
    ]) {
      const { page, foreign, errors } = await openPage(t, api.url, { width, locale });
      await page.selectOption('.camera-pick select', 'school-01-cam');
      await page.waitForSelector('[data-part=camera] img[alt*=school-01-cam]');
      await page.reload();
      await page.waitForSelector('[data-part=camera] img[alt*=school-01-cam]');
      await page.click('.camera-pick a');
      await page.waitForSelector('[data-part=cameras]');
      assert.equal(await page.locator('.choice').count(), 30);
      await page.waitForSelector('.choice img'); // those in sight have their pictures
      const lost = page.locator('[data-camera=car-park-01-cam]');
      assert.match(await lost.innerText(), locale === 'en-US' ? /Lost\s+for .*\s+live view/ : /离线\s+已 .*\s+可实时观看/);
      await page.fill('.camera-tools input', 'TOWN-02 market');
      await page.waitForSelector('[data-camera=market-02-cam]');
      assert.equal(await page.locator('.choice').count(), 1);
      assert.match(await page.innerText('.choice'), locale === 'en-US' ? /occluded/ : /遮挡/);
      await page.fill('.camera-tools input', '');
      await page.locator('.sifts button').nth(2).click();
      await page.waitForSelector('[data-camera=market-01-cam]', { state: 'detached' });
      assert.deepEqual(await page.evaluate("[...document.querySelectorAll('.choice')].map((one) => one.dataset.camera).sort()"), [
        'bridge-02-cam',
        'car-park-01-cam',
        'market-02-cam',
        'school-03-cam',
        'school-04-cam',
      ]);
      // Its pictures come, and its model fails: what to do is said.
      assert.match(await page.innerText('[data-camera=bridge-02-cam]'), locale === 'en-US' ? /Faulty/ : /异常/);
      await page.click('[data-camera=bridge-02-cam]');
      await page
        .locator('[data-part=views] .device-reason', {
          hasText: locale === 'en-US' ? /^check family.* · CV_MODEL_OUTPUT$/ : /^对照模型文件.* · CV_MODEL_OUTPUT$/,
        })
        .waitFor();
      await page.click('[aria-label=bridge-02-cam] .view-close');
      await page.locator('.sifts button').nth(0).click();
      for (const id of ['gate-cam', 'north-gate-01-cam', 'market-01-cam', 'bridge-01-cam']) {
        await page.click(`[data-camera=${id}]`);
        await page.waitForSelector(`[data-part=views] [aria-label=${id}] img`);
      }
      assert.ok(await lost.isDisabled());
      assert.match(
        await textOf(page, '[data-part=views-limit]'),
        locale === 'en-US' ? /4 of at most 4 views open · Close one/ : /已打开 4 个画面，最多同时 4 个 · .*请先关闭一个/,
      );
      await page.click('[aria-label=gate-cam] .view-close');
      await page.waitForSelector('[data-part=views] [aria-label=gate-cam]', { state: 'detached' });
      await page.reload(); // the place can be linked to
      await page.waitForSelector('[data-part=views] [aria-label=bridge-01-cam] img');
      assert.equal(await page.locator('[data-part=views] .view').count(), 3);
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width);
      assert.deepEqual({ foreign, errors }, { foreign: [], errors: [] });
    }
  },
);

test(
  'an operator takes a snapshot of a camera that cannot be watched live; what keeps it from being taken is said',
  { skip },
  async (t) => {
    const { town, api, world } = await stormyTown(t);
    town.gateway.sources.access.setTokens([], [LIVE_VIEW_OPERATOR]);
    const given: Record<string, unknown>[] = [];
    let answer: Partial<CommandView> = {
      status: 'failed',
      fault: {
        code: 'CV_COMMAND_PICTURE',
        message: { zh: '没有画面', en: 'no picture' },
        remedy: { zh: '检查摄像机', en: 'check the camera' },
      },
    };
    const command = (): CommandView => ({ ...EXAMPLES.command, kind: 'snapshot', fault: null, readBack: null, ...answer });
    town.gateway.sources.commands = {
      ask: (body) => {
        given.push(body);
        return Promise.resolve({ ...command(), status: 'pending' });
      },
      get: command,
      list: () => [],
    };
    const { page, errors } = await openPage(t, api.url, { width: 390, locale: 'zh-CN' });
    await page.click('[data-part=snapshot] button');
    await page.fill('.live-token input', LIVE_VIEW_OPERATOR.token);
    await page.click('.live-token button');
    await page.locator('[data-part=snapshot]', { hasText: '没有画面 检查摄像机' }).waitFor();
    answer = { status: 'done', picture: await sceneAt('gate-cam', world.clock.nowMs()) };
    await page.click('[data-part=snapshot] button');
    await page.locator('[data-part=camera] figcaption', { hasText: '抓拍于' }).waitFor();
    await page.click('text=回到最新画面');
    await page.locator('[data-part=camera] figcaption', { hasText: '画面时刻' }).waitFor();
    assert.deepEqual(
      given,
      Array.from({ length: 2 }, () => ({ kind: 'snapshot', device: 'gate-cam', reason: '控制台抓拍', expiresInMs: 30_000 })),
    );
    assert.deepEqual(errors, []);
  },
);

/** How many shades the picture that is shown has, and what tells it from another. */
async function shown(page: Page): Promise<{ shades: number; hash: string }> {
  const png = await page.locator('[data-part=live-picture] canvas').screenshot();
  const { data } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { shades: new Set(data).size, hash: createHash('sha256').update(data).digest('hex') };
}

/** Whether a person's box is on the canvas over the live picture, and whether the place of its mask is opaque and black. */
const drawn = (page: Page): Promise<{ box: boolean; masked: boolean }> => page.evaluate(`(() => {
  const canvas = document.querySelector('[data-part=overlay]');
  const pen = canvas.getContext('2d');
  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  let dots = 0;
  for (let at = 0; at < data.length; at += 4) if (data[at] === 0x4d && data[at + 1] === 0xe3 && data[at + 2] === 0xff && data[at + 3] === 255) dots += 1;
  return { box: dots > 50, masked: String(pen.getImageData(canvas.width * 0.9, canvas.height * 0.15, 1, 1).data) === '0,0,0,255' };
})()`);

test(
  'an operator watches a camera: a token, moving pictures, what is seen drawn over them, back by itself after its ffmpeg was killed, single pictures when left',
  { skip: skip || noFfmpeg },
  async (t) => {
    const { town, api, world } = await stormyTown(t);
    const dir = await mkdtemp(join(tmpdir(), 'cityvitals-live-'));
    const edge = await openLiveViewEdge({
      dir,
      asStream: true,
      streams: { lingerMs: 3000 },
      settings: {
        mask: [
          [
            [0.8, 0],
            [1, 0],
            [1, 0.3],
            [0.8, 0.3],
          ],
        ],
        zones: [
          {
            id: 'square',
            zh: '广场',
            polygon: [
              [0.1, 0.4],
              [0.7, 0.4],
              [0.7, 0.95],
              [0.1, 0.95],
            ],
            count: ['person'],
          },
        ],
        lines: [{ id: 'entry', zh: '入口', from: [0.1, 0.6], to: [0.7, 0.6], inside: [0.4, 0.9] }],
      },
    });
    t.after(async () => {
      await api.close();
      await edge.close();
      await rm(dir, { recursive: true, force: true });
    });
    town.gateway.sources.liveView = edge.desk;
    town.gateway.sources.access = edge.access;
    town.livePath = edge.desk.pathOf('gate-cam', 'town-box');
    const { page, foreign, errors } = await openPage(t, api.url, { width: 390, locale: 'zh-CN' });
    await page.click('text=实时观看');
    await page.fill('.live-token input', 'wrong-wrong-wrong-');
    await page.click('.live-token button');
    await until(
      () => page.inputValue('.live-token input'),
      (written) => written === '',
    ); // asked for anew
    assert.equal(edge.streams.pids().size, 0);
    await page.fill('.live-token input', LIVE_VIEW_OPERATOR.token);
    await page.click('.live-token button');
    await page.waitForSelector('[data-part=live-picture] canvas', { state: 'visible', timeout: 100_000 });
    const first = await until(
      () => shown(page),
      ({ shades }) => shades > 20,
    );
    await until(
      () => shown(page),
      ({ shades, hash }) => shades > 20 && hash !== first.hash,
    );
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390);
    assert.equal(await page.locator('[data-part=camera] img').isVisible(), false);

    const seeAt = (at: number) =>
      edge.streams.tellViewers({
        device: 'gate-cam',
        picture: { ptsMs: 0 },
        at,
        boxes: [{ class: 'person', score: 0.9, x: 0.2, y: 0.5, width: 0.1, height: 0.3, track: 7 }],
        tracks: [],
        measures: [
          { point: 'square.persons', kind: 'measurement', value: 1 },
          { point: 'entry.in', kind: 'occurrence', value: 1 },
        ],
      });
    seeAt(world.clock.nowMs() + 60_000); // as new as can be, however slow this machine is
    await page.locator('[data-part=sayings]', { hasText: '广场 人 1' }).waitFor();
    await page.locator('[data-part=sayings]', { hasText: '入口 进 1 出 0' }).waitFor();
    await until(
      () => drawn(page),
      ({ box, masked }) => box && masked,
    ); // it is drawn a moment after it is told
    seeAt(world.clock.nowMs() - 10_000); // nothing has come since
    await page.locator('[data-part=sayings]', { hasText: '已超过 2 秒没有新的检测结果' }).waitFor();
    await until(
      () => drawn(page),
      ({ box }) => !box,
    );
    assert.equal((await drawn(page)).masked, true);
    await page.click('text=显示区域和目标');
    await page.waitForSelector('[data-part=overlay]', { state: 'detached' });

  const before = edge.streams.pids().get('gate-cam') as number;
  process.kill(-before, 'SIGKILL'); // a group of its own: the process and both its ffmpegs
  await until(() => Promise.resolve(edge.streams.pids().get('gate-cam')), (pid) => pid !== undefined && pid !== before);
  const again = await shown(page);
  await until(() => shown(page), ({ shades, hash }) => shades > 20 && hash !== again.hash);

    await page.click('text=结束观看');
    await page.locator('[data-part=camera] img').waitFor({ state: 'visible' });
    assert.deepEqual(
      { foreign: foreign.filter((url) => !url.startsWith(api.url.replace('http', 'ws'))), errors },
      { foreign: [], errors: [] },
    );
  },
);
