/**
 * The process of one live view, forked by `live-process.ts`: one ffmpeg reads the camera, the mask is painted, and
 * node-rtsp-stream's ffmpeg makes MPEG-1 of it for whoever connects. It ends when either of them does, when nobody has
 * watched for a while, and when whoever forked it is gone.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { Y4mCutter, type Y4mFrame } from '../../drivers/camera/y4m.ts';
import { PrivacyMask } from '../infer/mask/privacy-mask.ts';
import { LIVE_FPS, LoopbackStream } from './loopback-stream.ts';
import type { LiveWorkerMessage, LiveEnd, ViewerMessage, LiveStart } from './worker-messages.ts';

/** Longest side across: what a browser decodes by itself must stay cheap on a telephone. */
const MAX_WIDTH = 960;
/** Square pixels; planes of colour need even sides. */
const SIZE = `scale=w='2*max(8,trunc(min(${MAX_WIDTH},iw*max(sar,0.1))/2))':h='2*max(8,trunc(ih*min(1,${MAX_WIDTH}/(iw*max(sar,0.1)))/2))':flags=bilinear:out_range=tv,setsar=1`;
const MAX_SAID_CHARACTERS = 4000;
/** A camera with few sessions wants to be told that one is over. */
const FAREWELL_MS = 200;
/** How often is said that pictures go out: the silence of one that hangs is heard. */
const FLOWS_EVERY_MS = 1000;

process.once('message', (message: LiveStart) => run(message));

function run({ input, filters, stdin, mask, scene, key, lingerMs }: LiveStart): void {
  let said = '';
  let isEnding = false;
  const reader = spawn(
    'ffmpeg',
    [
      ...input,
      '-map',
      '0:v:0',
      '-vf',
      [...filters, `fps=${LIVE_FPS}`, SIZE].join(','),
      '-pix_fmt',
      'yuv420p',
      '-f',
      'yuv4mpegpipe',
      'pipe:1',
    ],
    { stdio: 'pipe' },
  );
  reader.stdin.on('error', () => {}).end(stdin);
  reader.stderr.setEncoding('utf8').on('data', (text: string) => { said = (said + text).slice(0, MAX_SAID_CHARACTERS); });
  reader.once('error', ({ code = '' }: NodeJS.ErrnoException) => { void end({ startError: code }); });
  reader.once('close', (code, signal) => { void end({ code, signal }); });
  reader.once('spawn', () => { if (!isEnding) show(); });
  process.once('disconnect', () => { void end({ isIdle: true }); });

  function show(): void {
    const stream = new LoopbackStream(key, scene);
    const encoder = stream.stream;
    encoder.once('error', ({ code = '' }: NodeJS.ErrnoException) => { void end({ startError: code }); });
    encoder.once('close', (code, signal) => { void end({ code, signal }); });
    stream.server.once('error', (error) => { void end({ startError: error.message }); });
    feed(reader.stdout, encoder, mask).catch((error: Error) => {
      said += `\n[error] ${error.message}`;
      void end({ code: 1 });
    });
    let idle: NodeJS.Timeout;
    const attend = () => {
      clearTimeout(idle);
      if (stream.server.clients.size === 0) idle = setTimeout(leave, lingerMs);
    };
    stream.on('viewers', attend);
    process.on('message', ({ text }: ViewerMessage) => stream.note(text));
    stream.on('dropped', () => say({ kind: 'dropped' }));
    let saidMs = -Infinity;
    stream.on('camdata', () => {
      const nowMs = performance.now();
      if (nowMs - saidMs < FLOWS_EVERY_MS) return;
      saidMs = nowMs;
      say({ kind: 'flows' });
    });
    const begun = Promise.all([once(stream.server, 'listening'), once(stream, 'camdata')]);
    void begun.then(() => {
      say({ kind: 'ready', port: stream.port });
      attend();
    }, () => {}); // the error itself has called `end`
  }

  function leave(): void {
    void end({ isIdle: true });
  }

  async function end(how: Partial<LiveEnd>): Promise<void> {
    if (isEnding) return;
    isEnding = true;
    const closed = once(reader, 'close');
    if (reader.pid !== undefined && reader.exitCode === null && reader.signalCode === null) {
      reader.stdout.destroy();
      reader.kill('SIGTERM');
      await Promise.race([closed, new Promise((resolve) => { setTimeout(resolve, FAREWELL_MS); })]);
      reader.kill('SIGKILL');
    }
    say({ kind: 'end', isIdle: false, code: null, signal: null, ...how, said });
    // The other ffmpeg ends with its pipe.
    if (process.connected) process.disconnect();
    process.exit(0);
  }
}

/** From the one ffmpeg to the other, what nobody may see painted over; no faster than it is taken. */
async function feed(pictures: Readable, { stdin }: ChildProcess, polygons: LiveStart['mask']): Promise<void> {
  const sink = stdin as Writable;
  sink.on('error', () => {}); // its process is gone, and says so
  const mask = new PrivacyMask(polygons);
  const cutter = new Y4mCutter();
  let isHeadWritten = false;
  for await (const chunk of pictures as AsyncIterable<Buffer>) {
    for (const shot of cut(cutter, chunk)) {
      mask.paint(shot);
      if (!isHeadWritten) sink.write(`YUV4MPEG2 W${shot.width} H${shot.height} F${LIVE_FPS}:1 Ip A1:1 C420mpeg2\n`);
      isHeadWritten = true;
      sink.write('FRAME\n');
      if (!sink.write(shot.yuv)) await once(sink, 'drain');
    }
  }
  sink.end();
}

function* cut(cutter: Y4mCutter, chunk: Uint8Array): Generator<Y4mFrame> {
  for (let at = 0; at < chunk.length;) {
    const room = cutter.room();
    const part = chunk.subarray(at, at + room.length);
    room.set(part);
    at += part.length;
    const shot = cutter.took(part.length);
    if (shot) yield shot;
  }
}

function say(message: LiveWorkerMessage): void {
  if (process.connected) process.send?.(message);
}
