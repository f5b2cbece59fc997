import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FaultError } from '../core/faults.ts';
import { readFrames } from './decode-input.ts';

const given = (text: string, input: Parameters<typeof readFrames>[2] = 'auto') =>
  readFrames(Buffer.from(text, 'latin1'), 'x', input).map((frame) => Buffer.from(frame).toString('latin1'));

test('text of HJ 212 is taken as it is, a comment before it is not', () => {
  const packet = '##0010QN=1;CN=20CRC0\r\n';
  assert.deepEqual(given(packet), [packet]);
  assert.deepEqual(given(`# from a logger\n#\n${packet}${packet}`), [packet + packet]);
  assert.deepEqual(given(`##0010NAME=\xc4\xe3${packet}`), [`##0010NAME=\xc4\xe3${packet}`]);
});

test('lines of hex, with comments; other text and bytes as they are', () => {
  assert.deepEqual(given('# one\n41 42\n\n0x43,44\n'), ['AB', 'CD']);
  assert.deepEqual(given('$GPGGA,1*00\r\n'), ['$GPGGA,1*00\r\n']);
  assert.deepEqual(given('\x00\x01# \n'), ['\x00\x01# \n']);
  assert.deepEqual(given(''), []);
});

test('whoever says what it is is believed', () => {
  assert.deepEqual(given('41 42\n', 'text'), ['41 42\n']);
  assert.deepEqual(given('# not dropped\n', 'text'), ['# not dropped\n']);
  assert.deepEqual(given('41\n', 'binary'), ['41\n']);
  for (const wrong of ['##00', '01 0', '#comment'])
    assert.throws(
      () => given(wrong, 'hex'),
      (error) => error instanceof FaultError && error.fault.code === 'CV_INPUT_UNREADABLE',
    );
});
