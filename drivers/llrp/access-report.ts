/** Parses the tag reads of a report (TagReportData, LLRP 16.2.7.3). Pure. */
import { LLRP_HEADER_BYTES, dataViewOf } from './message.ts';
import { eachParameter } from './parameters.ts';

export interface LlrpTagRead {
  /** Hexadecimal, upper case. */
  epc: string;
  antenna?: number;
  rssiDbm?: number;
  channel?: number;
  /** Since the last report. */
  count?: number;
  phaseDeg?: number;
  /** µs by the reader's own clock, whatever it counts from. */
  firstUtcUs?: bigint;
  lastUtcUs?: bigint;
  firstUptimeUs?: bigint;
  lastUptimeUs?: bigint;
}

export interface AccessReport {
  reads: LlrpTagRead[];
  /** Tag reports that could not be parsed. */
  unreadable: number;
}

const TAG_REPORT = 240;
const EPC_DATA = 241;
const CUSTOM = 1023;
/** Impinj's vendor number and its phase angle: 4,096 steps a turn. */
const IMPINJ = 25882;
const IMPINJ_PHASE = 24;
const PHASE_STEPS = 4096;
const MAX_EPC_BYTES = 128;

const TV = { antenna: 1, firstUtc: 2, firstUptime: 3, lastUtc: 4, lastUptime: 5, rssi: 6, channel: 7, count: 8, epc96: 13 } as const;

/** @param message an RO_ACCESS_REPORT with its header */
export function parseAccessReport(message: Uint8Array): AccessReport {
  const report: AccessReport = { reads: [], unreadable: 0 };
  const view = dataViewOf(message);
  const isWhole = eachParameter(message, LLRP_HEADER_BYTES, message.length, (type, from, to) => {
    if (type !== TAG_REPORT) return;
    const read = parseTagRead(message, view, from, to);
    if (read) report.reads.push(read);
    else report.unreadable += 1;
  });
  if (!isWhole) report.unreadable += 1;
  return report;
}

/** @returns null where a parameter cannot be parsed: what follows it, such as the antenna, cannot be found either */
function parseTagRead(bytes: Uint8Array, view: DataView, start: number, end: number): LlrpTagRead | null {
  const read: LlrpTagRead = { epc: '' };
  let isEpcWhole = true;
  const isWhole = eachParameter(bytes, start, end, (type, from, to) => {
    switch (type) {
      case TV.epc96: read.epc = hexOf(bytes, from, to); break;
      case EPC_DATA: {
        const bits = to - from >= 2 ? view.getUint16(from) : 0;
        const size = Math.ceil(bits / 8);
        if (size === 0 || size > MAX_EPC_BYTES || from + 2 + size > to) isEpcWhole = false;
        else read.epc = hexOf(bytes, from + 2, from + 2 + size);
        break;
      }
      case TV.antenna: read.antenna = view.getUint16(from); break;
      case TV.rssi: read.rssiDbm = view.getInt8(from); break;
      case TV.channel: read.channel = view.getUint16(from); break;
      case TV.count: read.count = view.getUint16(from); break;
      case TV.firstUtc: read.firstUtcUs = view.getBigUint64(from); break;
      case TV.lastUtc: read.lastUtcUs = view.getBigUint64(from); break;
      case TV.firstUptime: read.firstUptimeUs = view.getBigUint64(from); break;
      case TV.lastUptime: read.lastUptimeUs = view.getBigUint64(from); break;
      case CUSTOM:
        if (to - from >= 10 && view.getUint32(from) === IMPINJ && view.getUint32(from + 4) === IMPINJ_PHASE)
          read.phaseDeg = Math.round((view.getUint16(from + 8) / PHASE_STEPS) * 3600) / 10;
        break;
      default: break;
    }
  });
  return isWhole && isEpcWhole && read.epc !== '' ? read : null;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).toUpperCase().padStart(2, '0'));

function hexOf(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let index = from; index < to; index += 1) text += HEX[bytes[index] as number];
  return text;
}
