import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PAGE_POLICY, statusPage } from './page.ts';

/** Texts of the page as it is sent, and those that its script puts in. */
function textsOf(chinese: boolean): { drawn: string[]; words: Record<string, string> } {
  const page = statusPage(chinese);
  const words = JSON.parse(/const words=(\{.*\});/.exec(page)?.[1] ?? 'null') as Record<string, string>;
  return {
    drawn: [...page.replace(/<(script|style)>[^]*?<\/\1>/g, '').matchAll(/>([^<>\n]+)</g)]
      .map(([, text]) => (text as string).trim())
      .filter((text) => text !== '' && text !== '…'),
    words,
  };
}

test('the page in Chinese and in English, each with words of its own throughout', () => {
  const [zh, en] = [textsOf(true), textsOf(false)];
  assert.deepEqual(zh.drawn, [
    '边缘节点',
    '边缘节点',
    '本页与边缘节点失去联系',
    '上行',
    '日志',
    '设备',
    '最新数据',
    '原因',
    '未知设备',
    '· 粘贴到 devices: 之下即可接入',
  ]);
  assert.deepEqual(en.drawn, [
    'Edge',
    'Edge',
    'this page has lost the edge',
    'Uplink',
    'Log',
    'Devices',
    'last value',
    'reason',
    'Unknown devices',
    '· paste under devices: to take it in',
  ]);
  assert.deepEqual(Object.keys(zh.words), Object.keys(en.words));
  const { waiting, disk, yes, no, failing, offset, unset, times, silent, language } = zh.words;
  assert.deepEqual(
    [language, waiting, disk, yes, no, failing, offset, unset, times, silent],
    ['zh', '条待确认', '磁盘', '在线', '离线', '日志无法写入', '网关时钟偏差', '时钟尚未校准，数据等待发送', '次', '未发送任何内容'],
  );
  assert.deepEqual(
    [en.words.language, en.words.waiting, en.words.yes, en.words.no, en.words.unset],
    ['en', 'events not yet acknowledged', 'online', 'offline', 'the clock is not set: events wait'],
  );
});

test('nothing of the page comes from elsewhere', () => {
  for (const chinese of [true, false]) assert.doesNotMatch(statusPage(chinese), /https?:\/\/|src=|@import/);
  assert.match(PAGE_POLICY, /^default-src 'none';.*connect-src 'self'/);
});
