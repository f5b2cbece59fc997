/** A reader's messages, and the presence derived from its reads, in; values out. No clock, no I/O. */
import { lostFrame, type Decoded, type PointValue } from '../../core/driver.ts';
import type { TagRead } from '../../core/event.ts';
import { epcUri } from './epc.ts';
import './faults.ts';
import type { LlrpFrame, LlrpMessageFrame } from './frame.ts';
import { parseLlrpMessage, LLRP_MESSAGE_TYPES } from './message.ts';
import { parseReaderEvent } from './reader-event.ts';
import { timeOfRead, type ReadTimestamps } from './reader-clock.ts';
import { parseAccessReport, type LlrpTagRead } from './access-report.ts';

/**
 * @returns for a report a value for each read that is not a repetition, the EPC in hexadecimal, with antenna, signal and
 *   times as evidence; for an event of the reader its inputs and antennas; a keep-alive is a sign of life (no values)
 */
export function decode(frame: LlrpFrame): Decoded {
  if (frame.is === 'presence') return { ok: true, values: presenceValues(frame), isPartial: true };
  const message = frame.bytes instanceof Uint8Array ? parseLlrpMessage(frame.bytes) : 'invalid';
  if (message === 'invalid' || message === null || message.bytes.length !== frame.bytes.length)
    return lostFrame('CV_FRAME_INVALID', { detail: 'not an LLRP message', detailZh: '不是 LLRP 报文' });
  if (message.type === LLRP_MESSAGE_TYPES.keepalive) return { ok: true, values: [] };
  if (message.type === LLRP_MESSAGE_TYPES.report) return decodeReport(frame);
  if (message.type === LLRP_MESSAGE_TYPES.readerEvent) return { ok: true, values: eventValues(frame), isPartial: true };
  return { ok: true, values: [], isPartial: true };
}

function decodeReport({ bytes, plan, clock, observedAt, repetitions }: LlrpMessageFrame): Decoded {
  const { reads, unreadable } = parseAccessReport(bytes);
  if (unreadable > 0 && reads.length === 0) return lostFrame('CV_LLRP_REPORT', { count: unreadable });
  const values: PointValue[] = [];
  reads.forEach((read, index) => {
    if (repetitions.has(index)) return;
    const points = plan
      ? plan.reads.filter(
          ({ antennas, prefix }) => read.epc.startsWith(prefix) && (antennas.length === 0 || antennas.includes(read.antenna ?? 0)),
        )
      : [{ id: 'read' }];
    if (points.length === 0) return;
    const time = timeOfRead(firstReadTimestamps(read), clock, observedAt);
    const evidence = [evidenceOf(read, clock, observedAt)];
    for (const { id } of points)
      values.push({
        point: id,
        value: read.epc,
        ...(time ? { deviceAt: time.at } : {}),
        ...(time?.isSkewed ? { flags: ['skewed'] } : {}),
        evidence,
      });
  });
  return { ok: true, values, isPartial: true };
}

export function firstReadTimestamps({ firstUtcUs, firstUptimeUs }: LlrpTagRead): ReadTimestamps {
  return {
    ...(firstUtcUs === undefined ? {} : { utcUs: firstUtcUs }),
    ...(firstUptimeUs === undefined ? {} : { uptimeUs: firstUptimeUs }),
  };
}

function evidenceOf(read: LlrpTagRead, clock: LlrpMessageFrame['clock'], observedAt: number): TagRead {
  const { epc, antenna, rssiDbm, phaseDeg, count, lastUtcUs, lastUptimeUs } = read;
  const uri = epcUri(epc);
  const first = timeOfRead(firstReadTimestamps(read), clock, observedAt);
  const last = timeOfRead(
    { ...(lastUtcUs === undefined ? {} : { utcUs: lastUtcUs }), ...(lastUptimeUs === undefined ? {} : { uptimeUs: lastUptimeUs }) },
    clock,
    observedAt,
  );
  return {
    kind: 'tag', epc,
    ...(uri === null ? {} : { uri }), ...(antenna === undefined ? {} : { antenna }), ...(rssiDbm === undefined ? {} : { rssiDbm }),
    ...(phaseDeg === undefined ? {} : { phaseDeg }), ...(count === undefined ? {} : { count }),
    ...(first ? { firstAt: first.at } : {}), ...(last ? { lastAt: last.at } : {}),
  };
}

function eventValues({ bytes, plan, antennasDown }: LlrpMessageFrame): PointValue[] {
  const { input, antenna } = parseReaderEvent(bytes);
  if (!plan) return input ? [{ point: `gpi-${input.port}`, value: input.isHigh }] : [];
  return [
    ...(input ? plan.inputs.filter((one) => one.input === input.port).map(({ id }) => ({ point: id, value: input.isHigh })) : []),
    ...(antenna ? plan.antennasDown.map((id) => ({ point: id, value: antennasDown })) : []),
  ];
}

function presenceValues({ happened, present }: Extract<LlrpFrame, { is: 'presence' }>): PointValue[] {
  return [
    ...happened.map(({ point, what, seen, dwellMs }): PointValue => {
      const uri = epcUri(seen.epc);
      const tag: TagRead = {
        kind: 'tag',
        epc: seen.epc,
        ...(uri === null ? {} : { uri }),
        antenna: seen.antenna,
        ...(seen.rssiDbm === null ? {} : { rssiDbm: seen.rssiDbm }),
        ...(what === 'left' ? { firstAt: seen.at - (dwellMs ?? 0), lastAt: seen.at } : { firstAt: seen.at }),
      };
      return { point, value: seen.epc, deviceAt: seen.at, evidence: [tag] };
    }),
    ...present.map(({ point, count }) => ({ point, value: count })),
  ];
}
