/** A camera on loopback: RTSP with digest authentication, RTP over the same connection, pictures as a test wants them. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface CameraOptions {
  /** Its stream, over and over; each picture as units of H.264. */
  pictures: Buffer[][];
  user?: string;
  password?: string;
  /** Answered to whoever asks for the stream instead of it, such as `453 Not Enough Bandwidth`. */
  refuses?: string;
  /** Time of picture n, ms; left out: 10 a second. */
  timeMs?(number: number): number;
  /** What becomes of a packet on its way. */
  spoil?(packet: Buffer): Buffer;
  /** After so many pictures it is silent, or hangs up. */
  pictureLimit?: { count: number; end: 'silent' | 'gone' };
}

export interface RtspCamera {
  url: string;
  port: number;
  /** Requests so far, as `DESCRIBE 401`. */
  answers: string[];
  connections(): number;
  /** Resolves once nobody is connected. */
  left(): Promise<void>;
  stop(): Promise<void>;
}

const PATH = '/live/sub';
const REALM = 'camera';
const NONCE = '5f1c0a';
const CLOCK_PER_MS = 90;
/** Faster than the times in it say, so that tests are short. */
const SEND_EVERY_MS = 10;

const md5 = (text: string) => createHash('md5').update(text).digest('hex');

export async function startRtspCamera(options: CameraOptions): Promise<RtspCamera> {
  const sockets = new Set<Socket>();
  const answers: string[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) server.emit('left');
    }).on('error', () => { socket.destroy(); });
    serve(socket, options, answers);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  return {
    url: `rtsp://127.0.0.1:${port}${PATH}`, port, answers,
    connections: () => sockets.size,
    left: async () => { if (sockets.size > 0) await once(server, 'left'); },
    stop: () => new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    }),
  };
}

function serve(socket: Socket, options: CameraOptions, answers: string[]): void {
  let rest = '';
  let stop = () => {};
  socket.on('close', () => stop());
  socket.on('data', (bytes) => {
    rest += bytes.toString('latin1');
    for (let end = rest.indexOf('\r\n\r\n'); end >= 0; end = rest.indexOf('\r\n\r\n')) {
      // The other side's reports stand before a request, in frames of their own.
      const request = rest.slice(0, end).replace(/^[^]*?(?=[A-Z_]{4,} rtsp:)/, '');
      rest = rest.slice(end + 4);
      const [method = ''] = request.split(' ');
      const status = statusOf(method, request, options);
      answers.push(`${method} ${status.slice(0, 3)}`);
      socket.write(answer(request, method, status));
      if (method === 'PLAY' && status.startsWith('200')) stop = play(socket, options);
      if (method === 'TEARDOWN') stop();
    }
  });
}

function statusOf(method: string, request: string, options: CameraOptions): string {
  if (method === 'OPTIONS') return '200 OK';
  const [, uri = '', ] = request.split(' ');
  if (options.password !== undefined && !isAllowed(method, request, options)) return '401 Unauthorized';
  if (options.refuses && method === 'DESCRIBE') return options.refuses;
  return new URL(uri).pathname.startsWith(PATH) ? '200 OK' : '404 Not Found';
}

function isAllowed(method: string, request: string, { user = '', password = '' }: CameraOptions): boolean {
  const header = /^Authorization: Digest (.*)$/im.exec(request)?.[1] ?? '';
  const of = (key: string) => new RegExp(`\\b${key}="([^"]*)"`).exec(header)?.[1] ?? '';
  return (
    of('username') === user && of('response') === md5(`${md5(`${user}:${REALM}:${password}`)}:${NONCE}:${md5(`${method}:${of('uri')}`)}`)
  );
}

function answer(request: string, method: string, status: string): string {
  const lines = [`RTSP/1.0 ${status}`, `CSeq: ${/^CSeq: (\d+)/im.exec(request)?.[1] ?? 0}`];
  if (status.startsWith('401')) lines.push(`WWW-Authenticate: Digest realm="${REALM}", nonce="${NONCE}"`);
  const sdp =
    method === 'DESCRIBE' && status.startsWith('200')
      ? [
          'v=0',
          'o=- 1 1 IN IP4 127.0.0.1',
          's=camera',
          't=0 0',
          'm=video 0 RTP/AVP 96',
          'a=rtpmap:96 H264/90000',
          'a=fmtp:96 packetization-mode=1',
          'a=control:track1',
          '',
        ].join('\r\n')
      : '';
  if (sdp !== '') lines.push('Content-Type: application/sdp', `Content-Length: ${sdp.length}`);
  if (method === 'SETUP') lines.push('Transport: RTP/AVP/TCP;unicast;interleaved=0-1', 'Session: 1;timeout=60');
  if (method === 'PLAY') lines.push('Session: 1');
  return `${lines.join('\r\n')}\r\n\r\n${sdp}`;
}

function play(
  socket: Socket,
  { pictures, timeMs = (number) => number * 100, spoil = (packet) => packet, pictureLimit }: CameraOptions,
): () => void {
  let number = 0;
  let sequence = 0;
  let isOver = false;
  const send = () => {
    if (isOver) return;
    if (pictureLimit && number >= pictureLimit.count) {
      stop();
      if (pictureLimit.end === 'gone') socket.destroy();
      return;
    }
    const units = pictures[number % pictures.length] as Buffer[];
    units.forEach((unit, at) => {
      const head = Buffer.alloc(4 + 12);
      head.writeUInt8(0x24, 0);
      head.writeUInt16BE(12 + unit.length, 2);
      head.writeUInt8(0x80, 4);
      head.writeUInt8((at === units.length - 1 ? 0x80 : 0) | 96, 5);
      head.writeUInt16BE(sequence & 0xffff, 6);
      head.writeUInt32BE(Math.round(timeMs(number) * CLOCK_PER_MS) % 2 ** 32, 8);
      head.writeUInt32BE(7, 12);
      sequence += 1;
      socket.write(Buffer.concat([head, spoil(unit)]));
    });
    number += 1;
  };
  // After what has come meanwhile was read: writing to one that has said farewell and gone would lose its words.
  const timer = setInterval(() => { setImmediate(send); }, SEND_EVERY_MS);
  function stop(): void {
    isOver = true;
    clearInterval(timer);
  }
  return stop;
}
