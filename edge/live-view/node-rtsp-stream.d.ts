/** The part of node-rtsp-stream that is used here; the package brings no types. */
declare module 'node-rtsp-stream' {
  import type { ChildProcess } from 'node:child_process';
  import type { EventEmitter } from 'node:events';

  interface Options {
    name: string;
    /** Stands in ffmpeg's arguments, which everybody on the machine can read. */
    streamUrl: string;
    ffmpegPath?: string;
    /** Behind the input; '' for those without a value. */
    ffmpegOptions?: Record<string, string | number>;
  }
  export default class VideoStream extends EventEmitter {
    constructor(options: Options);
    options: Options;
    /** Its ffmpeg. */
    stream: ChildProcess;
    /** Called by the constructor; as it comes, listens on every address and prints to the console. */
    pipeStreamToSocketServer(): unknown;
  }
}
