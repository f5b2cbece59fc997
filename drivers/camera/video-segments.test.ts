import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RingSegment } from '../../core/ring.ts';
import { exitFault } from './ffmpeg-exit.ts';
import { ffmpegArguments } from './ffmpeg.ts';
import { VideoSegments } from './video-segments.ts';
import { FfmpegLog } from './ffmpeg-log.ts';
import { cameraSourceOf } from './source.ts';

function heard(isFile: boolean) {
  const took: [string, number, number, number][] = [];
  const troubles: string[] = [];
  const pieces = new VideoSegments(
    {
      took: ({ name, fromMs, toMs, durationMs }: RingSegment) => {
        took.push([name, fromMs, toMs, durationMs]);
      },
      trouble: (words) => {
        troubles.push(words);
      },
    },
    isFile,
  );
  return { pieces, took, troubles };
}

test('pieces are told in the time of the pictures, however their lines are cut', () => {
  const { pieces, took } = heard(false);
  pieces.receive('0.mkv,0.000000,2.000000\n');
  pieces.place(3000, 500_000);
  pieces.receive('1.mkv,2.000000,4.00');
  pieces.receive('0000\n2.mkv,4.000000,6.000000\r\n');
  assert.deepEqual(took, [['1.mkv', 499_000, 501_000, 2000], ['2.mkv', 501_000, 503_000, 2000]], 'not before the first picture');
});

test('what follows a failure or a leap of the stream\'s clock, and what is no line, is left out', () => {
  const { pieces, took } = heard(true);
  pieces.receive('0.mkv,0.0,2.0\n0.mkv,0.0,8.0\n1.mkv,8.0,10.0\nx\n../2.mkv,10,12\n2.mkv,10.0,10.0\n3.mkv,12.0,14.0\n');
  assert.deepEqual(took, [['0.mkv', 0, 2000, 2000], ['1.mkv', 8000, 10_000, 2000], ['3.mkv', 12_000, 14_000, 2000]]);
});

test('where the stream has no times of its own a piece begins where the last one ended', () => {
  const { pieces, took } = heard(false);
  pieces.place(1000, 5000);
  pieces.receive('0.mkv,0.0,2.0\n');
  pieces.place(3000, 12_000);
  pieces.receive('1.mkv,2.0,4.0\n');
  assert.deepEqual(took, [['0.mkv', 4000, 6000, 2000], ['1.mkv', 6000, 13_000, 2000]]);
});

test('only where clips are wanted is there a further output, and what is wrong with it is no matter of the pictures', () => {
  const source = cameraSourceOf({ url: 'file:./a.mp4' });
  const options = { source, fps: 5, size: {}, loop: false, decode: 'all', hardware: 'none' } as const;
  const plain = ffmpegArguments(options);
  const opening = { dir: '/r/50%', pieceMs: 2000, is() {}, took() {}, trouble() {}, end() {} };
  const ringed = ffmpegArguments({ ...options, ring: opening });
  assert.deepEqual(ringed.slice(0, plain.length), plain);
  assert.deepEqual([plain.includes('copy'), ringed.at(-1)], [false, '/r/50%%/%d.mkv']);

  const said = new FfmpegLog();
  const beside: string[] = [];
  said.onSegmentError = (words) => {
    beside.push(words);
  };
  said.receive(
    "[segment @ 0x5634] [error] Failure occurred when ending segment '/r/2.mkv'\n[fifo @ 0x5634] [warning] FIFO queue full\n[out#1/fifo @ 0x5634] [error] Error writing trailer: No space left on device\n",
  );
  said.end();
  assert.deepEqual(beside, ["Failure occurred when ending segment '/r/2.mkv'", 'Error writing trailer: No space left on device']);
  assert.deepEqual([said.first, said.last, said.damaged()], ['', '', false]);
  const ended = (last: string) =>
    exitFault({
      source,
      exit: { code: 228, signal: null },
      log: { first: last, last, opening: '', lastSegmentError: said.lastSegmentError },
      pictures: 7,
    }).fault.code;
  assert.deepEqual([ended(''), ended('Invalid data found')], ['CV_VIDEO_ENDED', 'CV_VIDEO_STOPPED']);
});
