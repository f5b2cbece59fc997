/** From a packet capture to a case: the conversations of a driver's protocol, with the devices that they show. */
import { basename } from 'node:path';
import type { Case, CaseDevice } from '../../cases/case.ts';
import type { TrafficLine } from '../../cases/format.ts';
import { maskSecrets } from '../../cases/mask-secrets.ts';
import { bytesRecordingOf } from '../../cases/replay-bytes.ts';
import { deviceScript } from '../../cases/device-script.ts';
import { ByteStreams, type RecordingContext } from '../../cases/byte-streams.ts';
import { conversationsOf, type Conversation } from './capture/conversations.ts';
import { readCapture } from './capture/file.ts';
import type { Driver } from '../../core/driver.ts';
import { FaultError, type Fault } from '../../core/faults.ts';
import { parseHostPort } from '../../core/net.ts';
import type { BytesRecording, CaptureRules } from '../../core/recording.ts';
import '../../cases/faults.ts';

export interface CaptureOptions {
  driver: Driver;
  /** The devices' port, where it is none of the protocol's own. */
  port?: number;
  /** Devices by hand: settings and points as in a configuration; default: what the capture shows. */
  devices?: readonly CaseDevice[];
  /** Words for the head of the case. */
  title?: string;
  licence?: string;
}

export interface CapturedCase {
  recorded: Omit<Case, 'name' | 'folder' | 'expected'>;
  /** What is missing or was cut: told, not refused. */
  remarks: Fault[];
}

/** Where no port tells, bytes must: nearly all of them in messages, and more than one of these. */
const SURE_SHARE = 0.95;
const SURE_MESSAGES = 2;
/** An edge waits for an answer as long as the recorded asker had to, within these. */
const LEAST_TIMEOUT_MS = 2000;
const MOST_TIMEOUT_MS = 60_000;

interface Picked {
  conversation: Conversation;
  /** `host:port` of the device. */
  device: string;
  /** That the device listens on, or was dialled by it. */
  place: { host: string; port: number };
}

/** @throws CV_CAPTURE_UNREADABLE, CV_CAPTURE_EMPTY, CV_RECORDING_NOT_OFFERED */
export function caseOfCapture(path: string, file: Uint8Array, wishes: CaptureOptions): CapturedCase {
  const { driver } = wishes;
  const recording = bytesRecordingOf(driver);
  const { captures } = recording;
  if (!captures) throw new FaultError('CV_RECORDING_NOT_OFFERED', { driver: driver.id, what: 'be read from captures', whatZh: '从抓包中读取' });
  const { packets, cutAt } = readCapture(path, file);
  const all = conversationsOf(packets);
  const reading: RecordingContext = { recording, settings: driver.settings.parse(captures.settings) };
  const picked = all.flatMap((conversation) => pick(conversation, captures, reading, wishes.port));
  if (picked.length === 0) throw new FaultError('CV_CAPTURE_EMPTY', { path, driver: driver.id, count: all.length });
  const startsAt = Math.floor(Math.min(...picked.map(({ conversation }) => conversation.openUs)) / 1000);
  const devices = devicesOf(picked, recording, reading, wishes, startsAt);
  const lines = picked
    .flatMap((one, index) => linesOf(one, index + 1, startsAt, devices.get(one)?.[0]?.id, captures))
    .toSorted((a, b) => a.afterUs - b.afterUs);
  const { traffic, count } = maskSecrets(lines, () => reading);
  const remarks: Fault[] = picked.flatMap(({ conversation }) => lostIn(conversation));
  if (cutAt !== null)
    remarks.unshift({
      code: 'CV_CAPTURE_CUT',
      params: { path, detail: `byte ${cutAt} of ${file.length}`, detailZh: `第 ${cutAt} 字节，共 ${file.length} 字节` },
    });
  const known = [...new Set([...devices.values()].flat())];
  return {
    recorded: {
      title: wishes.title ?? `${picked.length} conversation(s) of ${basename(path)}`,
      source: `packet capture ${basename(path)}`,
      licence: wishes.licence ?? 'as the capture',
      level: 'bytes',
      secrets: count > 0 ? 'masked' : 'none',
      asker: 'other',
      startsAt,
      devices: known as unknown as Case['devices'],
      traffic,
      frames: [],
    },
    remarks,
  };
}

/** Whether this is the protocol's, and which side is the device. */
function pick(conversation: Conversation, captures: CaptureRules<unknown>, reading: RecordingContext, port: number | undefined): Picked[] {
  const known = port === undefined ? (captures[conversation.via] ?? []) : [port];
  const [a, b] = conversation.sides;
  const byPort = conversation.sides.find((side) => known.includes(parseHostPort(side).port));
  if (port !== undefined && !byPort) return [];
  // Without a known port the one that was dialled listens; where no dial was seen, the lower port is the service's.
  const listener = byPort ?? (conversation.isDialSeen ? b : parseHostPort(a).port < parseHostPort(b).port ? a : b);
  const other = listener === a ? b : a;
  const device = captures.device === 'listens' ? listener : other;
  const { share, messages, directions } = shareOf(conversation, device, captures, reading);
  const isIt = byPort ? messages > 0 : messages >= SURE_MESSAGES && share >= SURE_SHARE && directions === 2;
  return isIt ? [{ conversation, device, place: parseHostPort(listener) }] : [];
}

