/**
 * Reads pictures from a socket whose other end is the output of a child process. Bytes are read directly into the memory
 * of their picture; a normal pipe would allocate a buffer per read, and collecting those would cost more than everything
 * else that is done with a picture.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Y4mCutter, type Y4mFrame } from './y4m.ts';

export interface PictureInput {
  /** For the child; ours is to be destroyed once it has it. */
  end: Socket;
  /** null when the stream is over. @throws RangeError when it is none of pictures */
  next(): Promise<Y4mFrame | null>;
  close(): void;
}

export async function openPictureInput(): Promise<PictureInput> {
  // Nobody else may look into the folder, and it is gone when both ends are there.
  const folder = await mkdtemp(join(tmpdir(), 'cv-camera-'));
  try {
    const server = createServer({ pauseOnConnect: true }).listen(join(folder, 'frames'));
    await once(server, 'listening');
    const came = once(server, 'connection') as Promise<[Socket]>;
    const reading = readInto(join(folder, 'frames'));
    const [end] = await came;
    server.close();
    return { end, ...reading };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readInto(path: string): Omit<PictureInput, 'end'> {
  const cutter = new Y4mCutter();
  let ready: Y4mFrame | null = null;
  let error: unknown = null;
  let over = false;
  let wake = () => {};
  const socket = connect({
    path,
    onread: {
      buffer: () => cutter.room(),
      callback(count) {
        try {
          ready = cutter.took(count);
        } catch (thrown) {
          error = thrown;
          socket.destroy();
        }
        if (ready || error) wake();
        // Until somebody asks, the next picture stays where it is.
        return ready === null;
      },
    },
  });
  const end = () => {
    over = true;
    wake();
  };
  // A child that is killed may cut it off; what that means is said by its exit.
  socket.on('error', end).on('end', end).on('close', end);
  return {
    async next() {
      if (ready === null) socket.resume();
      while (ready === null && error === null && !over) await new Promise<void>((resolve) => { wake = resolve; });
      if (error) throw error;
      const shot = ready as Y4mFrame | null;
      ready = null;
      return shot;
    },
    close: () => { socket.destroy(); },
  };
}
