/** Chinese faults are written with Chinese punctuation: ASCII marks beside a Chinese character read as a mistake. Code in backticks is let be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULTS } from '../core/faults.ts';

const BESIDE = /[\p{Script=Han}，。：；（）”][,:;()]|[,:;()][\p{Script=Han}，。：；（）“]|\}[,;(]\S/u;

const isMistaken = (text: string) => BESIDE.test(text.replaceAll(/`[^`]*`/g, '文'));

test('no ASCII comma, colon, semicolon or parenthesis stands beside Chinese in the faults', () => {
  assert.deepEqual(['{fc}(异常码 01)', '{status}）:{detail}', '0,说明', '`a`,或'].map(isMistaken), [true, true, true, true]);
  assert.deepEqual(['{host}:{port}：{detail}', '`mode: poll`，或', 'SHA-256 (x)'].map(isMistaken), [false, false, false]);
  assert.deepEqual(Object.entries(FAULTS).flatMap(([code, { zh }]) => zh.filter(isMistaken).map((text) => `${code}: ${text}`)), []);
});
