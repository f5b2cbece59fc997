/** A broker of its own that is given what a gateway publishes, save every fifth message: a link that loses some. */
import { createServer, type AddressInfo } from 'node:net';
import { Aedes } from 'aedes';
import { connectAsync } from 'mqtt';

export interface LossyBridge {
  readonly url: string;
  readonly dropped: number;
  /** Resolves when it hears the gateway (again) and passes everything on from now. */
  mend(): Promise<void>;
  close(): Promise<void>;
}

const FILTER = 'cv/v1/out/#';
const EVERY = 5;

export async function openLossyBridge(fromUrl: string): Promise<LossyBridge> {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle);
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const source = await connectAsync(fromUrl, { protocolVersion: 4, clean: true, reconnectPeriod: 100 });
  let heard = 0;
  let dropped = 0;
  let isLossy = true;
  // While the gateway is down, the client tries again by itself.
  source.on('error', () => {});
  source.on('message', (topic, payload) => {
    heard += 1;
    if (isLossy && heard % EVERY === 0) dropped += 1;
    else broker.publish({ cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false }, () => {});
  });
  await source.subscribeAsync(FILTER, { qos: 1 });
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get dropped() { return dropped; },
    async mend() {
      await source.subscribeAsync(FILTER, { qos: 1 });
      isLossy = false;
    },
    async close() {
      await source.endAsync(true);
      await new Promise<void>((resolve) => { broker.close(resolve); });
      server.close();
    },
  };
}
