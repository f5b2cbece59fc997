/**
 * Devices that send to this edge but are not configured, by their MN, registration packet or topic. The edge lists them
 * with their first bytes and the YAML that would configure them.
 */
import { stringify } from 'yaml';
import { IDS } from '../../core/event.ts';
import type { Fault } from '../../core/faults.ts';
import type { Tell } from '../../core/telemetry.ts';
import type { UnknownDevice } from '../../core/wire/messages.ts';

/** Enough of the first bytes to identify the protocol. */
const SHOWN_BYTES = 48;
const MAX_ID = 64;
const MAX_PEER = 64;
const MAX_ADDRESS = 300;
/** An id of a thousand characters is noise; its YAML is left out. */
const MAX_YAML = 1500;
/** Each is reported as a fault once; at most so many are remembered as reported. */
const MAX_REPORTED = 1000;

export interface UnconfiguredDevice {
  id: string;
  peer: string;
  /** What it sent, without secrets. */
  firstBytes: Uint8Array;
  /** The driver's settings that would configure it. */
  settings: Record<string, unknown>;
}

/** The unconfigured devices of one address. */
export class UnconfiguredDevices {
  readonly #driver: string;
  readonly #address: string;
  readonly #tell: Tell;
  readonly #reported = new Set<string>();

  constructor(driver: string, address: string, tell: Tell) {
    this.#driver = driver;
    this.#address = address;
    this.#tell = tell;
  }

  /** Reports a device that sent something. @param fault reported the first time, where the driver has one */
  report(unconfigured: UnconfiguredDevice, fault?: Fault): void {
    const device = unknownDevice(this.#driver, this.#address, unconfigured);
    this.#tell({ kind: 'unknown_device', ...device });
    if (!fault || this.#reported.has(device.id) || this.#reported.size >= MAX_REPORTED) return;
    this.#reported.add(device.id);
    this.#tell({ kind: 'fault', fault });
  }

  /** The device is configured now. */
  markConfigured(id: string): void {
    const cut = id.slice(0, MAX_ID);
    this.#reported.delete(cut);
    this.#tell({ kind: 'unknown_device_known', driver: this.#driver, address: this.#address, id: cut });
  }
}

function unknownDevice(driver: string, address: string, { id, peer, firstBytes, settings }: UnconfiguredDevice): UnknownDevice {
  const begin = firstBytes.subarray(0, SHOWN_BYTES);
  const yaml = stringify([{ id: deviceIdOf(driver, id), driver, settings }], { lineWidth: 0 });
  return {
    driver,
    address: address.slice(0, MAX_ADDRESS),
    id: id.slice(0, MAX_ID),
    peer: peer.slice(0, MAX_PEER),
    said: {
      hex: Buffer.from(begin).toString('hex'),
      text: String.fromCharCode(...begin.map((byte) => (byte >= 0x20 && byte < 0x7f ? byte : 0x2e))),
    },
    yaml: yaml.length <= MAX_YAML ? yaml : '',
  };
}

/** A device id derived from its identity. */
function deviceIdOf(driver: string, id: string): string {
  const name = `${driver}-${id.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replaceAll(/^-+|-+$/g, '')}`.slice(0, 64).replace(/-+$/, '');
  return IDS.device.test(name) ? name : driver;
}
