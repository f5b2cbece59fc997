/**
 * Chinese is written with Chinese punctuation: ASCII marks beside a Chinese character read as a mistake. Code in
 * backticks and lists in brackets are let be.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FAULTS } from '../core/faults.ts';
import '../cli/all-faults.ts';
import { readSources } from './imports.ts';

const BESIDE = /[\p{Script=Han}，。：；（）”][,:;()!?]|[,:;()!?][\p{Script=Han}，。：；（）“]/u;
/** Beside what a fault fills in, which is often Chinese. */
const BESIDE_HOLE = /\}[,;(]\S/;
const COMMENT = /^\s*(?:\/?\*|\/\/).*$|\/\*\*? .*? \*\/|(?<=\s)\/\/ .*$/gm;
/** What a template fills in; of one within another the inner goes first. */
const HOLE = /\$\{[^{}]*\}/g;

const CODE = /`[^`]*`/g;
const LIST = /\[[^[\]'"`]*\]/g;

const isMistaken = (text: string) => BESIDE.test(text.replaceAll(LIST, '[]'));
const isMistakenFault = (text: string) => isMistaken(text.replaceAll(CODE, '文')) || BESIDE_HOLE.test(text.replaceAll(CODE, '文'));

/** Lines of a source that show such a mistake: between Chinese and the program's own marks there is always a quote. */
function mistakenLines(source: string): string[] {
  const withoutHoles = (line: string): string => (line.search(HOLE) < 0 ? line : withoutHoles(line.replaceAll(HOLE, '◌')));
  // A backtick is either a template's, whose text counts, or of code within a text.
  const withoutCode = (line: string) => line.replaceAll(/'[^']*'|"[^"]*"/g, (quoted) => quoted.replaceAll(CODE, '◌'));
  return source
    .replaceAll(COMMENT, '')
    .split('\n')
    .filter((line) => /\p{Script=Han}/u.test(line) && isMistaken(withoutCode(withoutHoles(line))));
}

test('no ASCII comma, colon, semicolon or parenthesis stands beside Chinese in the faults', () => {
  assert.deepEqual(['{fc}(异常码 01)', '{status}）:{detail}', '0,说明', '`a`,或', '[低, 高],以'].map(isMistakenFault), [
    true,
    true,
    true,
    true,
    true,
  ]);
  assert.deepEqual(['{host}:{port}：{detail}', '`mode: poll`，或', 'SHA-256 (x)', '[低, 高]，以'].map(isMistakenFault), [
    false,
    false,
    false,
    false,
  ]);
  assert.deepEqual(
    Object.entries(FAULTS).flatMap(([code, { zh }]) => zh.filter(isMistakenFault).map((text) => `${code}: ${text}`)),
    [],
  );
});

test('nor in any other text of the program: settings, commands, the console', () => {
  const wrong = [
    "zh: 'dtu:等待拨入'",
    "zh: '站号（UCUM）;布尔'",
    'zh: `${path}:网关 ${id}`',
    'zh: `网关 ${id}(中心 ${centre ? `,${name}` : ""})已运行`',
    "zh: '范围 [低, 高],以'",
  ];
  assert.deepEqual(
    wrong.filter((line) => mistakenLines(line).length === 0),
    [],
  );
  const right = [
    "zh: 'dtu：等待拨入', en: 'dtu: waits'",
    '// 中心,网关',
    ' * (体征指标): what',
    "zh: '画面比例 [横, 纵]'",
    "zh: '请写 `键: 值`'",
    'text({ zh: `网关 ${id}（中心 ${of({ a: 1 })}）` })',
    "['泵站', '水位']",
  ];
  assert.deepEqual(right.flatMap(mistakenLines), []);
  const sources = readSources(join(import.meta.dirname, '..')).filter(({ path }) => !path.endsWith('.test.ts'));
  assert.deepEqual(sources.flatMap(({ path, text }) => mistakenLines(text).map((line) => `${path}: ${line.trim()}`)), []);
});

const root = join(import.meta.dirname, '..');
/** What runs before any of the program does, on whatever Node there is. */
const PLAIN = [
  'bin/cityvitals.js',
  'setup.mjs',
  ...readdirSync(join(root, 'tools/setup'))
    .filter((name) => name.endsWith('.mjs'))
    .map((name) => `tools/setup/${name}`),
];

test('nor in what is said where Node is too old, or while it is set up', () => {
  assert.deepEqual(
    PLAIN.flatMap((path) => mistakenLines(readFileSync(join(root, path), 'utf8')).map((line) => `${path}: ${line.trim()}`)),
    [],
  );
});

test('nobody is told to run a .ts file by hand: an older Node answers that with a stack trace, before a line of ours runs', () => {
  const told = /`node (?:--\S+ )*(?:cli|edge|gateway)\/\S*\.ts/;
  const pages = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`);
  const texts = [
    ...[...PLAIN, ...pages, 'README.md', 'README.zh-CN.md', 'CONTRIBUTING.md'].map((path) => ({
      path,
      text: readFileSync(join(root, path), 'utf8'),
    })),
    ...readSources(root).filter(({ path }) => !path.endsWith('.test.ts')),
  ];
  assert.deepEqual(
    texts.filter(({ text }) => told.test(text)).map(({ path }) => path),
    [],
  );
});
