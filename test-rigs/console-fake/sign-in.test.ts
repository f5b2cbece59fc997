/** Signing in to the built console, setting up the first administrator, account and users, in a real browser. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Access } from '../../gateway/people/access.ts';
import { memoryPeople } from '../../gateway/people/testing/memory-people.ts';
import { openPage, skip, stormyTown, useConsole } from './browser.ts';

useConsole();

test(
  'where a token is needed the page asks for it once, shows nothing before, and is signed out again by its button',
  { skip },
  async (t) => {
    const TOKEN = 'reads-and-nothing-else';
    const { town, api, world } = await stormyTown(t);
    town.gateway.sources.access = new Access({ gateway: 'town-01', isNeeded: true }, world.clock);
    town.gateway.sources.access.setTokens([{ name: 'duty-room', token: TOKEN }], []);
    const people = await memoryPeople(world);
    t.after(() => people.close());
    town.gateway.sources.people = people;
    const form = '[data-part=sign-in]';
    for (const locale of ['zh-CN', 'en-GB']) {
      const { page } = await openPage(t, api.url, { width: 390, locale }, form);
      assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= 390, locale);
    }
    const { page, errors } = await openPage(t, api.url, { width: 1440, locale: 'zh-CN' }, form);
    const signIn = page.locator(form);
    assert.match(await page.locator('h1').innerText(), /^未登录$/);
    assert.equal(await page.locator('main [data-part]').count(), 1);
    await signIn.getByLabel('令牌').fill('some-token-of-elsewhere');
    await signIn.getByRole('button', { name: '登录', exact: true }).click();
    await signIn.getByText('令牌不正确').waitFor();
    await page.click('button[lang=en]');
    await signIn.getByLabel('Token').fill(TOKEN);
    await signIn.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.waitForSelector('[data-part=warning]');
    assert.equal(await signIn.count(), 0);
    await page.setViewportSize({ width: 390, height: 844 });
    assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= 390, 'signed in');
    assert.equal(await page.evaluate('document.cookie'), '');
    await page.reload();
    await page.locator('[data-part=warning]').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await signIn.waitFor();
    assert.deepEqual(errors, []);
  },
);

test(
  'the first administrator comes by the link, adds a user, who signs in, makes a token and changes the password; in both languages, on a phone too',
  { skip },
  async (t) => {
    const PASSWORD = 'correct horse battery';
    const { town, api, world } = await stormyTown(t);
    const people = await memoryPeople(world);
    t.after(() => people.close());
    const { sources } = town.gateway;
    sources.people = people;
    sources.access = new Access(
      { gateway: 'town-01', people, isNeeded: false, isAnonymousAllowed: () => !people.hasAdministrator },
      world.clock,
    );
    const code = (await people.firstLink())?.code ?? '';
    const { page, errors } = await openPage(t, `${api.url}#/setup/${code}`, { width: 1440, locale: 'en-GB' }, '[data-part=set-up]');
    const look = async (name: string) => {
      const dir = process.env.CITYVITALS_LOOK;
      const { width, height } = page.viewportSize() ?? { width: 1440, height: 900 };
      for (const [language, wide] of [['zh-CN', 1440], ['en', 390]] as const) {
        await page.click(`button[lang=${language}]`);
        await page.setViewportSize({ width: wide, height });
        assert.ok((await page.evaluate<number>('document.documentElement.scrollWidth')) <= wide, `${name} ${language}`);
        if (dir) await page.screenshot({ path: join(dir, `${name}-${language}.png`), fullPage: true });
      }
      await page.setViewportSize({ width, height });
    };
    await look('set-up');
    const setUp = page.locator('[data-part=set-up]');
    await setUp.getByLabel('User').fill('chief');
    await setUp.getByLabel('New password').fill(PASSWORD);
    await setUp.getByLabel('Repeat').fill('something else');
    await setUp.getByText('The two differ').waitFor();
    await setUp.getByLabel('Repeat').fill(PASSWORD);
    await setUp.getByRole('button').click();
    await page.waitForSelector('[data-part=warning]');
    assert.equal(await page.evaluate('location.hash'), '#/', 'the code stays in no address bar');

    await page.getByRole('link', { name: 'Users' }).click();
    const form = page.locator('[data-part=user-form]');
    await form.getByLabel('User').fill('li-wei');
    await form.getByLabel('Role').selectOption('operator');
    await form.getByLabel('Centre').fill('500112');
    await form.getByRole('button').click();
    const link = await page.locator('[data-part=user-link] code').innerText();
    await page.locator('[data-part=users] li', { hasText: 'li-wei' }).getByText('no password yet').waitFor();
    await form.getByLabel('User').fill('LI-WEI');
    await form.getByLabel('Centre').fill('*');
    await form.getByRole('button').click();
    await form.getByText('there is a user li-wei already').waitFor();
    await look('users');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForSelector('[data-part=sign-in]');

    await page.goto(link);
    await setUp.getByLabel('New password').fill(PASSWORD);
    await setUp.getByLabel('Repeat').fill(PASSWORD);
    await setUp.getByRole('button').click();
    await page.waitForSelector('[data-part=warning]');
    assert.equal(await page.getByRole('link', { name: 'Users' }).count(), 0);
    await page.getByRole('link', { name: 'li-wei' }).click();
    const tokens = page.locator('[data-part=tokens]');
    await tokens.getByLabel('Purpose').fill('reporting');
    await tokens.getByLabel('give commands').check();
    await tokens.getByRole('button', { name: 'Create token' }).click();
    const token = await page.locator('[data-part=token-made] code').innerText();
    assert.deepEqual(people.byToken(token)?.limit, { permissions: ['read', 'command'], centres: ['500112'] });
    await tokens.locator('li', { hasText: 'reporting' }).waitFor();
    await look('account');
    const password = page.locator('[data-part=password]');
    await password.getByLabel('Current password').fill('not this one');
    await password.getByLabel('New password').fill('another good one');
    await password.getByLabel('Repeat').fill('another good one');
    await password.getByRole('button').click();
    await password.getByText('user or password is wrong').waitFor();
    await password.getByLabel('Current password').fill(PASSWORD);
    await password.getByRole('button').click();
    await password.getByText('Password changed').waitFor();
    assert.equal(await page.evaluate('document.cookie'), '');
    assert.equal(await page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage }).includes('cvt_')"), false);
    await page.getByRole('button', { name: 'Sign out' }).click();

    const signIn = page.locator('[data-part=sign-in]');
    await signIn.getByLabel('User').fill('ＬＩ-wei');
    await signIn.getByLabel('Password').fill(PASSWORD);
    await signIn.getByRole('button', { name: 'Sign in', exact: true }).click();
    await signIn.getByText('user or password is wrong').waitFor();
    await look('sign-in');
    await signIn.getByLabel('Password').fill('another good one');
    await signIn.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.waitForSelector('[data-part=account]'); // where they were
    assert.deepEqual(errors, []);
  },
);
