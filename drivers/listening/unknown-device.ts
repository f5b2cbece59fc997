/**
 * Devices that speak to us and that nobody configured: an MN, a registration packet, a topic. A driver's hub tells of
 * them here; the edge lists them with their first bytes and the lines by which they are taken in.
 */
import { stringify } from 'yaml';
import { IDS } from '../../core/event.ts';
import type { Fault } from '../../core/faults.ts';
import type { Tell } from '../../core/telemetry.ts';
import type { UnknownDevice } from '../../core/wire/messages.ts';

/** Of what it said: enough to see what it is. */
const SHOWN_BYTES = 48;
const MAX_ID = 64;
const MAX_PEER = 64;
const MAX_ADDRESS = 300;
/** Longer lines nobody pastes: an id of a thousand characters is noise. */
const MAX_YAML = 1500;
/** Each is a fault once; this many are remembered as told. */
const MAX_TOLD = 1000;

export interface Stranger {
  id: string;
  peer: string;
  /** What it said, without secrets. */
  said: Uint8Array;
  /** The driver's settings that would take it in. */
  settings: Record<string, unknown>;
}

/** Those of one address. */
export class Strangers {
  readonly #driver: string;
  readonly #address: string;
  readonly #tell: Tell;
  readonly #told = new Set<string>();

  constructor(driver: string, address: string, tell: Tell) {
    this.#driver = driver;
    this.#address = address;
    this.#tell = tell;
  }

  /** It spoke, and nobody is configured for it. @param fault told the first time, where the driver has one */
  heard(stranger: Stranger, fault?: Fault): void {
    const device = unknownDevice(this.#driver, this.#address, stranger);
    this.#tell({ kind: 'unknown_device', ...device });
    if (!fault || this.#told.has(device.id) || this.#told.size >= MAX_TOLD) return;
    this.#told.add(device.id);
    this.#tell({ kind: 'fault', fault });
  }

  /** Somebody is configured for it now. */
  known(id: string): void {
    const cut = id.slice(0, MAX_ID);
    this.#told.delete(cut);
    this.#tell({ kind: 'unknown_device_known', driver: this.#driver, address: this.#address, id: cut });
  }
}

function unknownDevice(driver: string, address: string, { id, peer, said, settings }: Stranger): UnknownDevice {
  const begin = said.subarray(0, SHOWN_BYTES);
  const yaml = stringify([{ id: nameOf(driver, id), driver, settings }], { lineWidth: 0 });
  return {
    driver, address: address.slice(0, MAX_ADDRESS), id: id.slice(0, MAX_ID), peer: peer.slice(0, MAX_PEER),
    said: { hex: Buffer.from(begin).toString('hex'), text: String.fromCharCode(...begin.map((byte) => (byte >= 0x20 && byte < 0x7f ? byte : 0x2e))) },
    yaml: yaml.length <= MAX_YAML ? yaml : '',
  };
}

/** A device id made of what names it. */
function nameOf(driver: string, id: string): string {
  const name = `${driver}-${id.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replaceAll(/^-+|-+$/g, '')}`.slice(0, 64).replace(/-+$/, '');
  return IDS.device.test(name) ? name : driver;
}
