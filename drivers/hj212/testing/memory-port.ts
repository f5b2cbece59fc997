/** A station's port in memory and on a virtual clock: what data loggers say and hear on it, message by message. */
import assert from 'node:assert/strict';
import { MemorySocket } from '../../../cases/memory-socket.ts';
import type { Fault } from '../../../core/faults.ts';
import { realNet } from '../../../core/net.ts';
import { settle, testWorld } from '../../../core/testing/virtual-clock.ts';
import { decode } from '../decode.ts';
import type { Hj212Frame } from '../frame.ts';
import { open, type Hj212Link } from '../link.ts';
import { point, settings, type Hj212Point } from '../settings.ts';
import { framed, stamp } from './logger.ts';

export const MN = 'A1';

/** What the platform said, read by nothing of the driver. */
interface Said {
  qn: string;
  st: string;
  cn: string;
  pw: string;
  mn: string;
  flag: string;
  content: string;
}

export type Header = Partial<Record<'qn' | 'pw' | 'mn' | 'st' | 'flag', string>>;

export interface Speaker {
  readonly socket: MemorySocket;
  /** What it heard, in order. */
  readonly heard: Said[];
  readonly cns: () => string[];
  /** Says one message. @returns its QN */
  say(cn: string, content: string, more?: Header): Promise<string>;
  bytes(bytes: Uint8Array | string): Promise<void>;
  hangUp(isReset?: boolean): Promise<void>;
  isLetGo: boolean;
  /** As it was asked of its socket. */
  keepAlive: [isOn: boolean | undefined, afterMs: number | undefined];
}

export function memoryPort() {
  const base = testWorld();
  const { clock } = base;
  const faults: Fault[] = [];
  let accept: ((socket: ReturnType<MemorySocket['asSocket']>) => void) | null = null;
  let ports = 0;
  let qn = clock.nowMs();
  /** Those that we dial; taken in order. */
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
  const world = { ...base, net, tell: (event: Parameters<typeof base.tell>[0]) => {
    base.tell(event);
    if (event.kind === 'fault') faults.push(event.fault);
  } };

  function speaker(): Speaker {
    const heard: Said[] = [];
    let held = '';
    const socket = new MemorySocket({
      received(bytes) {
        held += Buffer.from(bytes).toString('latin1');
        for (let end = held.indexOf('\r\n'); end >= 0; end = held.indexOf('\r\n')) {
          const packet = held.slice(0, end + 2);
          held = held.slice(end + 2);
          const data = packet.slice(6, -6);
          assert.equal(packet, framed(data).toString('latin1'), 'head, length, check value and line end of what we send');
          const [, head = '', content = ''] = /^(.*?);CP=&&(.*)&&$/s.exec(data) ?? [];
          const field = (name: string) => new RegExp(`(?:^|;)${name}=([^;]*)`).exec(head)?.[1] ?? '';
          heard.push({ qn: field('QN'), st: field('ST'), cn: field('CN'), pw: field('PW'), mn: field('MN'), flag: field('Flag'), content });
        }
      },
      closed() { self.isLetGo = true; },
    }, 40_000);
    const self: Speaker = {
      socket, heard, isLetGo: false, keepAlive: [undefined, undefined], cns: () => heard.map(({ cn }) => cn),
      async say(cn, content, more = {}) {
        const number = more.qn ?? stamp(qn += 1);
        const password = more.pw === undefined ? 'PW=123456;' : more.pw && `PW=${more.pw};`;
        await self.bytes(framed(`QN=${number};ST=${more.st ?? '22'};CN=${cn};${password}MN=${more.mn ?? MN};${more.flag ?? 'Flag=5'};CP=&&${content}&&`));
        return number;
      },
      async bytes(bytes) {
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
    world, clock, faults, told: base.told,
    codes: () => faults.map(({ code }) => code),
    /** Ports that are listened on now. */
    ports: () => ports,
    /** Someone dials the port. */
    dial(): Speaker {
      const one = speaker();
      assert.ok(accept, 'nobody listens');
      accept(one.socket.asSocket());
      return one;
    },
    /** Someone waits to be dialled. */
    waits(): Speaker {
      const one = speaker();
      dialled.push(one.socket);
      return one;
    },
    /** A link and all that it gives, taken (that is, on disk) at once unless told otherwise. */
    async station(points: readonly Record<string, unknown>[], more: Record<string, unknown> = {}, isTaken = true) {
      const wanted = points.map((one) => ({ id: String(one.id), ...(point.parse(one) as Hj212Point) }));
      const link: Hj212Link = await open(settings.parse({ ...('host' in more ? {} : { listen: '127.0.0.1:8212' }), mn: MN, ...more }), wanted, world);
      const frames: Hj212Frame[] = [];
      const ending = new AbortController();
      const listening = link.listen?.((frame) => {
        frames.push(frame);
        if (isTaken) link.taken?.(frame);
      }, ending.signal) as Promise<void>;
      let error: unknown = null;
      listening.catch((reason: unknown) => { error = reason; });
      return {
        link, frames, listening, error: () => error,
        /** Values of all uploads so far, or the code of what is none. */
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
