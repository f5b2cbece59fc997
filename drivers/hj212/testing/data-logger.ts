/**
 * A simulated data logger for rigs and tests, built from the standard and not from this driver: it dials the platform (or
 * is dialled), uploads, resends what is not answered, and obeys commands.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface DataLoggerOptions {
  mn: string;
  password?: string;
  st?: string;
  /** Version bits of Flag: 0 2005, 1 2017, 2 2025. */
  version?: 0 | 1 | 2;
  /** Requests an answer, and resends an unanswered upload after `overTimeMs`, at most `resends` times. */
  wantsAnswer?: boolean;
  overTimeMs?: number;
  resends?: number;
  /** Uploads stored between two DataTimes (`YYYYMMDDhhmmss`), as contents; absent: the commands are not supported. */
  stored?(cn: string, from: string, to: string): string[];
  /** Splits a packet into the pieces that are written. */
  pieces?(packet: Buffer): Buffer[];
}

export interface DataLogger {
  /** QNs of the answered uploads. */
  readonly answered: ReadonlySet<string>;
  readonly sent: number;
  /** Commands of the platform: CN and CP. */
  readonly commands: readonly { cn: string; content: string }[];
  isConnected(): boolean;
  /** Sends an upload. @returns its QN */
  upload(cn: string, content: string, more?: { qn?: string; part?: [number: number, of: number] }): string;
  send(bytes: Uint8Array | string): void;
  drop(): void;
  stop(): Promise<void>;
}

/** Dials 127.0.0.1, and redials after every disconnect. */
export function diallingDataLogger(port: number, options: DataLoggerOptions): DataLogger {
  const logger = loggerOf(options);
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let socket: Socket | null = null;
  function dial(): void {
    if (isStopped) return;
    const line = connect({ host: '127.0.0.1', port, noDelay: true });
    socket = line;
    line.on('connect', () => logger.attach(line));
    line.on('error', () => { line.destroy(); }); // refused, or reset; 'close' follows
    line.on('close', () => {
      logger.detach(line);
      timer = setTimeout(dial, 20);
    });
  }
  dial();
  return Object.assign(logger.face, {
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      logger.end();
      const line = socket;
      if (!line || line.closed) return;
      const closed = new Promise<void>((resolve) => { line.once('close', () => resolve()); });
      line.destroy();
      await closed;
      clearTimeout(timer);
    },
  });
}

