/** A fake `Net` for tests: what is sent is recorded, and incoming bytes are emitted by the test. */
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { testWorld } from '../../../core/testing/virtual-clock.ts';
import type { Fault } from '../../../core/faults.ts';
import type { HostPort, Net, SerialPort, SerialOptions } from '../../../core/net.ts';

/** A socket, as far as an endpoint uses one. */
export class FakeSocket extends EventEmitter {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly sent: string[] = [];
  keepAlive: unknown[] = [];
  isOpen = true;
  closing = false;
  destroyed = false;

  constructor(remoteAddress = '10.0.0.1', remotePort = 5000) {
    super();
    Object.assign(this, { remoteAddress, remotePort });
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
  }

  setKeepAlive(...how: unknown[]): void {
    this.keepAlive = how;
  }

  write(bytes: Uint8Array): boolean {
    this.sent.push(Buffer.from(bytes).toString('hex'));
    return true;
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.isOpen = false;
    this.emit('close');
  }

  close(done?: () => void): void {
    this.destroy();
    done?.();
  }

  emitData(hex: string): void {
    this.emit('data', Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  }
}

interface Bound {
  own: HostPort;
  sent: string[];
  isClosed: boolean;
  emitDatagram(hex: string, from?: HostPort): void;
  emitError(error: Error): void;
}

const HERE: HostPort = { host: '10.0.0.1', port: 5000 };

/** @param refuse the system's error for every open */
export function fakeNet(refuse?: Error) {
  const world = testWorld();
  const bound: Bound[] = [];
  const lines: { options: SerialOptions; line: FakeSocket }[] = [];
  const dialled: { to: HostPort; socket: FakeSocket }[] = [];
  const listening: { at: HostPort; accept(socket: FakeSocket): void; emitError(error: Error): void; isClosed: boolean }[] = [];
  const net: Net = {
    async connect(to) {
      if (refuse) throw refuse;
      const socket = new FakeSocket(to.host, to.port);
      dialled.push({ to, socket });
      return socket as unknown as Socket;
    },
    async listen(at, accept, failed) {
      if (refuse) throw refuse;
      const one = {
        at,
        accept: (socket: FakeSocket) => accept(socket as unknown as Socket),
        emitError: (error: Error) => failed?.(error),
        isClosed: false,
      };
      listening.push(one);
      return { port: at.port, async close() { one.isClosed = true; } };
    },
    async bind(own) {
      if (refuse) throw refuse;
      let [take, failed]: [(bytes: Buffer, from: HostPort) => void, (error: Error) => void] = [() => {}, () => {}];
      const one: Bound = {
        own,
        sent: [],
        isClosed: false,
        emitDatagram: (hex, from = HERE) => take(Buffer.from(hex.replaceAll(' ', ''), 'hex'), from),
        emitError: (error) => failed(error),
      };
      bound.push(one);
      return {
        port: own.port, send: (bytes, to) => { one.sent.push(`${to.host}:${to.port} ${Buffer.from(bytes).toString('hex')}`); },
        listen(receive, fail) { [take, failed] = [receive, fail]; },
        async close() { one.isClosed = true; },
      };
    },
    async serial(options) {
      if (refuse) throw refuse;
      const line = new FakeSocket();
      lines.push({ options, line });
      return line as unknown as SerialPort;
    },
  };
  return {
    world: { ...world, net }, clock: world.clock, bound, lines, dialled, listening,
    faults: (): Fault[] => world.told.flatMap((event) => (event.kind === 'fault' ? [event.fault] : [])),
    codes: () => world.told.flatMap((event) => (event.kind === 'fault' ? [event.fault.code] : [])),
    lost: () => world.told.flatMap((event) => (event.kind === 'samples_lost' ? [event.reason] : [])),
    unknown: () => world.told.flatMap((event) => (event.kind === 'unknown_device' ? [event] : [])),
  };
}
