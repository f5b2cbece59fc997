/**
 * Takes the files that go with events: part by part onto disk, and once whole checked against the hash that names them. The
 * edge is told what is there; that all is there only when it is on disk for good. What it sends out of turn is answered alike.
 */
import { createHash } from 'node:crypto';
import { AtRestKeys } from '../../../log/at-rest/keys.ts';
import type { EvidenceFolder } from '../../../log/evidence/evidence-folder.ts';
import { mimeOf } from '../../../core/wire/mime.ts';
import { IDS } from '../../../core/event.ts';
import { faultOf, type Fault } from '../../../core/faults.ts';
import { readMessage } from '../../../core/wire/commands.ts';
import { MAX_EVIDENCE_MESSAGE_BYTES } from '../../../core/wire/limits.ts';
import type { EvidenceAnswer, EvidencePart } from '../../../core/wire/messages.ts';
import { EVIDENCE_PART_SCHEMA } from '../../../core/wire/schemas.ts';
import { edgeTopic, parseEdgeTopic, WIRE_VERSION, type EdgeAddress } from '../../../core/wire/topics.ts';
import type { World } from '../../../core/world.ts';
import type { BrokerLink, BrokerMessage } from '../../broker/link.ts';
import { PartialFiles } from './partial-files.ts';
import '../../../log/evidence/faults.ts';

export interface EvidenceReceiverOptions {
  /** Where files lie that are not whole yet. */
  dir: string;
  folder: Pick<EvidenceFolder, 'has' | 'put'>;
  /** As for the folder. */
  keys?: AtRestKeys;
  /** Publishes answers. */
  link: Pick<BrokerLink, 'publish'>;
  /** Whether this gateway knows the edge. */
  isKnown(edge: string): boolean;
}

/** An edge in its right mind sends one part and waits; what comes on top of these is left unanswered. */
const MAX_PENDING = 4;

export class EvidenceReceiver {
  readonly #parts: EvidenceReceiverOptions;
  readonly #partials: PartialFiles;
  readonly #world: World;
  /** By edge: what is being dealt with, in turn, and the file that it has begun. */
  readonly #turns = new Map<string, { pending: number; last: Promise<void> }>();

  private constructor(parts: EvidenceReceiverOptions, world: World) {
    this.#parts = parts;
    this.#partials = new PartialFiles(parts.dir, parts.keys ?? new AtRestKeys(null));
    this.#world = world;
  }

  /** @throws FaultError CV_EVIDENCE_DISK */
  static async open(parts: EvidenceReceiverOptions, world: World): Promise<EvidenceReceiver> {
    const receiver = new EvidenceReceiver(parts, world);
    await receiver.#partials.open(world.clock.nowMs());
    return receiver;
  }

  take(message: BrokerMessage): void {
    const address = parseEdgeTopic(message.topic);
    if (address?.leaf !== 'evidence' || !IDS.edge.test(address.edge) || !this.#parts.isKnown(address.edge)) return;
    const turn = this.#turns.get(address.edge) ?? { pending: 0, last: Promise.resolve() };
    this.#turns.set(address.edge, turn);
    if (turn.pending >= MAX_PENDING) return;
    turn.pending += 1;
    turn.last = turn.last.then(() => this.#deal(address, message.payload)).catch((error: unknown) => {
      // Nothing was answered, so nothing is lost: it is sent again.
      this.#world.tell({ kind: 'fault', edge: address.edge, fault: faultOf(error, 'CV_EVIDENCE_DISK', { dir: this.#parts.dir }) });
    }).finally(() => { turn.pending -= 1; });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#turns.values()].map(({ last }) => last));
  }

  async #deal(address: EdgeAddress, payload: Uint8Array): Promise<void> {
    const read = readMessage(EVIDENCE_PART_SCHEMA, payload, MAX_EVIDENCE_MESSAGE_BYTES);
    if (!read.ok) return this.#world.tell({ kind: 'fault', edge: address.edge, fault: refusal(address.edge, '-', read.detail) });
    const part = read.message;
    const { sha256, bytes } = part;
    if (this.#parts.folder.has(sha256)) return this.#answer(address, { sha256, have: bytes });
    const have = await this.#write(part, address.edge);
    if (have < bytes) return this.#answer(address, { sha256, have });
    const content = await this.#partials.content(address.edge, sha256).catch((error: unknown) => {
      this.#world.tell({ kind: 'fault', edge: address.edge, fault: faultOf(error, 'CV_EVIDENCE_DISK', { dir: this.#parts.dir }) });
      return null;
    });
    if (!content) {
      // Its edge still has it: what cannot be read here is sent again.
      await this.#partials.remove(address.edge, sha256);
      return this.#answer(address, { sha256, have: 0 });
    }
    const mime = mimeOf(content);
    if (createHash('sha256').update(content).digest('hex') !== sha256 || mime === null) {
      await this.#partials.remove(address.edge, sha256);
      this.#world.tell({
        kind: 'fault',
        edge: address.edge,
        fault: refusal(address.edge, sha256, mime === null ? 'no picture' : 'its bytes have another hash'),
      });
      return this.#answer(address, { sha256, have: 0, refused: 'CV_EVIDENCE_REFUSED' });
    }
    await this.#parts.folder.put({ sha256, mime, atMs: part.at, from: address.edge }, content, 'kept');
    await this.#partials.remove(address.edge, sha256);
    this.#world.tell({ kind: 'evidence_taken', count: 1, bytes, sender: address.edge });
    return this.#answer(address, { sha256, have: bytes });
  }

  /** Appends what continues the file. @returns how many bytes of it are there */
  async #write({ sha256, bytes, offset, data }: EvidencePart, edge: string): Promise<number> {
    const known = await this.#partials.have(edge, sha256);
    // An edge has one file under way: one that it begins anew takes the place of any before.
    if (known === null) await this.#partials.forget(edge);
    const have = known ?? 0;
    if (have > bytes) {
      await this.#partials.remove(edge, sha256);
      return 0;
    }
    const piece = Buffer.from(data, 'base64').subarray(0, bytes - have);
    return offset !== have || piece.length === 0 ? have : this.#partials.append(edge, sha256, have, piece);
  }

  async #answer({ centre, edge }: EdgeAddress, evidence: EvidenceAnswer['evidence']): Promise<void> {
    const answer: EvidenceAnswer = { v: WIRE_VERSION, evidence };
    await this.#parts.link.publish(edgeTopic(centre, edge, 'ack'), JSON.stringify(answer)).catch((error: unknown) => {
      this.#world.tell({ kind: 'fault', edge, fault: faultOf(error, 'CV_BROKER_UNREACHABLE', { url: '' }) });
    });
  }
}

const refusal = (edge: string, sha256: string, detail: string): Fault => ({
  code: 'CV_EVIDENCE_REFUSED',
  params: { edge, sha256: sha256.slice(0, 16), detail },
});
