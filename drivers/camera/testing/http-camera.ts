/** A camera on loopback that sends its pictures by HTTP: one by one (multipart), as one long FLV, or as files of some seconds each (HLS). */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const SEND_EVERY_MS = 20;
const BOUNDARY = 'picture';

export interface HttpCamera {
  url: string;
  stop(): Promise<void>;
}

/**
 * @param content pictures to be sent over and over, one stream to be sent once, or files by name
 * @param everyMs between two pictures @param most after so many it hangs up
 */
export async function startHttpCamera(
  content: Buffer[] | Buffer | ReadonlyMap<string, Buffer>,
  { everyMs = SEND_EVERY_MS, most = Infinity } = {},
): Promise<HttpCamera> {
  const server = createServer((request, response) => {
    if (!Array.isArray(content) && !Buffer.isBuffer(content)) {
      const file = content.get(request.url?.slice(1) ?? '');
      response.writeHead(file ? 200 : 404).end(file);
      return;
    }
    if (Buffer.isBuffer(content)) {
      response.writeHead(200, { 'content-type': 'video/x-flv' }).end(content);
      return;
    }
    response.writeHead(200, { 'content-type': `multipart/x-mixed-replace; boundary=${BOUNDARY}` });
    let number = 0;
    const sending = setInterval(() => {
      const jpeg = content[number % content.length] as Buffer;
      number += 1;
      if (number > most) return void response.end();
      response.write(
        Buffer.concat([
          Buffer.from(`--${BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`),
          jpeg,
          Buffer.from('\r\n'),
        ]),
      );
    }, everyMs);
    response.on('close', () => clearInterval(sending));
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/live`,
    stop: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}
