/** A listening port in memory on a virtual clock, with simulated data loggers. */
import assert from 'node:assert/strict';
import { MemorySocket } from '../../../cases/memory-socket.ts';
import type { Fault } from '../../../core/faults.ts';
import { realNet } from '../../../core/net.ts';
import { settle, testWorld } from '../../../core/testing/virtual-clock.ts';
import { decode } from '../decode.ts';
import type { Hj212Frame } from '../frame.ts';
import { open, type Hj212Link } from '../link.ts';
import { point, settings, type Hj212Point } from '../settings.ts';
import { hj212PacketBytes, qnText } from './data-logger.ts';

export const TEST_MN = 'A1';

/** A message of the platform, parsed independently of the driver. */
interface ParsedMessage {
  qn: string;
  st: string;
  cn: string;
  pw: string;
  mn: string;
  flag: string;
  content: string;
}

export type Hj212HeaderFields = Partial<Record<'qn' | 'pw' | 'mn' | 'st' | 'flag', string>>;

export interface MemoryLogger {
  readonly socket: MemorySocket;
  /** Messages of the platform, in order. */
  readonly received: ParsedMessage[];
  readonly cns: () => string[];
  /** Sends one message. @returns its QN */
  send(cn: string, content: string, more?: Hj212HeaderFields): Promise<string>;
  sendBytes(bytes: Uint8Array | string): Promise<void>;
  hangUp(isReset?: boolean): Promise<void>;
  isDisconnected: boolean;
  /** Arguments of the socket's setKeepAlive. */
  keepAlive: [isOn: boolean | undefined, afterMs: number | undefined];
}

export function memoryPort() {
  const base = testWorld();
  const { clock } = base;
  const faults: Fault[] = [];
  let accept: ((socket: ReturnType<MemorySocket['asSocket']>) => void) | null = null;
  let ports = 0;
  let qn = clock.nowMs();
  /** Sockets for the next dials, in order. */
  const dialled: MemorySocket[] = [];
  const net: typeof realNet = {
    ...realNet,
    listen: async ({ port }, take) => {
      accept = take;
      ports += 1;
      return { port, close: async () => { ports -= 1; accept = null; } };
    },
    connect: async () => (dialled.shift() as MemorySocket).asSocket(),
  };
  const world = {
    ...base,
    net,
    tell: (event: Parameters<typeof base.tell>[0]) => {
      base.tell(event);
      if (event.kind === 'fault') faults.push(event.fault);
    },
  };

  function memoryLogger(): MemoryLogger {
    const received: ParsedMessage[] = [];
    let held = '';
    const socket = new MemorySocket(
      {
        received(bytes) {
          held += Buffer.from(bytes).toString('latin1');
          for (let end = held.indexOf('\r\n'); end >= 0; end = held.indexOf('\r\n')) {
            const packet = held.slice(0, end + 2);
            held = held.slice(end + 2);
            const data = packet.slice(6, -6);
            assert.equal(packet, hj212PacketBytes(data).toString('latin1'), 'head, length, check value and line end of our packet');
            const [, head = '', content = ''] = /^(.*?);CP=&&(.*)&&$/s.exec(data) ?? [];
            const field = (name: string) => new RegExp(`(?:^|;)${name}=([^;]*)`).exec(head)?.[1] ?? '';
            received.push({
              qn: field('QN'),
              st: field('ST'),
              cn: field('CN'),
              pw: field('PW'),
              mn: field('MN'),
              flag: field('Flag'),
              content,
            });
          }
        },
        closed() {
          self.isDisconnected = true;
        },
      },
      40_000,
    );
    const self: MemoryLogger = {
      socket, received, isDisconnected: false, keepAlive: [undefined, undefined], cns: () => received.map(({ cn }) => cn),
      async send(cn, content, more = {}) {
        const number = more.qn ?? qnText((qn += 1));
        const password = more.pw === undefined ? 'PW=123456;' : more.pw && `PW=${more.pw};`;
        await self.sendBytes(
          hj212PacketBytes(
            `QN=${number};ST=${more.st ?? '22'};CN=${cn};${password}MN=${more.mn ?? TEST_MN};${more.flag ?? 'Flag=5'};CP=&&${content}&&`,
          ),
        );
        return number;
      },
      async sendBytes(bytes) {
        socket.deliver(Buffer.from(bytes as string, 'latin1'));
        await settle();
      },
      async hangUp(isReset = false) {
        socket.disconnect(isReset);
        await settle();
      },
    };
    socket.setKeepAlive = (isOn?: boolean, afterMs?: number) => {
      self.keepAlive = [isOn, afterMs];
      return socket;
    };
    return self;
  }

  return {
    world,
    clock,
    faults,
    told: base.told,
    codes: () => faults.map(({ code }) => code),
    /** Number of ports that are listened on. */
    ports: () => ports,
    /** A logger dials the port. */
    dial(): MemoryLogger {
      const one = memoryLogger();
      assert.ok(accept, 'nobody listens');
      accept(one.socket.asSocket());
      return one;
    },
    /** A logger waits to be dialled. */
    waits(): MemoryLogger {
      const one = memoryLogger();
      dialled.push(one.socket);
      return one;
    },
    /** Opens a link and collects its frames; unless `isTaken` is false each is confirmed as stored at once. */
    async station(points: readonly Record<string, unknown>[], more: Record<string, unknown> = {}, isTaken = true) {
      const wanted = points.map((one) => ({ id: String(one.id), ...(point.parse(one) as Hj212Point) }));
      const link: Hj212Link = await open(
        settings.parse({ ...('host' in more ? {} : { listen: '127.0.0.1:8212' }), mn: TEST_MN, ...more }),
        wanted,
        world,
      );
      const frames: Hj212Frame[] = [];
      const ending = new AbortController();
      const listening = link.listen?.((frame) => {
        frames.push(frame);
        if (isTaken) link.confirmStored?.(frame);
      }, ending.signal) as Promise<void>;
      let error: unknown = null;
      listening.catch((reason: unknown) => {
        error = reason;
      });
      return {
        link, frames, listening, error: () => error,
        /** Values of all uploads so far, or the fault code of a frame without. */
        given: () => frames.flatMap((frame) => {
          const decoded = decode(frame);
          return decoded.ok ? (decoded.values ?? []).map(({ value }) => value) : [decoded.fault.code];
        }),
        async end() {
          ending.abort();
          await listening.catch(() => {});
          await link.close();
          await clock.advanceMs(300);
        },
      };
    },
  };
}
