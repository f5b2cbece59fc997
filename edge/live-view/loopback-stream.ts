/**
 * node-rtsp-stream, kept to this machine. As it comes it listens on every address, lets everybody in, prints each viewer
 * to the console and dies where there is no ffmpeg. Here its server is on loopback, on any free port, and wants a key;
 * it reads prepared pictures from a pipe, so that no address of a camera stands among its arguments.
 */
import type { AddressInfo } from 'node:net';
import VideoStream from 'node-rtsp-stream';
import { WebSocketServer, type WebSocket } from 'ws';

/** Pictures a second: MPEG-1 has few rates, and this is one that all cameras here know. */
export const LIVE_FPS = 25;
const BITS_PER_SECOND = '1500k';
/** What a viewer may leave unread; what comes then is dropped for it. */
const MAX_WAITING_BYTES = 512 << 10;
/** What they are told beside the pictures is left out sooner: the next comes soon. */
const MAX_WAITING_NOTES = 128 << 10;
/** Messages are whole packets of the transport stream, so that one that is dropped leaves no torn one behind. */
const PACKET_BYTES = 188;

const ENCODER = {
  '-r': LIVE_FPS,
  '-b:v': BITS_PER_SECOND,
  '-maxrate': BITS_PER_SECOND,
  '-bufsize': '750k',
  '-bf': 0,
  '-muxdelay': '0.001',
  '-flush_packets': 1,
  '-threads': 1,
  '-loglevel': 'error',
  '-nostats': '',
};

export class LoopbackStream extends VideoStream {
  // Made while the constructor of the class above runs, hence `declare`.
  declare server: WebSocketServer;
  readonly #scene: string;

  /** @param key what the path of whoever connects must be. @param scene said to each of them */
  constructor(key: string, scene: string) {
    super({ name: key, streamUrl: 'pipe:0', ffmpegOptions: ENCODER });
    this.#scene = scene;
  }

  /** Beside the pictures, as text. */
  note(text: string): void {
    for (const viewer of this.server.clients as Set<WebSocket>)
      if (viewer.readyState === viewer.OPEN && viewer.bufferedAmount <= MAX_WAITING_NOTES) viewer.send(text);
  }

  override pipeStreamToSocketServer(): void {
    const path = `/${this.options.name}`;
    this.server = new WebSocketServer({ host: '127.0.0.1', port: 0, path, perMessageDeflate: false, maxPayload: 1024 });
    let rest: Buffer = Buffer.alloc(0);
    this.on('camdata', (data: Buffer) => {
      const bytes = rest.length > 0 ? Buffer.concat([rest, data]) : data;
      const whole = bytes.length - (bytes.length % PACKET_BYTES);
      rest = bytes.subarray(whole);
      if (whole > 0) this.#tellAll(bytes.subarray(0, whole));
    });
    this.server.on('connection', (viewer) => {
      viewer.on('error', () => viewer.terminate());
      viewer.on('close', () => this.emit('viewers'));
      viewer.send(this.#scene);
      this.emit('viewers');
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  #tellAll(packets: Buffer): void {
    for (const viewer of this.server.clients as Set<WebSocket>) {
      if (viewer.readyState !== viewer.OPEN) continue;
      if (viewer.bufferedAmount > MAX_WAITING_BYTES) this.emit('dropped');
      else viewer.send(packets);
    }
  }
}
