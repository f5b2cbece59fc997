/** Packets in, values out (HJ 212-2017, 6.6 and annex B); no clock, no I/O. */
import { lostFrame, type Decoded, type PointValue } from '../../core/driver.ts';
import type { Fault } from '../../core/faults.ts';
import { factorOf, currentFactorCode } from './factors.ts';
import './faults.ts';
import type { Hj212AnswerFrame, Hj212Frame, Hj212Request, UploadPointMap, UploadPoint, Hj212UploadFrame } from './frame.ts';
import { qualityOfDataFlag } from './data-flags.ts';
import { parseHj212Message, parseHj212Time, type Hj212Message } from './message.ts';
import { packetData } from './packet-cutter.ts';
import { LOGGER_PARAMETERS } from './settings.ts';

const UPLOADS = new Set(['2011', '2021', '2031', '2041', '2051', '2061']);
/** DataTime is in whole seconds and may be rounded up. */
const DATA_TIME_STEP_MS = 1000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/**
 * @returns an upload's values with their data flag (N, T, F …) as quality, the device's time, and `backfill` when they
 *   arrived late; a time later than that of sending (QN) is uncertain and `skewed`; a wrong check value gives
 *   CV_FRAME_CHECKSUM, never a value; a message other than an upload gives no values. Statistics have the end of their
 *   period as time and the period as window.
 */
export function decode(frame: Hj212Frame, request?: Hj212Request): Decoded {
  if (frame.is === 'away')
    return {
      ...lostFrame(frame.wasConnected ? 'CV_HJ212_LEFT' : 'CV_HJ212_ABSENT', { mn: frame.mn, address: frame.address }),
      isAway: true,
    };
  if (frame.is === 'answer') return decodeAnswer(frame, request);
  const message = messageOf(frame.packet);
  if ('code' in message) return { ok: false, fault: message };
  if (!UPLOADS.has(message.cn)) return { ok: true, values: [], isPartial: true };
  return decodeUpload(message, frame);
}

function messageOf(packet: Uint8Array): Hj212Message | Fault {
  const data = packetData(packet);
  if (!data)
    return {
      code: 'CV_FRAME_CHECKSUM',
      params: { detail: `HJ 212, ${packet.length} bytes`, detailZh: `HJ 212 报文，${packet.length} 字节` },
    };
  return (
    parseHj212Message(data) ?? { code: 'CV_FRAME_INVALID', params: { detail: 'HJ 212 message without CN', detailZh: 'HJ 212 报文没有 CN' } }
  );
}

function decodeUpload(message: Hj212Message, { pointMap: plan, observedAt, dataTime }: Hj212UploadFrame): Decoded {
  const items = itemsOf(message.content);
  const stamp = items.stamp ?? dataTime;
  const labelled = stamp === undefined ? null : parseHj212Time(stamp);
  // An invalid time gives no value; without a time the value is of now.
  if (stamp !== undefined && labelled === null) return lostFrame('CV_HJ212_TIME', { mn: message.mn, text: stamp.slice(0, 32) });
  const byKey = plan ? plan.byCommand.get(message.cn) : null;
  const values: PointValue[] = [];
  const period = labelled === null ? null : periodAt(message.cn, labelled, plan);
  const isHistory = period !== null && observedAt - period.toAt > (plan?.historyAfterMs ?? Infinity);
  const sentAt = parseHj212Time(message.qn);
  // Nothing is measured after it was sent: one of the two times is wrong, and which one is unknown.
  const isAhead = labelled !== null && sentAt !== null && labelled - sentAt >= DATA_TIME_STEP_MS;
  for (const [key, text] of items.values) {
    const [code, suffix] = split(key);
    if (suffix === 'Flag' || suffix === 'SampleTime' || code === '') continue;
    const wanted: readonly UploadPoint[] =
      byKey === null ? [{ id: key, type: 'number' }] : (byKey?.get(`${currentFactorCode(code)}-${suffix}`) ?? []);
    for (const target of wanted) {
      values.push({
        ...markAhead(valueOf(target, text, items.flags.get(code), message, suffix), isAhead),
        ...(plan ? {} : { unit: suffix.startsWith('RS') ? '' : factorOf(code)?.unit ?? '' }),
        ...(period ? { deviceAt: period.toAt } : {}),
        ...(period && period.toAt > period.fromAt ? { window: { fromAt: period.fromAt, toAt: period.toAt, count: 0 } } : {}),
        ...(isHistory ? { origin: 'backfill' as const } : {}),
      });
    }
  }
  // Other factors come in other uploads.
  return { ok: true, values, isPartial: true };
}

