import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const MAIN = join(import.meta.dirname, 'main.ts');
const listed = (lang: string) => spawnSync(process.execPath, [MAIN, 'drivers', 'camera', '--lang', lang], { encoding: 'utf8' }).stdout;

test('drivers camera: settings inside zones, schedules and what may be off are listed with default and meaning', () => {
  const text = listed('en');
  assert.match(text, /^ {2}motion\.closer +true or false; optional\n +where something small moves/m);
  assert.match(text, /^ {2}zones\[\]\.loitering\.after a duration .*; default "5m"\n +how long is too long$/m);
  assert.match(text, /^ {2}zones\[\]\.intrusion\.schedule\[\]\.from .*; required$/m);
});

test('drivers camera: in Chinese as well', () => {
  assert.match(listed('zh-CN'), /^ {2}zones\[\]\.loitering\.after 时长.*；默认 "5m"\n +停留多久算徘徊$/m);
});
