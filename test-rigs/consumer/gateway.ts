/** A real gateway for consumers of its streams, to be killed and started again, and all that it holds. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { StatusView } from '../../api/status.ts';
import { benchPauseMs } from '../bench/rig.ts';
import { startChild, type ChildProcessHandle } from '../processes/child.ts';
import { freePort } from '../../core/free-port.ts';
import type { ConsumedValue } from './sample.ts';

export const CONSUMER_EDGE = { id: 'my-edge', token: 'a-token' };
const CENTRE = '500112001';
/** Values of `W-1` from 2 on raise a warning. */
const RULE = {
  id: 'high', version: 1, type: 'threshold', title: { zh: '过高', en: 'too high' }, basis: 'test', select: { indicator: 'W-1' },
  direction: 'high', levels: { 3: { when: '>= 2.0' } }, off: { hysteresis: 0.1 }, autoClose: true,
};

export interface StreamGateway {
  readonly brokerUrl: string;
  readonly apiUrl: string;
  /** Killed with whatever is on its way, and started again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startStreamGateway(dir: string): Promise<StreamGateway> {
  const [brokerPort, httpPort] = [await freePort(), await freePort()];
  writeFileSync(join(dir, 'rule.yaml'), stringify(RULE));
  writeFileSync(
    join(dir, 'gateway.yaml'),
    stringify({
      gateway: 'g',
      centre: CENTRE,
      broker: { embedded: { port: brokerPort, edges: [CONSUMER_EDGE] } },
      http: { port: httpPort },
      rules: ['rule.yaml'],
      catalogue: [join(import.meta.dirname, '..', '..', 'configs', 'catalogue', 'yj-emergency.yaml')],
    }),
  );
  const start = (): Promise<ChildProcessHandle> =>
    startChild({
      name: 'gateway',
      module: join(import.meta.dirname, '..', 'processes', 'gateway-main.ts'),
      args: [join(dir, 'gateway.yaml')],
      logFile: join(dir, 'gateway.log'),
    });
  let gateway = await start();
  return {
    brokerUrl: `mqtt://127.0.0.1:${brokerPort}`,
    apiUrl: `http://127.0.0.1:${httpPort}`,
    async restart() {
      await gateway.kill();
      gateway = await start();
    },
    stop: () => gateway.stop(),
  };
}

/** The whole durable stream. */
export async function streamedEvents(apiUrl: string): Promise<ConsumedValue[]> {
  const events: ConsumedValue[] = [];
  for (let next = ''; ;) {
    const page = (await (await fetch(`${apiUrl}/api/v1/events?limit=5000${next && `&after=${next}`}`)).json()) as {
      items: ConsumedValue[];
      next: string;
    };
    if (page.items.length === 0) return events;
    events.push(...page.items);
    next = page.next;
  }
}

/** Every value of every series of the store, once it has all that was accepted. */
export async function storedValues(apiUrl: string): Promise<number[]> {
  for (let lag = 1; lag > 0; await benchPauseMs(20))
    lag = ((await (await fetch(`${apiUrl}/api/v1/status`)).json()) as StatusView).path.storeLag;
  const { items } = (await (await fetch(`${apiUrl}/api/v1/series?limit=1000`)).json()) as {
    items: { indicator: string; device: string; point: string }[];
  };
  const values: number[] = [];
  for (const { indicator, device, point } of items) {
    for (let next: string | null = ''; next !== null;) {
      const query = new URLSearchParams({
        indicator,
        device,
        point,
        from: '0',
        to: String(8.64e15),
        limit: '5000',
        ...(next && { after: next }),
      });
      const page = (await (await fetch(`${apiUrl}/api/v1/series?${query.toString()}`)).json()) as {
        items: { value: number }[];
        next: string | null;
      };
      values.push(...page.items.map(({ value }) => value));
      next = page.next;
    }
  }
  return values;
}
