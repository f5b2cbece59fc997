/** Encodes the configuration of a reader: reports, antennas, power. Bytes by LLRP 1.0.1, 16.1 and 16.2. Pure. */
import { LLRP_HEADER_BYTES, encodeParameter, u16, u32, u8, dataViewOf } from './message.ts';
import { eachParameter } from './parameters.ts';
import type { LlrpSettings } from './settings.ts';

/** The edge's ROSpec; all others in the reader are deleted, since it runs one at a time. */
export const ROSPEC_ID = 1212;
const PRIORITY = 0;
const C1G2 = 1;
/** Antenna, channel, signal strength, first and last read, count. */
const REPORT_CONTENT = 0x1f80;
/** Expected number of tags in the field; a hint for the reader. */
const TAG_POPULATION = 32;

const EVENTS = { gpi: 1, reportBuffer: 3, exception: 4, antenna: 8 } as const;

/** SET_READER_CONFIG: keep-alives, reports buffered while there is no client, the events that the driver uses. */
export function readerConfig(keepaliveMs: number, withEvents: boolean): Uint8Array[] {
  const states = Object.values(EVENTS).map((event) => encodeParameter(245, u16(event), u8(0x80)));
  return [
    u8(0),
    ...(withEvents ? [encodeParameter(244, ...states)] : []),
    encodeParameter(220, u8(1), u32(keepaliveMs)),
    encodeParameter(226, u8(0x80)),
  ];
}

/** Current transmitter settings of the antennas, and the power steps of the reader: queried before power is set. */
export interface RadioConfig {
  /** By antenna. */
  transmitters: ReadonlyMap<number, { hopTable: number; channel: number; power: number }>;
  /** Index and dBm of each step. */
  steps: readonly { index: number; dbm: number }[];
}

export function roSpec(settings: LlrpSettings, radio: RadioConfig | null): Uint8Array {
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
    // After N tags, or all of them at the end of the round.
    encodeParameter(237, u8(2), u16('everyTags' in report ? report.everyTags : 0), encodeParameter(238, u16(REPORT_CONTENT))),
  );
}

function antennaConfigs(settings: LlrpSettings, radio: RadioConfig | null): Uint8Array[] {
  const ids = settings.antennas.length > 0 ? settings.antennas : radio ? [...radio.transmitters.keys()] : [0];
  return ids.map((id) => {
    const current = radio?.transmitters.get(id);
    const wanted = settings.powerDbm === undefined ? null : stepBelow(radio?.steps ?? [], settings.powerDbm);
    const power = current && (wanted ?? current.power);
    const session =
      settings.session === undefined
        ? []
        : [encodeParameter(330, u8(0), encodeParameter(336, u8(settings.session << 6), u16(TAG_POPULATION), u32(0)))];
    // Frequencies depend on the region: the reader's own hop table and channel are written back unchanged.
    const transmitter = current && power !== undefined ? [encodeParameter(224, u16(current.hopTable, current.channel, power))] : [];
    return encodeParameter(222, u16(id), ...transmitter, ...session);
  });
}

/** The highest step that does not exceed `dbm`; the lowest where all do. */
function stepBelow(steps: RadioConfig['steps'], dbm: number): number | null {
  const sorted = steps.toSorted((a, b) => a.dbm - b.dbm);
  return (sorted.findLast((step) => step.dbm <= dbm) ?? sorted[0])?.index ?? null;
}

/** @param capabilities GET_READER_CAPABILITIES_RESPONSE @param config GET_READER_CONFIG_RESPONSE, with headers */
export function parseRadio(capabilities: Uint8Array, config: Uint8Array): RadioConfig {
  const steps: { index: number; dbm: number }[] = [];
  const capabilitiesView = dataViewOf(capabilities);
  const eachOfType = (bytes: Uint8Array, start: number, end: number, expected: number, take: (from: number, to: number) => void) => {
    eachParameter(bytes, start, end, (type, from, to) => { if (type === expected) take(from, to); });
  };
  eachOfType(capabilities, LLRP_HEADER_BYTES, capabilities.length, 143, (from, to) => {
    // Country and standard come first.
    eachOfType(capabilities, from + 4, to, 144, (bandFrom, bandTo) => eachOfType(capabilities, bandFrom, bandTo, 145, (at, end) => {
      if (end - at >= 4) steps.push({ index: capabilitiesView.getUint16(at), dbm: capabilitiesView.getInt16(at + 2) / 100 });
    }));
  });
  const transmitters = new Map<number, { hopTable: number; channel: number; power: number }>();
  const configView = dataViewOf(config);
  eachOfType(config, LLRP_HEADER_BYTES, config.length, 222, (from, to) => {
    if (to - from < 2) return;
    const id = configView.getUint16(from);
    eachOfType(config, from + 2, to, 224, (at, end) => {
      if (end - at >= 6)
        transmitters.set(id, {
          hopTable: configView.getUint16(at),
          channel: configView.getUint16(at + 2),
          power: configView.getUint16(at + 4),
        });
    });
  });
  return { steps, transmitters };
}
