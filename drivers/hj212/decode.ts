/** Packets in, values out (HJ 212-2017, 6.6 and annex B); no clock, no I/O. */
import { lostFrame, type Decoded, type PointValue } from '../../core/driver.ts';
import type { Fault } from '../../core/faults.ts';
import { factorOf, modernCode } from './factors.ts';
import './faults.ts';
import type { AnswerFrame, Hj212Frame, Hj212Request, Plan, Target, UploadFrame } from './frame.ts';
import { standingOf } from './marks.ts';
import { readMessage, timeOf, type Message } from './message.ts';
import { dataOf } from './packet.ts';
import { PARAMETERS } from './settings.ts';

const UPLOADS = new Set(['2011', '2021', '2031', '2041', '2051', '2061']);
/** A DataTime is in whole seconds, and may be rounded up. */
const LABEL_STEP_MS = 1000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/**
 * @returns an upload's values with the mark of each (N, T, F …) as quality, the device's time, and `backfill` for what
 *   came long after it; a time later than that of sending (QN) is uncertain and `skewed`; a wrong check value gives CV_FRAME_CHECKSUM, never a value; a message that is no upload gives
 *   no values. Statistics carry the end of their period, for then they became true, and the period as their window.
 */
export function decode(frame: Hj212Frame, request?: Hj212Request): Decoded {
  if (frame.is === 'away') return { ...lostFrame(frame.left ? 'CV_HJ212_LEFT' : 'CV_HJ212_ABSENT', { mn: frame.mn, address: frame.at }), isAway: true };
  if (frame.is === 'answer') return decodeAnswer(frame, request);
  const message = messageOf(frame.packet);
  if ('code' in message) return { ok: false, fault: message };
  if (!UPLOADS.has(message.cn)) return { ok: true, values: [], isPartial: true };
  return decodeUpload(message, frame);
}

function messageOf(packet: Uint8Array): Message | Fault {
  const data = dataOf(packet);
  if (!data) return { code: 'CV_FRAME_CHECKSUM', params: { detail: `HJ 212, ${packet.length} bytes`, detailZh: `HJ 212 报文，${packet.length} 字节` } };
  return readMessage(data) ?? { code: 'CV_FRAME_INVALID', params: { detail: 'HJ 212 message without CN', detailZh: 'HJ 212 报文没有 CN' } };
}

function decodeUpload(message: Message, { plan, observedAt, dataTime }: UploadFrame): Decoded {
  const items = itemsOf(message.content);
  const stamp = items.stamp ?? dataTime;
  const labelled = stamp === undefined ? null : timeOf(stamp);
  // A time that cannot be read must not put a value anywhere; without any, the value is of now.
  if (stamp !== undefined && labelled === null) return lostFrame('CV_HJ212_TIME', { mn: message.mn, text: stamp.slice(0, 32) });
  const targets = plan ? plan.targets.get(message.cn) : null;
  const values: PointValue[] = [];
  const period = labelled === null ? null : periodAt(message.cn, labelled, plan);
  const isHistory = period !== null && observedAt - period.toAt > (plan?.historyAfterMs ?? Infinity);
  const sentAt = timeOf(message.qn);
  // Nothing was measured after it was sent: one of the two times is wrong, and which is not known.
  const isAhead = labelled !== null && sentAt !== null && labelled - sentAt >= LABEL_STEP_MS;
  for (const [key, text] of items.values) {
    const [code, suffix] = split(key);
    if (suffix === 'Flag' || suffix === 'SampleTime' || code === '') continue;
    const wanted: readonly Target[] = targets === null ? [{ id: key, type: 'number' }] : targets?.get(`${modernCode(code)}-${suffix}`) ?? [];
    for (const target of wanted) {
      values.push({
        ...standing(valueOf(target, text, items.flags.get(code), message, suffix), isAhead),
        ...(plan ? {} : { unit: suffix.startsWith('RS') ? '' : factorOf(code)?.unit ?? '' }),
        ...(period ? { deviceAt: period.toAt } : {}),
        ...(period && period.toAt > period.fromAt ? { window: { fromAt: period.fromAt, toAt: period.toAt, count: 0 } } : {}),
        ...(isHistory ? { origin: 'backfill' as const } : {}),
      });
    }
  }
  // One upload of several: of other factors it says nothing.
  return { ok: true, values, isPartial: true };
}

