/** Everything that can be wrong in a description, in the words in which it is told, with its place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDescription } from './load-description.ts';

const GOOD = `version: 1
title: { zh: 甲, en: a }
header: "AA"
fixed: 8
head: [{ name: kind }, { name: id, type: hex, size: 2 }]
messages:
  - name: m
    when: { kind: 1 }
    fields: [{ name: x, type: u16 }]
`;

/** What is written in place of what, and what is told of it: `line:column english | chinese`; nothing where it may stand. */
const ROWS: [changes: [from: string, to: string][], told: string[]][] = [
  [
    [['fixed: 8', 'max: 8']],
    ['1:1 the end of a frame is not described: needs length, fixed or terminator | 没有说明帧在哪里结束：length、fixed 或 terminator'],
  ],
  [[['fixed: 8', 'fixed: 8\nlength: { at: 1 }']], ['4:8 either length or fixed, not both | length 与 fixed 只能写一个']],
  [
    [['header: "AA"\n', '']],
    ['1:1 the start of a frame cannot be found: needs header, terminator or checksum | 无法找到帧的开始：header、terminator 或 checksum'],
  ],
  [
    [
      ['fixed: 8', 'terminator: "0D"\nfixed: 8'],
      ['header: "AA"\n', ''],
    ],
    [],
  ],
  [
    [
      ['fixed: 8', 'checksum: { type: sum8 }\nfixed: 8'],
      ['header: "AA"\n', ''],
    ],
    [],
  ],
  [
    [['fixed: 8', 'fixed: 8\nescape: { "7D 02": "7E" }']],
    [
      '5:1 byte stuffing goes with header and terminator, without length and fixed | 转义须与 header、terminator 同用，且不写 length、fixed',
    ],
  ],
  [[['fixed: 8', 'terminator: "0D"\nescape: { "7D 02": "7E" }']], []],
  [
    [['fixed: 8', 'terminator: "0D"\nlength: { at: 1 }\nescape: { "7D 02": "7E" }']],
    [
      '6:1 byte stuffing goes with header and terminator, without length and fixed | 转义须与 header、terminator 同用，且不写 length、fixed',
    ],
  ],
  [
    [['fixed: 8', 'terminator: "0D"\nfixed: 8\nescape: { "7D 02": "7E" }']],
    [
      '6:1 byte stuffing goes with header and terminator, without length and fixed | 转义须与 header、terminator 同用，且不写 length、fixed',
    ],
  ],
  [
    [['header: "AA"\nfixed: 8', 'terminator: "0D"\nescape: { "7D 02": "7E" }']],
    [
      '4:1 byte stuffing goes with header and terminator, without length and fixed | 转义须与 header、terminator 同用，且不写 length、fixed',
    ],
  ],
  [[['fixed: 8', 'terminator: "0D"\nescape: { "7D": "7E" }']], ['5:1 must be two bytes for one | 应为两个字节代表一个字节']],
  [[['fixed: 8', 'terminator: "0D"\nescape: { "7D 01 02": "7E" }']], ['5:1 must be two bytes for one | 应为两个字节代表一个字节']],
  [[['fixed: 8', 'terminator: "0D"\nescape: { "7D 01": "7E 01" }']], ['5:1 must be two bytes for one | 应为两个字节代表一个字节']],
  [[['fixed: 8', 'fixed: 8\nmax: 8']], []],
  [[['fixed: 8', 'fixed: 9\nmax: 8']], ['4:8 longer than max 8 | 大于 max 8']],
  [[['fixed: 8', 'length: { at: 1, type: bcd }']], ['4:1 bcd needs size | bcd 需要 size']],
  [[['fixed: 8', 'length: { at: 1, type: digits }']], ['4:1 digits needs size | digits 需要 size']],
  [[['fixed: 8', 'length: { at: 1, type: hex-digits }']], ['4:1 hex-digits needs size | hex-digits 需要 size']],
  [[['fixed: 8', 'length: { at: 1, type: hex-digits, size: 2 }']], []],
  [
    [['fixed: 8', 'length: { at: 1 }\ntransform: { from: 1, add: 1 }']],
    ['5:20 the length at 1 is read before the transform: begin after it | 位于 1 的长度按线上字节读取：应从其后开始'],
  ],
  [[['fixed: 8', 'length: { at: 1 }\ntransform: { from: 2, add: 1 }']], []],
  [[['fixed: 8', 'length: { at: 3 }\ntransform: { from: 1, to: 3, add: 1 }']], []],
  [
    [['fixed: 8', 'length: { at: 3 }\ntransform: { from: 1, to: 4, add: 1 }']],
    ['5:20 the length at 3 is read before the transform: begin after it | 位于 3 的长度按线上字节读取：应从其后开始'],
  ],
  [
    [['fixed: 8', 'length: { at: 3 }\ntransform: { from: 1, to: -4, add: 1 }']],
    ['5:20 the length at 3 is read before the transform: begin after it | 位于 3 的长度按线上字节读取：应从其后开始'],
  ],
  [[['fixed: 8', 'fixed: 8\nchecksum: { type: crc32, at: -3 }']], ['5:30 4 bytes do not fit there | 该处放不下 4 个字节']],
  [[['fixed: 8', 'fixed: 8\nchecksum: { type: crc32, at: -4 }']], []],
  [[['fixed: 8', 'fixed: 8\nchecksum: { type: sum8, form: hex, at: -1 }']], ['5:40 2 bytes do not fit there | 该处放不下 2 个字节']],
  [[['fixed: 8', 'fixed: 8\nchecksum: { type: sum8, from: 2, to: 2 }']], ['5:38 there are no bytes from 2 to 2 | 从 2 到 2 之间没有字节']],
  [[['fixed: 8', 'fixed: 8\nchecksum: { type: sum8, to: 0 }']], ['5:29 there are no bytes from 0 to 0 | 从 0 到 0 之间没有字节']],
  [[['fixed: 8', 'fixed: 8\nchecksum: { type: sum8, from: 2, to: 3 }']], []],
  [[['fixed: 8', 'fixed: 8\nchecksum: { type: sum8, from: 2, to: -1 }']], []],
  [[['fixed: 8', 'fixed: 8\ntransform: { from: 3, to: 2, add: 1 }']], ['5:27 there are no bytes from 3 to 2 | 从 3 到 2 之间没有字节']],
  [[['messages:\n', 'identity: who\nmessages:\n']], ['6:11 there is no who; known here: kind, id | 没有 who；此处可用：kind, id']],
  [[['messages:\n', 'sequence: who\nmessages:\n']], ['6:11 there is no who; known here: kind, id | 没有 who；此处可用：kind, id']],
  [[['when: { kind: 1 }', 'when: { knid: 1 }']], ['8:19 there is no knid; known here: kind, id | 没有 knid；此处可用：kind, id']],
  [
    [['when: { kind: 1 }', 'when: { id: 1 }']],
    ['8:17 1: hex digits must be quoted, 4 of them, such as "901F" | 1：十六进制须加引号，共 4 位，如 "901F"'],
  ],
  [[['when: { kind: 1 }', 'when: { kind: ">= a" }']], ['8:19 >= a: only numbers can be compared | >= a：只有数才能比较大小']],
  [[['messages:\n', 'when: { knid: 1 }\nmessages:\n']], ['6:15 there is no knid; known here: kind, id | 没有 knid；此处可用：kind, id']],
  [[['when: { kind: 1 }', 'time: y']], ['8:11 there is no y; known here: kind, id, x | 没有 y；此处可用：kind, id, x']],
  [[['when: { kind: 1 }', 'history: { y: 1 }']], ['8:19 there is no y; known here: kind, id, x | 没有 y；此处可用：kind, id, x']],
  [
    [['when: { kind: 1 }', 'answer: "AA {y}"']],
    [
      '8:13 there is no {y}; known here: kind, id, x, identity, sequence, length, checksum, now:bcd, now:unix | 没有 {y}；此处可用：kind, id, x, identity, sequence, length, checksum, now:bcd, now:unix',
    ],
  ],
  [[['when: { kind: 1 }', 'answer: "AA {length}"']], ['8:13 {length}: the description has no length | {length}：描述中没有 length']],
  [
    [['when: { kind: 1 }', 'answer: "AA {kind} XX"']],
    ["8:13 at \"XX\": expected hex bytes, 'text' or {name} | “XX”处应为十六进制字节、'文本' 或 {名字}"],
  ],
  [
    [['fields: [{ name: x, type: u16 }]', 'fields: [{ name: x, type: u16 }]\n  - name: m']],
    ['10:11 there is another message m | 报文 m 重复'],
  ],
  [
    [['fields: [{ name: x, type: u16 }]', "fields: [{ name: x, type: u16 }]\npolls: [{ send: 'AA', wants: [n] }]"]],
    ['10:23 there is no n; known here: m | 没有 n；此处可用：m'],
  ],
  [
    [['fields: [{ name: x, type: u16 }]', "fields: [{ name: x, type: u16 }]\npolls: [{ send: 'AA {kind}' }]"]],
    [
      '10:17 there is no {kind}; known here: identity, sequence, length, checksum, now:bcd, now:unix | 没有 {kind}；此处可用：identity, sequence, length, checksum, now:bcd, now:unix',
    ],
  ],
  [[['{ name: x, type: u16 }', '{ name: kind }']], ['9:22 there is another field kind | 字段 kind 重复']],
  [[['{ name: x, type: u16 }', '{ name: x, bits: { kind: 0 } }']], ['9:39 there is another field kind | 字段 kind 重复']],
  [
    [['{ name: x, type: u16 }', '{ name: x, bits: { b: 63-64 } }']],
    ['9:36 bits are 0 to 63, at most 53 at once | 位为 0 到 63，一次最多 53 位'],
  ],
  [
    [['{ name: x, type: u16 }', '{ name: x, type: u64, bits: { b: 0-53 } }']],
    ['9:47 bits are 0 to 63, at most 53 at once | 位为 0 到 63，一次最多 53 位'],
  ],
  [[['{ name: x, type: u16 }', '{ name: x, type: u64, bits: { b: 11-63, c: 63 } }']], []],
  [[['{ name: x, type: u16 }', '{ name: x, type: ascii, size: 1, bits: { b: 1 } }']], ['9:47 ascii has no bits | ascii 没有位']],
  [[['{ name: x, type: u16 }', '{ name: x, type: ascii }']], ['9:14 ascii needs size | ascii 需要 size']],
  [[['{ name: x, type: u16 }', '{ name: x, type: u16, size: 2 }']], ['9:42 u16 has 2 bytes | u16 为 2 字节']],
  [[['{ name: x, type: u16 }', '{ name: x, type: bcd-time, size: 4 }']], ['9:47 bcd-time has 6 bytes | bcd-time 为 6 字节']],
  [[['{ name: x, type: u16 }', '{ name: x, type: bcd-time, size: 8 }']], ['9:47 bcd-time has 6 bytes | bcd-time 为 6 字节']],
  [[['{ name: x, type: u16 }', '{ name: x, type: bcd-time, size: 5 }']], []],
  [[['{ name: x, type: u16 }', '{ name: x, type: bcd-time, size: 6 }']], []],
  [[['{ name: x, type: u16 }', '{ name: x, type: bcd-time, size: 7 }']], []],
  [[['{ name: x, type: u16 }', '{ name: x, type: bytes-time, size: 5 }']], ['9:49 bytes-time has 6 bytes | bytes-time 为 6 字节']],
  [
    [['{ name: x, type: u16 }', '{ name: x, type: hex, size: y }']],
    ['9:42 there is no y; known here: kind, id | 没有 y；此处可用：kind, id'],
  ],
  [
    [['{ name: x, type: u16 }', '{ name: x, type: hex, size: { field: y } }']],
    ['9:51 there is no y; known here: kind, id | 没有 y；此处可用：kind, id'],
  ],
  [[['{ name: x, type: u16 }', '{ name: x, sign: bit }']], ['9:31 sign: bit is only for bcd, not u8 | sign: bit 仅用于 bcd；u8 没有']],
  [
    [['{ name: x, type: u16 }', '{ name: x, type: bcd-time, sign: { kind: 1 } }']],
    ['9:41 only a number without bits can have a sign, not bcd-time | 有符号的应为不带 bits 的数，而不是 bcd-time'],
  ],
  [
    [['{ name: x, type: u16 }', '{ name: x, type: unix-ms, sign: { kind: 1 } }']],
    ['9:40 only a number without bits can have a sign, not unix-ms | 有符号的应为不带 bits 的数，而不是 unix-ms'],
  ],
  [
    [['{ name: x, type: u16 }', '{ name: x, sign: { knid: 1 } }']],
    ['9:39 there is no knid; known here: kind, id, x | 没有 knid；此处可用：kind, id, x'],
  ],
  [
    [['{ name: x, type: u16 }', '{ repeat: r, count: y, fields: [{ name: z }] }']],
    ['9:34 there is no y; known here: kind, id | 没有 y；此处可用：kind, id'],
  ],
  [
    [['{ name: x, type: u16 }', '{ repeat: r, count: 2, when: { y: 1 }, fields: [{ name: z }] }']],
    ['9:48 there is no y; known here: kind, id | 没有 y；此处可用：kind, id'],
  ],
  [
    [['{ name: x, type: u16 }', '{ repeat: r, count: 2, tag: { epc: y }, fields: [{ name: z }] }']],
    ['9:49 there is no y; known here: kind, id, z | 没有 y；此处可用：kind, id, z'],
  ],
  [
    [['{ name: x, type: u16 }', '{ repeat: r, count: 2, fields: [{ name: z, type: hex, size: rest, at: 2 }] }']],
    ['9:84 within a repeat only a field of fixed size can have `at` | 重复组内只有定长字段可以指定位置'],
  ],
  [
    [['{ name: x, type: u16 }', '{ repeat: r, fields: [{ name: z }] }']],
    [
      '9:14 setting "fields[0]" of messages[0].fields: a repeat needs count and fields | messages[0].fields 的设置“fields[0]”有误：repeat 需要 count 和 fields',
    ],
  ],
  [
    [['{ name: x, type: u16 }', '{ repeat: r, count: 2 }']],
    [
      '9:14 setting "fields[0]" of messages[0].fields: a repeat needs count and fields | messages[0].fields 的设置“fields[0]”有误：repeat 需要 count 和 fields',
    ],
  ],
  [
    [
      ['fixed: 8', 'terminator: "0D"\nseparator: "2C"'],
      ['head: [{ name: kind }, { name: id, type: hex, size: 2 }]\n', ''],
      ['    when: { kind: 1 }\n', ''],
    ],
    [
      '8:31 separated fields are text (ascii, gbk, number-text, degrees-minutes), not u16 | 分隔符之间为文本（ascii、gbk、number-text、degrees-minutes），不是 u16',
    ],
  ],
  [
    [
      ['fixed: 8', 'terminator: "0D"\nseparator: "2C"'],
      ['head: [{ name: kind }, { name: id, type: hex, size: 2 }]\n', ''],
      ['    when: { kind: 1 }\n', ''],
      ['type: u16', 'type: ascii, size: 2'],
    ],
    ['8:44 a separator ends the field: no size here | 字段由分隔符界定，不写 size'],
  ],
  [
    [['header: "AA"', 'header: "A"']],
    [
      '3:9 setting "header" of this description: "A" does not have the form /^\\s*([0-9A-Fa-f]{2}\\s*)+$/ | 本描述的设置“header”有误："A" 不符合格式 /^\\s*([0-9A-Fa-f]{2}\\s*)+$/',
    ],
  ],
  [
    [['name: kind', 'name: 1kind']],
    [
      '5:16 setting "name" of head[0]: "1kind" does not have the form /^[A-Za-z][A-Za-z0-9_]{0,63}$/ | head[0] 的设置“name”有误："1kind" 不符合格式 /^[A-Za-z][A-Za-z0-9_]{0,63}$/',
    ],
  ],
  [
    [['fixed: 8', 'fixed: 8\ntransform: { from: 1 }']],
    [
      '5:1 setting "transform" of this description: needs exactly one of add, subtract and xor | 本描述的设置“transform”有误：须有且只有 add、subtract、xor 之一',
    ],
  ],
  [
    [['fixed: 8', 'fixed: 8\ntransform: { from: 1, add: 1, xor: 2 }']],
    [
      '5:1 setting "transform" of this description: needs exactly one of add, subtract and xor | 本描述的设置“transform”有误：须有且只有 add、subtract、xor 之一',
    ],
  ],
  [[['fixed: 8', 'fixed: 8\ntransform: { from: 1, xor: 255 }']], []],
  [
    [['fields: [{ name: x, type: u16 }]', "fields: [{ name: x, type: u16 }]\npolls: [{ send: 'AA', every: 49ms }]"]],
    ['10:30 setting "every" of polls[0]: must be from 50ms to 1d | polls[0] 的设置“every”有误：必须在 50ms 到 1d 之间'],
  ],
  [[['fields: [{ name: x, type: u16 }]', "fields: [{ name: x, type: u16 }]\npolls: [{ send: 'AA', every: 50ms }]"]], []],
  [[['fields: [{ name: x, type: u16 }]', "fields: [{ name: x, type: u16 }]\npolls: [{ send: 'AA', every: 1d }]"]], []],
  [
    [['fields: [{ name: x, type: u16 }]', "fields: [{ name: x, type: u16 }]\npolls: [{ send: 'AA', every: 25h }]"]],
    ['10:30 setting "every" of polls[0]: must be from 50ms to 1d | polls[0] 的设置“every”有误：必须在 50ms 到 1d 之间'],
  ],
  [
    [['fields: [{ name: x, type: u16 }]', "fields: [{ name: x, type: u16 }]\npolls: [{ send: 'AA', timeout: 9ms }]"]],
    ['10:32 setting "timeout" of polls[0]: must be from 10ms to 1m | polls[0] 的设置“timeout”有误：必须在 10ms 到 1m 之间'],
  ],
  [[['fields: [{ name: x, type: u16 }]', "fields: [{ name: x, type: u16 }]\npolls: [{ send: 'AA', timeout: 10ms }]"]], []],
  [[['fields: [{ name: x, type: u16 }]', "fields: [{ name: x, type: u16 }]\npolls: [{ send: 'AA', timeout: 1m }]"]], []],
  [
    [['fields: [{ name: x, type: u16 }]', "fields: [{ name: x, type: u16 }]\npolls: [{ send: 'AA', timeout: 61s }]"]],
    ['10:32 setting "timeout" of polls[0]: must be from 10ms to 1m | polls[0] 的设置“timeout”有误：必须在 10ms 到 1m 之间'],
  ],
  [
    [['{ name: x, type: u16 }', '{ name: x, skip: 1 }']],
    [
      '9:14 setting "fields[0]" of messages[0].fields: needs exactly one of name, skip and repeat | messages[0].fields 的设置“fields[0]”有误：须有且只有 name、skip、repeat 之一',
    ],
  ],
  [
    [['{ name: x, type: u16 }', '{ type: u16 }']],
    [
      '9:14 setting "fields[0]" of messages[0].fields: needs exactly one of name, skip and repeat | messages[0].fields 的设置“fields[0]”有误：须有且只有 name、skip、repeat 之一',
    ],
  ],
  [
    [['{ name: x, type: u16 }', '{ name: x, repeat: r, count: 1, fields: [{ name: z }] }']],
    [
      '9:14 setting "fields[0]" of messages[0].fields: needs exactly one of name, skip and repeat | messages[0].fields 的设置“fields[0]”有误：须有且只有 name、skip、repeat 之一',
    ],
  ],
  [
    [
      [
        '{ name: x, type: u16 }',
        '{ repeat: a, count: 1, fields: [{ repeat: b, count: 1, fields: [{ repeat: c, count: 1, fields: [{ repeat: d, count: 1, fields: [{ name: z }] }] }] }] }',
      ],
    ],
    [
      '9:120 setting "repeat" of messages[0].fields[0].fields[0].fields[0].fields[0]: repeats nest at most 3 deep | messages[0].fields[0].fields[0].fields[0].fields[0] 的设置“repeat”有误：重复组最多嵌套 3 层',
      '9:123 messages[0].fields[0].fields[0].fields[0].fields[0] has no setting "count" | messages[0].fields[0].fields[0].fields[0].fields[0] 没有名为“count”的设置',
      '9:133 messages[0].fields[0].fields[0].fields[0].fields[0] has no setting "fields" | messages[0].fields[0].fields[0].fields[0].fields[0] 没有名为“fields”的设置',
    ],
  ],
  [
    [
      [
        '{ name: x, type: u16 }',
        '{ repeat: a, count: 1, fields: [{ repeat: b, count: 1, fields: [{ repeat: c, count: 1, fields: [{ name: z }] }] }] }',
      ],
    ],
    [],
  ],
  [[['head: [{ name: kind }', 'head: [{ skip: 1, name: y }, { name: kind }']], ['5:8 needs either name or skip | 须有且只有 name 或 skip']],
];

test('what is wrong in a description is told in words, at its place, in both languages; what only looks wrong is not', () => {
  assert.deepEqual(readDescription('d.yaml', GOOD).faults, []);
  for (const [changes, told] of ROWS) {
    let text = GOOD;
    for (const [from, to] of changes) {
      assert.ok(text.includes(from), from);
      text = text.replace(from, to);
    }
    const { protocol, faults } = readDescription('d.yaml', text);
    assert.deepEqual(
      faults.map(
        ({ code, params }) =>
          `${code === 'CV_DESCRIBED_INVALID' ? '' : code}${params.line}:${params.column} ${params.problem} | ${params.problemZh}`,
      ),
      told,
      text,
    );
    assert.equal(protocol === null, told.length > 0);
    for (const { params } of faults) assert.ok(params.file === 'd.yaml' && params.remedy && params.remedyZh);
  }
});
