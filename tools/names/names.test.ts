import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SourceFile } from '../imports.ts';
import { needlessRepeats, repeatedNames } from './exported.ts';
import { CHINESE, IDENTIFIERS, PHRASES } from './given-up.ts';
import { givenUpHits } from './texts.ts';

const file = (path: string, text: string): SourceFile => ({ path, text, imports: [] });

test('a name that two files export is reported, unless it may repeat; one that no longer does is reported too', () => {
  const sources = [
    file('a.ts', 'export interface Frame {}\nexport function Frame() {}\nexport const open = 1;'),
    file('b.ts', 'export type Frame = 1;\nexport async function open() {}\nconst local = 1;'),
    file('b.test.ts', 'export class Other {}'), file('c.ts', 'export class Other {}\nexport const local = 1;'),
  ];
  assert.deepEqual(repeatedNames(sources, { open: 'a role' }), ['Frame: a.ts, b.ts']);
  assert.deepEqual(needlessRepeats(sources, { open: 'a role', Other: 'was one' }), ['Other']);
});

test('an identifier counts where it stands alone, a phrase anywhere, each with its line and what to write instead', () => {
  const texts = [{ path: 'a.ts', text: 'class Earth {}\nclass Ear {}\n// Ear-like' }, { path: 'b.md', text: '边缘日志\n摄像机' }];
  assert.deepEqual(givenUpHits(texts, IDENTIFIERS), ['a.ts:2: Ear, write FrameReceiver', 'a.ts:3: Ear, write FrameReceiver']);
  assert.deepEqual(givenUpHits(texts, CHINESE), ['b.md:1: 边缘日志, write 边缘缓存']);
  assert.deepEqual(givenUpHits([{ path: 'c.ts', text: '"a time that is none"' }], PHRASES), ['c.ts:1: time that is none, write invalid']);
  const word = { word: /old/, use: 'new', except: [{ path: /^d/, because: 'it is another thing there' }] };
  assert.deepEqual(givenUpHits([{ path: 'd.ts', text: 'old' }, { path: 'e.ts', text: 'old' }], [word]), ['e.ts:1: old, write new']);
});