function standing(value: PointValue, isAhead: boolean): PointValue {
  return isAhead ? { ...value, quality: value.quality === 'bad' ? 'bad' : 'uncertain', flags: [...(value.flags ?? []), 'skewed'] } : value;
}

/** `count` of a window stands at 0: the packet does not say how many readings went into it. */
function periodAt(cn: string, labelled: number, plan: Plan | null): { fromAt: number; toAt: number } {
  const lengthMs = { '2051': plan?.minuteMs ?? 0, '2061': HOUR_MS, '2031': DAY_MS, '2041': DAY_MS }[cn] ?? 0;
  return plan?.isEndLabelled ? { fromAt: labelled - lengthMs, toAt: labelled } : { fromAt: labelled, toAt: labelled + lengthMs };
}

interface Items {
  stamp?: string;
  values: [key: string, text: string][];
  /** By code. */
  flags: Map<string, string>;
}

/** Items stand `,` or `;` apart: the mark of a factor is found in either form. */
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

function valueOf({ id, type }: Target, text: string, mark: string | undefined, { edition }: Message, suffix: string): PointValue {
  const { quality, flags } = standingOf(mark, edition, suffix);
  const standing = { quality, flags: [...flags] };
  if (type === 'text') return { point: id, value: Buffer.from(text, 'latin1').some((byte) => byte > 0x7e) ? chinese(text) : text, ...standing };
  const value = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : NaN;
  if (Number.isFinite(value)) return { point: id, value, ...standing };
  return {
    point: id, value: null, quality: 'bad', flags: [...new Set([...flags, 'sensor' as const])],
    fault: { code: 'CV_HJ212_VALUE', params: { point: id, text: text === '' ? '-' : text.slice(0, 32) } },
  };
}

const GBK = new TextDecoder('gb18030');
const chinese = (text: string) => GBK.decode(Buffer.from(text, 'latin1'));

/** A request's packets: 9011 (heard, or refused), data where some was asked for, 9012 (done, or why not). */
function decodeAnswer({ packets }: AnswerFrame, request?: Hj212Request): Decoded {
  const points = request ? { points: [...request.points] } : {};
  const values: PointValue[] = [];
  for (const packet of packets) {
    const message = messageOf(packet);
    if ('code' in message) return { ok: false, fault: message, ...points };
    const fields = new Map(itemsOf(message.content).values);
    const refused = message.cn === '9011' ? fields.get('QnRtn') : undefined;
    const result = message.cn === '9012' ? fields.get('ExeRtn') : undefined;
    const said = refused ?? result;
    if (said !== undefined && said !== '1') return { ...lostFrame('CV_HJ212_REFUSED', { mn: message.mn, cn: request?.cn ?? '-', answer: `${refused === undefined ? 'ExeRtn' : 'QnRtn'}=${said.slice(0, 8)}` }), ...points };
    const text = request && fields.get(PARAMETERS[request.parameter].field);
    if (request && text !== undefined && message.cn === request.cn) {
      const value = Number(text);
      if (!/^\d{1,6}$/.test(text)) return { ...lostFrame('CV_HJ212_VALUE', { point: request.points[0] ?? '-', text: text.slice(0, 32) }), ...points };
      values.push(...request.points.map((point) => ({ point, value })));
    }
  }
  if (request?.wantsData && values.length === 0) return { ...lostFrame('CV_FRAME_INVALID', { detail: `no ${PARAMETERS[request.parameter].field} in the answer`, detailZh: `应答中没有 ${PARAMETERS[request.parameter].field}` }), ...points };
  return { ok: true, values };
}