function shareOf(conversation: Conversation, device: string, captures: CaptureRules<unknown>, reading: RecordingContext) {
  const streams = new ByteStreams(
    linesOf({ conversation, device, place: parseHostPort(device) }, 1, 0, undefined, captures),
    () => reading,
  );
  const whole = streams.messages.filter(({ notes }) => notes);
  const sum = (list: readonly { bytes: Buffer }[]) => list.reduce((bytes, one) => bytes + one.bytes.length, 0);
  return {
    messages: whole.length,
    share: sum(whole) / Math.max(1, sum(streams.messages)),
    directions: new Set(whole.map(({ direction }) => direction)).size,
  };
}

function linesOf(
  { conversation, device }: Picked,
  conn: number,
  startsAt: number,
  id: string | undefined,
  captures: CaptureRules<unknown>,
): TrafficLine[] {
  const base = (atUs: number) => ({ afterUs: atUs - startsAt * 1000, conn, ...(id === undefined ? {} : { device: id }) });
  const by = captures.device === 'listens' ? 'edge' : 'device';
  const dir = (from: string) => (from === device ? 'in' as const : 'out' as const);
  const lines: TrafficLine[] = [{ ...base(conversation.openUs), event: 'open', via: conversation.via, by }];
  for (const { atUs, from, bytes, lostBytes } of conversation.pieces) {
    if (lostBytes > 0) lines.push({ ...base(atUs), event: 'lost', dir: dir(from), count: lostBytes });
    lines.push({ ...base(atUs), dir: dir(from), bytes: bytes.toString('hex'), ...(conversation.via === 'udp' ? { peer: from } : {}) });
  }
  const lastUs = conversation.pieces.at(-1)?.atUs ?? conversation.openUs;
  for (const { from, count } of conversation.lostAtEnd) lines.push({ ...base(lastUs), event: 'lost', dir: dir(from), count });
  const { close } = conversation;
  if (close)
    lines.push({
      ...base(Math.max(lastUs, close.atUs)),
      event: 'close',
      by: close.from === device ? 'device' : 'edge',
      ...(close.isReset ? { reset: true } : {}),
    });
  return lines;
}

/** The devices of each conversation; those with the same place are the same devices. */
function devicesOf(
  picked: readonly Picked[],
  recording: BytesRecording<unknown, never, unknown>,
  reading: RecordingContext,
  wishes: CaptureOptions,
  startsAt: number,
): Map<Picked, CaseDevice[]> {
  const { driver, devices: byHand } = wishes;
  const found = new Map<Picked, CaseDevice[]>();
  if (byHand) {
    for (const one of picked) found.set(one, [...byHand]);
    return found;
  }
  const captures = recording.captures as CaptureRules<unknown>;
  if (!captures.survey)
    throw new FaultError('CV_RECORDING_NOT_OFFERED', {
      driver: driver.id,
      what: 'say by itself which devices a capture shows: give them with --settings FILE',
      whatZh: '自动识别抓包中的设备：请用 --settings 文件给出',
    });
  const places = new Map<string, Picked[]>();
  for (const one of picked) {
    const key = `${one.place.host}:${one.place.port}`;
    places.set(key, [...places.get(key) ?? [], one]);
  }
  for (const mine of places.values()) {
    const { place } = mine[0] as Picked;
    const messages = mine.flatMap((one, index) =>
      new ByteStreams(linesOf(one, index + 1, startsAt, undefined, captures), () => reading).messages.map(({ direction, bytes }) => ({
        direction,
        bytes,
      })),
    );
    const timeoutMs = patience(
      mine.flatMap((one, index) => linesOf(one, index + 1, startsAt, undefined, captures)),
      reading,
    );
    const surveyed = captures.survey(messages, place, reading.settings).map(({ id, settings, points }): CaseDevice => ({
      id: places.size > 1 ? `${place.host.replaceAll(/[^0-9A-Za-z]+/g, '-')}-${place.port}-${id}` : id,
      driver: driver.id,
      settings,
      points: points as CaseDevice['points'],
      timeoutMs,
    }));
    const fallback: CaseDevice = {
      id: `${driver.id}-${place.host.replaceAll(/[^0-9A-Za-z]+/g, '-')}-${place.port}`,
      driver: driver.id,
      settings: { ...captures.settings },
      points: [],
      timeoutMs,
    };
    for (const one of mine) found.set(one, surveyed.length > 0 ? surveyed : [fallback]);
    if (surveyed.length === 0) for (const one of mine) found.set(one, found.get(mine[0] as Picked) as CaseDevice[]);
  }
  return found;
}

/** The longest that an answer was waited for, in whole seconds. */
function patience(lines: readonly TrafficLine[], reading: RecordingContext): number {
  const { questions } = deviceScript(lines, () => reading);
  const longestUs = questions.reduce(
    (longest, { afterUs, answers: [first] }) => Math.max(longest, first ? (first.parts.at(-1)?.afterUs ?? afterUs) - afterUs : 0),
    0,
  );
  return Math.min(MOST_TIMEOUT_MS, Math.max(LEAST_TIMEOUT_MS, Math.ceil(longestUs / 1e6 + 1) * 1000));
}

function lostIn(conversation: Conversation): Fault[] {
  const lost = new Map<string, number>();
  for (const { from, lostBytes } of conversation.pieces) if (lostBytes > 0) lost.set(from, (lost.get(from) ?? 0) + lostBytes);
  for (const { from, count } of conversation.lostAtEnd) lost.set(from, (lost.get(from) ?? 0) + count);
  return [...lost].map(([from, count]) => ({
    code: 'CV_CAPTURE_LOST',
    params: { conversation: conversation.sides.join(' – '), count, from },
  }));
}