function markAhead(value: PointValue, isAhead: boolean): PointValue {
  return isAhead ? { ...value, quality: value.quality === 'bad' ? 'bad' : 'uncertain', flags: [...(value.flags ?? []), 'skewed'] } : value;
}

/** `count` of the window is 0: the packet does not tell how many samples went into it. */
function periodAt(cn: string, labelled: number, plan: UploadPointMap | null): { fromAt: number; toAt: number } {
  const lengthMs = { '2051': plan?.minuteMs ?? 0, '2061': HOUR_MS, '2031': DAY_MS, '2041': DAY_MS }[cn] ?? 0;
  return plan?.isEndLabelled ? { fromAt: labelled - lengthMs, toAt: labelled } : { fromAt: labelled, toAt: labelled + lengthMs };
}

interface Items {
  stamp?: string;
  values: [key: string, text: string][];
  /** By code. */
  flags: Map<string, string>;
}

/** Items are separated by `,` or `;`; the data flag of a factor is found in either form. */
function itemsOf(content: string): Items {
  const items: Items = { values: [], flags: new Map() };
  for (const item of content.split(/[;,]/)) {
    const equals = item.indexOf('=');
    if (equals < 0) continue;
    const key = item.slice(0, equals).trim();
    const text = item.slice(equals + 1).trim();
    if (key === 'DataTime') items.stamp = text;
    else if (key.endsWith('-Flag')) items.flags.set(key.slice(0, -5), text);
    else items.values.push([key, text]);
  }
  return items;
}

function split(key: string): [code: string, suffix: string] {
  const dash = key.indexOf('-');
  return dash < 0 ? ['', key] : [key.slice(0, dash), key.slice(dash + 1)];
}

function valueOf({ id, type }: UploadPoint, text: string, flag: string | undefined, { edition }: Hj212Message, suffix: string): PointValue {
  const { quality, flags } = qualityOfDataFlag(flag, edition, suffix);
  const assessed = { quality, flags: [...flags] };
  if (type === 'text')
    return { point: id, value: Buffer.from(text, 'latin1').some((byte) => byte > 0x7e) ? chinese(text) : text, ...assessed };
  const value = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : NaN;
  if (Number.isFinite(value)) return { point: id, value, ...assessed };
  return {
    point: id, value: null, quality: 'bad', flags: [...new Set([...flags, 'sensor' as const])],
    fault: { code: 'CV_HJ212_VALUE', params: { point: id, text: text === '' ? '-' : text.slice(0, 32) } },
  };
}

const GBK = new TextDecoder('gb18030');
const chinese = (text: string) => GBK.decode(Buffer.from(text, 'latin1'));

/** The packets of an answer: 9011 (accepted or refused), data where requested, 9012 (done, or the error). */
function decodeAnswer({ packets }: Hj212AnswerFrame, request?: Hj212Request): Decoded {
  const points = request ? { points: [...request.points] } : {};
  const values: PointValue[] = [];
  for (const packet of packets) {
    const message = messageOf(packet);
    if ('code' in message) return { ok: false, fault: message, ...points };
    const fields = new Map(itemsOf(message.content).values);
    const refused = message.cn === '9011' ? fields.get('QnRtn') : undefined;
    const result = message.cn === '9012' ? fields.get('ExeRtn') : undefined;
    const returnCode = refused ?? result;
    if (returnCode !== undefined && returnCode !== '1')
      return {
        ...lostFrame('CV_HJ212_REFUSED', {
          mn: message.mn,
          cn: request?.cn ?? '-',
          answer: `${refused === undefined ? 'ExeRtn' : 'QnRtn'}=${returnCode.slice(0, 8)}`,
        }),
        ...points,
      };
    const text = request && fields.get(LOGGER_PARAMETERS[request.parameter].field);
    if (request && text !== undefined && message.cn === request.cn) {
      const value = Number(text);
      if (!/^\d{1,6}$/.test(text))
        return { ...lostFrame('CV_HJ212_VALUE', { point: request.points[0] ?? '-', text: text.slice(0, 32) }), ...points };
      values.push(...request.points.map((point) => ({ point, value })));
    }
  }
  if (request?.wantsData && values.length === 0)
    return {
      ...lostFrame('CV_FRAME_INVALID', {
        detail: `no ${LOGGER_PARAMETERS[request.parameter].field} in the answer`,
        detailZh: `应答中没有 ${LOGGER_PARAMETERS[request.parameter].field}`,
      }),
      ...points,
    };
  return { ok: true, values };
}