/** Listens to be dialled, as few loggers do. */
export async function listeningDataLogger(options: DataLoggerOptions): Promise<DataLogger & { port: number; connections(): number }> {
  const logger = loggerOf(options);
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    logger.attach(socket);
    socket.on('error', () => { socket.destroy(); });
    socket.on('close', () => {
      sockets.delete(socket);
      logger.detach(socket);
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return Object.assign(logger.face, {
    port: (server.address() as AddressInfo).port,
    connections: () => sockets.size,
    stop: () => new Promise<void>((resolve) => {
      logger.end();
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    }),
  });
}

const UPLOAD_EVERY_MS = 20;

/** @returns a function that stops it */
export function uploadPeriodically(logger: DataLogger, uploads: (turn: number) => readonly [cn: string, content: string][]): () => void {
  let turn = 0;
  const timer = setInterval(() => {
    turn += 1;
    for (const [cn, content] of uploads(turn)) logger.upload(cn, content);
  }, UPLOAD_EVERY_MS);
  return () => clearInterval(timer);
}

function loggerOf({
  mn,
  password = '123456',
  st = '22',
  version = 1,
  wantsAnswer = true,
  overTimeMs = 5000,
  resends = 3,
  stored,
  pieces = (packet) => [packet],
}: DataLoggerOptions) {
  const answered = new Set<string>();
  const commands: { cn: string; content: string }[] = [];
  /** By QN and part. */
  const pending = new Map<string, NodeJS.Timeout>();
  const intervals: Record<string, number> = { RtdInterval: 30, MinInterval: 10 };
  let socket: Socket | null = null;
  let held = '';
  let sent = 0;
  let clock = Date.UTC(2026, 0, 1);

  function packet(fields: {
    qn: string;
    cn: string;
    content: string;
    answer: boolean;
    system?: string;
    part?: [number, number] | undefined;
  }): Buffer {
    const flag = version * 4 + (fields.part ? 2 : 0) + (fields.answer ? 1 : 0);
    const parts = fields.part ? `PNUM=${fields.part[1]};PNO=${fields.part[0]};` : '';
    const flagText = version === 0 && flag === 0 ? '' : `Flag=${flag};`;
    return hj212PacketBytes(
      `QN=${fields.qn};ST=${fields.system ?? st};CN=${fields.cn};PW=${password};MN=${mn};${flagText}${parts}CP=&&${fields.content}&&`,
    );
  }

  function send(bytes: Buffer): void {
    for (const piece of pieces(bytes)) socket?.write(piece);
  }

  function receive(text: string): void {
    held += text;
    for (let match = /##\d{4}(.*?)[0-9A-F]{4}\r\n/s.exec(held); match; match = /##\d{4}(.*?)[0-9A-F]{4}\r\n/s.exec(held)) {
      held = held.slice(match.index + match[0].length);
      const data = match[1] as string;
      const field = (name: string) => new RegExp(`${name}=([^;]*)`).exec(data)?.[1] ?? '';
      handle(field('QN'), field('CN'), /CP=&&(.*)&&/s.exec(data)?.[1] ?? '');
    }
  }

  function handle(qn: string, cn: string, content: string): void {
    if (cn === '9014') {
      answered.add(qn);
      for (const [key, timer] of pending) if (key.startsWith(qn)) clearTimeout(timer);
      return;
    }
    if (cn.startsWith('90')) return;
    commands.push({ cn, content });
    const reply = (answerCn: string, answer: string, system = '91') =>
      send(packet({ qn, cn: answerCn, content: answer, answer: false, system }));
    const set = /^(\w+)=(\d+)$/.exec(content);
    const range = /^BeginTime=(\d{14})[,;]EndTime=(\d{14})$/.exec(content);
    const isKnown = ['1012', '1061', '1062', '1063', '1064'].includes(cn) || (stored !== undefined && range !== null);
    reply('9011', `QnRtn=${isKnown ? 1 : 8}`);
    if (!isKnown) return;
    if (stored && range) {
      const found = stored(cn, range[1] as string, range[2] as string);
      for (const one of found) send(packet({ qn, cn, content: one, answer: wantsAnswer }));
      return reply('9012', `ExeRtn=${found.length > 0 ? 1 : 100}`);
    }
    if ((cn === '1062' || cn === '1064') && set) intervals[set[1] as string] = Number(set[2]);
    if (cn === '1061') reply(cn, `RtdInterval=${intervals.RtdInterval}`, st);
    if (cn === '1063') reply(cn, `MinInterval=${intervals.MinInterval}`, st);
    reply('9012', 'ExeRtn=1');
  }

  const face: Omit<DataLogger, 'stop'> = {
    answered,
    commands,
    get sent() { return sent; },
    isConnected: () => socket !== null,
    upload(cn, content, { qn = qnText(clock = Math.max(clock + 1, measuredAt(content))), part } = {}) {
      sent += 1;
      const bytes = packet({ qn, cn, content, answer: wantsAnswer, part });
      send(bytes);
      const again = (left: number) => {
        if (!wantsAnswer || left === 0) return;
        pending.set(`${qn} ${part?.[0] ?? 0}`, setTimeout(() => {
          send(bytes);
          again(left - 1);
        }, overTimeMs));
      };
      again(resends);
      return qn;
    },
    send: (bytes) => { socket?.write(bytes); },
    drop: () => { socket?.destroy(); },
  };
  return {
    face,
    attach(line: Socket) {
      socket = line;
      held = '';
      line.on('data', (bytes) => receive(bytes.toString('latin1')));
    },
    detach(line: Socket) { if (socket === line) socket = null; },
    end() { for (const timer of pending.values()) clearTimeout(timer); },
  };
}

/** A packet with head, length, check value and line end (HJ 212-2017, 6.3 and annex A). */
export function hj212PacketBytes(data: string): Buffer {
  const bytes = Buffer.from(data, 'latin1');
  let register = 0xffff;
  for (const byte of bytes) {
    register = (register >> 8) ^ byte;
    for (let turn = 0; turn < 8; turn += 1) {
      const last = register & 1;
      register >>= 1;
      if (last === 1) register ^= 0xa001;
    }
  }
  return Buffer.concat([
    Buffer.from(`##${String(bytes.length).padStart(4, '0')}`),
    bytes,
    Buffer.from(`${register.toString(16).toUpperCase().padStart(4, '0')}\r\n`),
  ]);
}

/** DataTime of an upload, ms UTC. */
function measuredAt(content: string): number {
  const [year, month, day, hour, minute, second] = (/DataTime=(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(content)?.slice(1) ?? []).map(
    Number,
  ) as [number, number, number, number, number, number];
  return Date.UTC(year, month - 1, day, hour - 8, minute, second) || 0;
}

/** `YYYYMMDDhhmmsszzz` in UTC+8. */
export function qnText(at: number): string {
  return new Date(at + 8 * 3_600_000).toISOString().replaceAll(/\D/g, '');
}
