import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitFault } from './ffmpeg-exit.ts';
import { FfmpegLog } from './ffmpeg-log.ts';
import { cameraSourceOf } from './source.ts';

function said(text: string, pieces = 7): FfmpegLog {
  const heard = new FfmpegLog();
  for (let at = 0; at < text.length; at += pieces) heard.receive(text.slice(at, at + pieces));
  heard.end();
  return heard;
}

test('what the source sends, as several demuxers put it', () => {
  const stream = (line: string) =>
    said(
      `[info] Input #0, concat, from 'pipe:0':\n[info]   ${line}\n[info]   Stream #0:0: Video: wrapped_avframe, yuv420p(tv, progressive), 640x360, q=2-31, 200 kb/s, 5 fps, 5 tbn\n`,
    ).stream;
  assert.deepEqual(
    stream('Stream #0:0: Video: hevc (Main), yuv420p(tv, smpte170m), 2560x1440 [SAR 1:1 DAR 16:9], 12.50 fps, 25 tbr, 90k tbn'),
    { codec: 'hevc', width: 2560, height: 1440, fps: 12.5 },
  );
  assert.deepEqual(
    stream(
      'Stream #0:0: Video: mjpeg (Baseline), yuvj420p(pc, bt470bg/unknown/unknown), 320x240 [SAR 1:1 DAR 4:3], 10 fps, 10 tbr, 90k tbn',
    ),
    { codec: 'mjpeg', width: 320, height: 240, fps: 10 },
  );
  assert.deepEqual(stream('Stream #0:1[0x100](eng): Video: h264 (High) ([27][0][0][0] / 0x001B), yuv420p(progressive), 704x576, 90k tbn'), {
    codec: 'h264',
    width: 704,
    height: 576,
    fps: 0,
  });
});

test('how an opening failed is found among what was said', () => {
  const fault = (...lines: string[]) =>
    exitFault({
      source: cameraSourceOf({ url: 'rtsp://cam/1' }),
      exit: { code: 1, signal: null },
      log: said(lines.map((line) => `[in#0 @ 0x55] [error] ${line}\n`).join('')),
      pictures: 0,
    }).fault;
  assert.equal(fault('method DESCRIBE failed: 401 Unauthorized').code, 'CV_CAMERA_LOGIN');
  assert.equal(fault('Error opening input: Server returned 403 Forbidden (access denied)').code, 'CV_CAMERA_LOGIN');
  assert.equal(fault('Error opening input: Server returned 5XX Server Error reply').code, 'CV_CAMERA_BUSY');
  assert.equal(fault('method SETUP failed: 454 Session Not Found').code, 'CV_CAMERA_NO_STREAM');
  assert.equal(fault('Connection to tcp://10.0.0.9:554 failed: Connection timed out').code, 'CV_LINK_UNREACHABLE');
  assert.equal(fault('Connection to tcp://10.0.0.9:554 failed: No route to host').code, 'CV_LINK_UNREACHABLE');
  assert.equal(fault('Decoding requested, but no decoder found for: none', 'Error opening output file').code, 'CV_CAMERA_CODEC');
  assert.equal(fault("Line 3: unknown keyword 'option'").code, 'CV_FFMPEG_OLD');
  assert.deepEqual(fault('Invalid data found when processing input').params.detail, 'Invalid data found when processing input');
  assert.equal(
    fault("Impossible to open 'http://cam/1'", 'Error opening input: Invalid data found when processing input').params.detail,
    'Error opening input: Invalid data found when processing input',
  );
  assert.equal(fault().code, 'CV_CAMERA_NO_VIDEO');
});

test('however much is said, little is kept, and no half of a secret', () => {
  const heard = new FfmpegLog((text) => text.replaceAll('tiger', '***'));
  for (let line = 0; line < 5000; line += 1) heard.receive(`[error] ${'x'.repeat(line % 700)} tiger\n`);
  heard.receive(`[error] ${'y'.repeat(20_000)}tig`);
  heard.receive('er\n');
  heard.end();
  assert.ok(heard.opening.length < 4000 && heard.first.length <= 600 && heard.last.length <= 600);
  assert.doesNotMatch(heard.opening + heard.first + heard.last, /tig/);
  assert.equal(heard.damaged(), true);
  assert.equal(heard.damaged(), false);
});
