/** What a reader is told: how to report, what to read, with which power. Bytes by LLRP 1.0.1, 16.1 and 16.2. Pure. */
import { LLRP_HEADER_BYTES, encodeParameter, u16, u32, u8, dataViewOf } from './message.ts';
import { eachParameter } from './parameters.ts';
import type { LlrpSettings } from './settings.ts';

/** Ours; all others of the reader are deleted, since it reads by one at a time. */
export const ROSPEC_ID = 1212;
const PRIORITY = 0;
const C1G2 = 1;
/** Antenna, channel, signal, first and last seen, count. */
const CONTENT = 0x1f80;
/** Tags that are expected to be in the field at once; readers take it as a hint. */
const POPULATION = 32;

const EVENTS = { gpi: 1, reportBuffer: 3, exception: 4, antenna: 8 } as const;

/** SET_READER_CONFIG: keep-alives, reports held while nobody listens, the events that we read. */
export function readerConfig(keepaliveMs: number, withEvents: boolean): Uint8Array[] {
  const states = Object.values(EVENTS).map((event) => encodeParameter(245, u16(event), u8(0x80)));
  return [
    u8(0),
    ...(withEvents ? [encodeParameter(244, ...states)] : []),
    encodeParameter(220, u8(1), u32(keepaliveMs)),
    encodeParameter(226, u8(0x80)),
  ];
}

/** How an antenna sends now, and with which steps of power it could: asked before power or session are set. */
export interface Radio {
  /** By antenna. */
  transmitters: ReadonlyMap<number, { hopTable: number; channel: number; power: number }>;
  /** Index and dBm of each step. */
  steps: readonly { index: number; dbm: number }[];
}

export function roSpec(settings: LlrpSettings, radio: Radio | null): Uint8Array {
  const { antennas, report } = settings;
  const ids = antennas.length === 0 ? [0] : antennas;
  const everyMs = 'everyMs' in report ? report.everyMs : null;
  const inventory = encodeParameter(
    186,
    u16(1),
    u8(C1G2),
    ...(radio || settings.session !== undefined ? antennaConfigs(settings, radio) : []),
  );
  const start = everyMs === null ? encodeParameter(179, u8(0)) : encodeParameter(179, u8(2), encodeParameter(180, u32(0, everyMs)));
  const stop = everyMs === null ? encodeParameter(182, u8(0), u32(0)) : encodeParameter(182, u8(1), u32(everyMs));
  return encodeParameter(
    177, u32(ROSPEC_ID), u8(PRIORITY, 0),
    encodeParameter(178, start, stop),
    encodeParameter(183, u16(ids.length, ...ids), encodeParameter(184, u8(0), u32(0)), inventory),
    // Every so many tags, or all of them at the end of the round.
    encodeParameter(237, u8(2), u16('everyTags' in report ? report.everyTags : 0), encodeParameter(238, u16(CONTENT))),
  );
}

function antennaConfigs(settings: LlrpSettings, radio: Radio | null): Uint8Array[] {
  const ids = settings.antennas.length > 0 ? settings.antennas : radio ? [...radio.transmitters.keys()] : [0];
  return ids.map((id) => {
    const now = radio?.transmitters.get(id);
    const power = now && settings.powerDbm !== undefined ? (stepBelow(radio?.steps ?? [], settings.powerDbm) ?? now.power) : now?.power;
    const session =
      settings.session === undefined
        ? []
        : [encodeParameter(330, u8(0), encodeParameter(336, u8(settings.session << 6), u16(POPULATION), u32(0)))];
    // Frequencies are those of the reader's region: what it has is given back to it.
    const transmitter = now && power !== undefined ? [encodeParameter(224, u16(now.hopTable, now.channel, power))] : [];
    return encodeParameter(222, u16(id), ...transmitter, ...session);
  });
}

/** The strongest step that is not above; the weakest where all are. */
function stepBelow(steps: Radio['steps'], dbm: number): number | null {
  const sorted = steps.toSorted((a, b) => a.dbm - b.dbm);
  return (sorted.findLast((step) => step.dbm <= dbm) ?? sorted[0])?.index ?? null;
}

/** @param capabilities GET_READER_CAPABILITIES_RESPONSE @param config GET_READER_CONFIG_RESPONSE, with headers */
export function radioOf(capabilities: Uint8Array, config: Uint8Array): Radio {
  const steps: { index: number; dbm: number }[] = [];
  const capable = dataViewOf(capabilities);
  const within = (bytes: Uint8Array, start: number, end: number, wanted: number, take: (from: number, to: number) => void) => {
    eachParameter(bytes, start, end, (type, from, to) => { if (type === wanted) take(from, to); });
  };
  within(capabilities, LLRP_HEADER_BYTES, capabilities.length, 143, (from, to) => {
    // Country and standard come first.
    within(capabilities, from + 4, to, 144, (bandFrom, bandTo) => within(capabilities, bandFrom, bandTo, 145, (at, end) => {
      if (end - at >= 4) steps.push({ index: capable.getUint16(at), dbm: capable.getInt16(at + 2) / 100 });
    }));
  });
  const transmitters = new Map<number, { hopTable: number; channel: number; power: number }>();
  const configured = dataViewOf(config);
  within(config, LLRP_HEADER_BYTES, config.length, 222, (from, to) => {
    if (to - from < 2) return;
    const id = configured.getUint16(from);
    within(config, from + 2, to, 224, (at, end) => {
      if (end - at >= 6)
        transmitters.set(id, {
          hopTable: configured.getUint16(at),
          channel: configured.getUint16(at + 2),
          power: configured.getUint16(at + 4),
        });
    });
  });
  return { steps, transmitters };
}
