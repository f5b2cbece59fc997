/** The descriptions of one endpoint, in the order in which frames are matched, and the devices of each. */
import { FaultError } from '../../core/faults.ts';
import './faults.ts';
import type { FrameListener } from './connection.ts';
import type { FrameProtocol } from './protocol.ts';
import { conditionsHold, readHeadFields, type FrameCursor } from './read-fields.ts';
import { byCondition, framingDifference, sharingProblem } from './sharing.ts';
import type { DescribedDevice } from './device.ts';

export interface DescriptionEntry {
  readonly description: string;
  protocol: FrameProtocol;
  /** By identity. */
  readonly devices: Map<string, DescribedDevice>;
  readonly listeners: Set<FrameListener>;
}

/** `null`: matches no description; `short`: too short for the head of any. */
export type MatchedDescription = { entry: DescriptionEntry; head: FrameCursor } | 'short' | null;

export class DescriptionSet {
  readonly #address: string;
  #entries: DescriptionEntry[];

  constructor(address: string, description: string, protocol: FrameProtocol) {
    this.#address = address;
    this.#entries = [{ description, protocol, devices: new Map(), listeners: new Set() }];
  }

  /** The framing that all have in common. */
  get framing(): FrameProtocol {
    return (this.#entries[0] as DescriptionEntry).protocol;
  }

  [Symbol.iterator](): Iterator<DescriptionEntry> {
    return this.#entries.values();
  }

  /**
   * The entry of a description, added where it is new; a changed file replaces the previous one. Descriptions without
   * devices never conflict.
   *
   * @throws FaultError CV_DESCRIBED_SHARED
   */
  add(description: string, protocol: FrameProtocol): DescriptionEntry {
    const known = this.#entries.find((one) => one.description === description);
    const inUse = this.#entries.filter(({ devices, listeners }) => devices.size > 0 || listeners.size > 0);
    for (const other of inUse) {
      const problem =
        other !== known
          ? sharingProblem(protocol, other.protocol)
          : framingDifference(protocol, other.protocol) === null
            ? null
            : { en: 'the file was changed since: restart the edge', zh: '文件已被修改：请重启边缘节点' };
      if (problem)
        throw new FaultError('CV_DESCRIBED_SHARED', {
          address: this.#address,
          description,
          other: other.description,
          problem: problem.en,
          problemZh: problem.zh,
        });
    }
    const entry = known ?? { description, protocol, devices: new Map(), listeners: new Set() };
    entry.protocol = protocol;
    this.#entries = [
      entry,
      ...this.#entries.filter((one) => one !== entry && (inUse.includes(one) || sharingProblem(protocol, one.protocol) === null)),
    ].toSorted(byCondition);
    return entry;
  }

  /** Matches the frame with the first description whose condition holds. */
  match(frame: Buffer): MatchedDescription {
    let isTooShort = true;
    for (const entry of this.#entries) {
      const head = readHeadFields(frame, entry.protocol);
      if (!head) continue;
      isTooShort = false;
      if (conditionsHold(entry.protocol.when, head.slots)) return { entry, head };
    }
    return isTooShort ? 'short' : null;
  }
}
