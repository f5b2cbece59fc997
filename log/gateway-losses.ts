/**
 * Losses of a gateway's log. Each is a fault, a count and a gap event in the log (edge = the gateway, stream diagnostic)
 * whose range is in the log's own numbers, as in consumers' cursors.
 */
import { encodeBatch } from '../core/wire/batch.ts';
import type { World } from '../core/world.ts';
import type { FileChain } from './file-chain.ts';
import { gapDraft } from './gap.ts';
import type { SenderMarks } from './sender-marks.ts';
import { addRange, addRanges, countNumbers, fromMark, missingRanges, type SeqRange } from './ranges.ts';
import type { ChainReport, MissingRange } from './storage.ts';
import { compareCursors, type AcceptedGroup, type Cursor, type SettledRange } from './types.ts';
import './faults.ts';

export const LOSS_STREAM = 'diagnostic';
const NO_CENTRE = '000000';
/** Recorded losses are kept as marks of this sender, so that a restart does not record them again. */
export const LOSS_SENDER = 'lost#';

const NO_LOSS_GROUPS = { groups: [], settled: [] };

export interface LossGroups {
  groups: AcceptedGroup[];
  settled: SettledRange[];
}

export class GatewayLosses {
  readonly #gateway: string;
  readonly #epoch: number;
  readonly #chain: FileChain;
  readonly #marks: SenderMarks;
  readonly #world: World;
  /** By epoch of the log: losses recorded in this opening. */
  readonly #recorded = new Map<number, SeqRange[]>();
  readonly #reportedConsumers = new Map<string, string>();
  #seq = 1;

  constructor(gateway: string, epoch: number, chain: FileChain, marks: SenderMarks, world: World) {
    this.#gateway = gateway;
    this.#epoch = epoch;
    this.#chain = chain;
    this.#marks = marks;
    this.#world = world;
  }

  /** Records missing files, and numbers that the head file knows but the files lack. */
  recover(found: ChainReport, trimmed: Cursor): LossGroups {
    const missing = this.recordMissingRanges(found.stateDamaged ? [] : this.#missingFiles(trimmed));
    const beyond = this.#beyondEnd(found, trimmed);
    return { groups: [...missing.groups, ...beyond.groups], settled: [...missing.settled, ...beyond.settled] };
  }

  /** Files must follow each other without a gap within an epoch, the first one after the trim state. */
  #missingFiles(trimmed: Cursor): MissingRange[] {
    return this.#chain.files.flatMap((file, index, files) => {
      const before = files[index - 1];
      const expected =
        before?.epoch === file.epoch ? this.#chain.lastSeqOf(before) + 1 : file.epoch === trimmed.epoch ? trimmed.seq + 1 : 1;
      // From beyond to where nothing is missing.
      return file.epoch >= trimmed.epoch
        ? [{ name: file.name, epoch: file.epoch, from: expected, to: file.first - 1, detail: 'preceding file is missing' }]
        : [];
    });
  }

  #beyondEnd(found: ChainReport, trimmed: Cursor): LossGroups {
    const { head } = found;
    if (found.stateDamaged)
      this.#reportDamaged({
        name: 'marks',
        epoch: 0,
        from: 0,
        to: 0,
        detail: 'batches since the last readable file may be accepted again',
      });
    if (!head || head.epoch < trimmed.epoch) return NO_LOSS_GROUPS;
    const file = this.#chain.files.findLast((one) => one.epoch === head.epoch);
    if (file?.damaged) this.#chain.extend(file.name, head.seq);
    const last = Math.max(file ? this.#chain.lastSeqOf(file) : 0, trimmed.epoch === head.epoch ? trimmed.seq : 0);
    if (this.#unrecorded(head.epoch, last + 1, head.seq).length === 0) return NO_LOSS_GROUPS;
    this.#reportRewound('its own head file', head.epoch, last + 1, head.seq);
    return this.#gap(head.epoch, last + 1, head.seq, 'log_rewound');
  }

  recordMissingRanges(missing: readonly MissingRange[]): LossGroups {
    const losses: LossGroups = { groups: [], settled: [] };
    for (const range of missing) {
      if (this.#unrecorded(range.epoch, range.from, range.to).length === 0) continue;
      this.#chain.markDamaged(range.name);
      this.#reportDamaged(range);
      const { groups, settled } = this.#gap(range.epoch, range.from, range.to, 'log_damaged');
      losses.groups.push(...groups);
      losses.settled.push(...settled);
    }
    return losses;
  }

  /** A consumer ahead of the log: the numbers in between are lost. */
  checkConsumer(consumer: string, cursor: Cursor, head: Cursor): void {
    const last = this.#chain.lastSeqOfEpoch(cursor.epoch);
    const isBeyond = last !== null || compareCursors(cursor, head) > 0;
    const position = `${cursor.epoch}-${cursor.seq}`;
    const isRecorded = this.#unrecorded(cursor.epoch, (last ?? 0) + 1, cursor.seq).length === 0;
    if (!isBeyond || isRecorded || this.#reportedConsumers.get(consumer) === position) return;
    this.#reportedConsumers.set(consumer, position);
    this.#reportRewound(consumer, cursor.epoch, (last ?? 0) + 1, cursor.seq);
  }

  #unrecorded(epoch: number, from: number, to: number): SeqRange[] {
    const before = fromMark(this.#marks.mark(LOSS_SENDER, LOSS_STREAM, epoch));
    return missingRanges(addRanges(before, this.#recorded.get(epoch) ?? []), from, to);
  }

  #gap(epoch: number, fromSeq: number, toSeq: number, reason: 'log_rewound' | 'log_damaged'): LossGroups {
    const nowMs = this.#world.clock.nowMs();
    const losses: LossGroups = { groups: [], settled: [] };
    for (const [from, to] of this.#unrecorded(epoch, fromSeq, toSeq)) {
      this.#recorded.set(epoch, addRange(this.#recorded.get(epoch) ?? [], from, to));
      const count = countNumbers([[from, to]]);
      this.#world.tell({ kind: 'samples_lost', count, reason, intended: false });
      const seq = this.#seq;
      this.#seq += 1;
      const draft = gapDraft(
        this.#gateway,
        NO_CENTRE,
        { stream: LOSS_STREAM, epoch, fromSeq: from, toSeq: to, fromAt: nowMs, toAt: nowMs, count, reason },
        nowMs,
      );
      const payload = encodeBatch({ from: this.#gateway, stream: LOSS_STREAM, epoch: this.#epoch, seq }, [draft]);
      losses.groups.push({
        origin: { sender: this.#gateway, stream: LOSS_STREAM, epoch: this.#epoch, seq, span: 1, receivedAt: nowMs },
        count: 1,
        payload,
      });
      losses.settled.push({ sender: LOSS_SENDER, stream: LOSS_STREAM, epoch, from, to });
    }
    return losses;
  }

  #reportDamaged({ name, epoch, from, to, detail }: MissingRange): void {
    this.#world.tell({ kind: 'fault', fault: { code: 'CV_LOG_DAMAGED', params: { file: name, epoch, fromSeq: from, toSeq: to, detail } } });
  }

  #reportRewound(witness: string, epoch: number, fromSeq: number, toSeq: number): void {
    this.#world.tell({ kind: 'fault', fault: { code: 'CV_LOG_REWOUND', params: { witness, stream: 'log', epoch, fromSeq, toSeq } } });
  }
}
