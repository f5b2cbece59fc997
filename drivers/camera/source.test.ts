import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { settings } from './settings.ts';
import { redactCameraUrl, cameraSourceOf, withoutSecrets } from './source.ts';

test('user and password go to ffmpeg encoded and quoted, whatever is in them, and to nobody else', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 3, unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (password, user) => {
      const source = cameraSourceOf({ url: 'rtsp://10.0.0.9/live', user, password });
      assert.ok('list' in source.input);
      const file = /^file '(.*)'$/m.exec(source.input.list)?.[1]?.replaceAll("'\\''", "'") ?? '';
      const url = new URL(file);
      assert.deepEqual(
        [decodeURIComponent(url.username), decodeURIComponent(url.password), url.host, url.pathname],
        [user, password, '10.0.0.9', '/live'],
      );
      assert.equal(source.redactedUrl, 'rtsp://10.0.0.9/live');
      assert.equal(withoutSecrets(`Error opening input file ${file}.`, source), 'Error opening input file rtsp://10.0.0.9/live.');
    }),
  );
  assert.equal(
    withoutSecrets('tried rtsp://u:abc@10.0.0.9/x with abc', cameraSourceOf({ url: 'rtsp://10.0.0.9/live', user: 'u', password: 'abc' })),
    'tried rtsp://10.0.0.9/x with ***',
  );
});

test('what an address calls a password or a token is not shown', () => {
  assert.equal(redactCameraUrl('rtsp://cam/cam/realmonitor?channel=1&subtype=1'), 'rtsp://cam/cam/realmonitor?channel=1&subtype=1');
  assert.equal(redactCameraUrl('http://cam/live.flv?token=abc&channel=0'), 'http://cam/live.flv?token=***&channel=0');
  assert.equal(redactCameraUrl('rtsp://cam/user=admin&password=x&channel=1'), 'rtsp://cam/user=***&password=***&channel=1');
});

test('each kind of source may open its own and nothing else', () => {
  const protocols = (url: string) => cameraSourceOf({ url }).protocols.split(',');
  assert.deepEqual(protocols('file:a.avi'), ['file', 'pipe']);
  for (const url of ['rtsp://cam/1', 'http://cam/1'])
    assert.ok(!protocols(url).some((one) => ['file', 'concat', 'data', 'ftp', 'subfile'].includes(one)));
});

test('an address with a password in it is refused without being said again', () => {
  const { error } = settings.safeParse({ url: 'rtsp://admin:tiger@cam/1' });
  assert.equal(error?.issues.length, 1);
  assert.doesNotMatch(JSON.stringify(error?.issues.map(({ message, path }) => [message, path])), /tiger/);
});
