/**
 * Files for events on their way to the gateway: the newest first, a part at a time, and only while no live event waits. What
 * a part brought the gateway says; after a break it is asked, and the file goes on from there. Nothing is let go of but by its word.
 */
import type { EvidenceFile } from '../../log/evidence/evidence-file.ts';
import type { EvidenceFolder } from '../../log/evidence/evidence-folder.ts';
import { SENT_KINDS, type EvidenceMime } from '../../core/wire/mime.ts';
import { FaultError, faultOf } from '../../core/faults.ts';
import { MAX_EVIDENCE_BYTES, MAX_EVIDENCE_PART_BYTES } from '../../core/wire/limits.ts';
import type { EvidenceAnswer, EvidencePart } from '../../core/wire/messages.ts';
import { WIRE_VERSION } from '../../core/wire/topics.ts';
import type { World } from '../../core/world.ts';
import '../../log/at-rest/faults.ts';
import '../../log/evidence/faults.ts';

export interface EvidenceUplink {
  /** null until there is one. */
  folder(): Pick<EvidenceFolder, 'newestWaiting' | 'get' | 'markSent'> | null;
  /** Connected, with room on the link, and no live event that waits for it. */
  maySend(): boolean;
  send(payload: string): void;
}

interface OutgoingFile {
  file: EvidenceFile;
  mime: EvidencePart['mime'];
  content: Uint8Array;
  /** What the gateway said that it has; null until it has said so. */
  have: number | null;
  /** Of the part that is not answered yet, monotonic ms; null: the next may go. */
  sentAtMs: number | null;
}

const isSent = (mime: EvidenceMime): mime is EvidencePart['mime'] => (SENT_KINDS as readonly EvidenceMime[]).includes(mime);

const LEAST_PART_BYTES = 4 << 10;
/** A part that takes longer holds up events on the same link: the next is half as large; one that takes less than a quarter, twice. */
const SLOW_MS = 1000;
const ANSWER_WITHIN_MS = 10_000;
const MOST_WAIT_MS = 300_000;

export class EvidenceSender {
  readonly #outlet: EvidenceUplink;
  readonly #world: Pick<World, 'clock' | 'tell'>;
  #going: OutgoingFile | null = null;
  #takes = false;
  #takesClips = false;
  #partBytes = MAX_EVIDENCE_PART_BYTES;
  #waitMs = ANSWER_WITHIN_MS;
  #isLoading = false;

  constructor(outlet: EvidenceUplink, world: Pick<World, 'clock' | 'tell'>) {
    this.#outlet = outlet;
    this.#world = world;
  }

  /** The gateway of this connection says whether it takes files; one of before clips would not answer to them. */
  connected(takes: boolean, takesClips = false): void {
    this.#takes = takes;
    this.#takesClips = takesClips;
    this.wake();
  }

  disconnected(): void {
    this.#takes = false;
    this.#going = null;
  }

  /** About once a second: what was not answered is asked for again, less and less often. */
  tick(): void {
    const { sentAtMs } = this.#going ?? { sentAtMs: null };
    if (sentAtMs !== null && this.#now() - sentAtMs >= this.#waitMs) {
      this.#waitMs = Math.min(MOST_WAIT_MS, this.#waitMs * 2);
      this.#partBytes = Math.max(LEAST_PART_BYTES, this.#partBytes / 2);
      this.#going = null;
    }
    this.wake();
  }

  answer({ evidence: { sha256, have, refused } }: EvidenceAnswer): void {
    const going = this.#going;
    if (going?.file.sha256 !== sha256 || going.sentAtMs === null) return;
    const tookMs = this.#now() - going.sentAtMs;
    // A question says nothing about how long a part takes.
    if (going.have === null) this.#waitMs = ANSWER_WITHIN_MS;
    else if (tookMs > SLOW_MS) this.#partBytes = Math.max(LEAST_PART_BYTES, this.#partBytes / 2);
    else if (tookMs < SLOW_MS / 4) this.#partBytes = Math.min(MAX_EVIDENCE_PART_BYTES, this.#partBytes * 2);
    this.#waitMs = ANSWER_WITHIN_MS;
    going.sentAtMs = null;
    going.have = Math.min(have, going.content.length);
    if (refused !== undefined) this.#refused(going.file, refused);
    else if (going.have === going.content.length)
      this.#done(going.file, () => this.#world.tell({ kind: 'evidence_sent', count: 1, bytes: going.content.length }));
    else this.wake();
  }

  /** Sends the next part, if there is one and it may go. */
  wake(): void {
    if (!this.#takes || this.#isLoading || !this.#outlet.maySend()) return;
    const going = this.#going;
    if (!going) void this.#begin();
    else if (going.sentAtMs === null) this.#send(going);
  }

  async #begin(): Promise<void> {
    this.#isLoading = true;
    try {
      const folder = this.#outlet.folder();
      const file = folder?.newestWaiting(({ mime }) => isSent(mime) && (this.#takesClips || mime !== 'video/mp4'));
      if (!folder || !file || !isSent(file.mime)) return;
      const { mime } = file;
      const found = await folder.get(file.sha256).catch((error: unknown) => this.#damaged(error));
      // Gone, damaged or larger than is taken: it waits no longer.
      if (!found || found.content.length > MAX_EVIDENCE_BYTES) await folder.markSent(file.sha256);
      else if (this.#takes) this.#going = { file, mime, content: found.content, have: null, sentAtMs: null };
    } catch (error) {
      this.#world.tell({ kind: 'fault', fault: faultOf(error, 'CV_EVIDENCE_DISK', { dir: '' }) });
    } finally {
      this.#isLoading = false;
    }
    if (this.#going) this.wake();
  }

  #send(going: OutgoingFile): void {
    const { file: { sha256, atMs }, mime, content, have } = going;
    const data = have === null ? '' : Buffer.from(content.subarray(have, have + this.#partBytes)).toString('base64');
    const part: EvidencePart = { v: WIRE_VERSION, sha256, mime, bytes: content.length, at: atMs, offset: have ?? 0, data };
    going.sentAtMs = this.#now();
    this.#outlet.send(JSON.stringify(part));
  }

  /** What is damaged will not be otherwise later: it is told and counted once, and those behind it go on. */
  #damaged(error: unknown): null {
    if (!(error instanceof FaultError) || error.fault.code !== 'CV_AT_REST_DAMAGED') throw error;
    this.#world.tell({ kind: 'evidence_lost', count: 1, reason: 'picture_unmade' });
    this.#world.tell({ kind: 'fault', fault: error.fault });
    return null;
  }

  #refused(file: EvidenceFile, code: string): void {
    this.#world.tell({ kind: 'evidence_lost', count: 1, reason: 'refused' });
    this.#world.tell({ kind: 'fault', fault: { code: 'CV_EVIDENCE_REFUSED', params: { sha256: file.sha256, edge: '', detail: code } } });
    this.#done(file);
  }

  #done(file: EvidenceFile, then: () => void = () => {}): void {
    this.#isLoading = true;
    const settled = this.#outlet.folder()?.markSent(file.sha256) ?? Promise.resolve();
    settled
      .then(then, (error: unknown) => this.#world.tell({ kind: 'fault', fault: faultOf(error, 'CV_EVIDENCE_DISK', { dir: '' }) }))
      .finally(() => {
        this.#isLoading = false;
        this.#going = null;
        this.wake();
      });
  }

  #now(): number {
    return this.#world.clock.monotonicMs();
  }
}
