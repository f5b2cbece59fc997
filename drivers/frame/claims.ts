/** The descriptions of one port, in the order in which a frame is offered to them, and the devices of each. */
import { FaultError } from '../../core/faults.ts';
import './faults.ts';
import type { Listener } from './line.ts';
import type { Protocol } from './protocol-types.ts';
import { holds, readHead, type Reading } from './read.ts';
import { byCondition, framingDifference, sharingProblem } from './sharing.ts';
import type { Station } from './station.ts';

export interface Claim {
  readonly description: string;
  protocol: Protocol;
  /** By identity. */
  readonly stations: Map<string, Station>;
  readonly listeners: Set<Listener>;
}

/** `null`: of no description; `short`: too short for the head of any. */
export type Claimed = { claim: Claim; head: Reading } | 'short' | null;

export class Claims {
  readonly #address: string;
  #claims: Claim[];

  constructor(address: string, description: string, protocol: Protocol) {
    this.#address = address;
    this.#claims = [{ description, protocol, stations: new Map(), listeners: new Set() }];
  }

  /** All have the same framing. */
  get framing(): Protocol {
    return (this.#claims[0] as Claim).protocol;
  }

  [Symbol.iterator](): Iterator<Claim> {
    return this.#claims.values();
  }

  /**
   * The claim of a description, added where it is new; a file that was changed goes before what it was. Those whose
   * devices have all left hinder nobody.
   *
   * @throws FaultError CV_DESCRIBED_SHARED
   */
  of(description: string, protocol: Protocol): Claim {
    const known = this.#claims.find((one) => one.description === description);
    const inUse = this.#claims.filter(({ stations, listeners }) => stations.size > 0 || listeners.size > 0);
    for (const other of inUse) {
      const problem = other !== known ? sharingProblem(protocol, other.protocol) : framingDifference(protocol, other.protocol) === null ? null : { en: 'the file was changed since: restart the edge', zh: '文件已被修改：请重启边缘节点' };
      if (problem) throw new FaultError('CV_DESCRIBED_SHARED', { address: this.#address, description, other: other.description, problem: problem.en, problemZh: problem.zh });
    }
    const claim = known ?? { description, protocol, stations: new Map(), listeners: new Set() };
    claim.protocol = protocol;
    this.#claims = [claim, ...this.#claims.filter((one) => one !== claim && (inUse.includes(one) || sharingProblem(protocol, one.protocol) === null))].toSorted(byCondition);
    return claim;
  }

  /** The first description whose condition holds. */
  take(frame: Buffer): Claimed {
    let isShort = true;
    for (const claim of this.#claims) {
      const head = readHead(frame, claim.protocol);
      if (!head) continue;
      isShort = false;
      if (holds(claim.protocol.when, head.slots)) return { claim, head };
    }
    return isShort ? 'short' : null;
  }
}
