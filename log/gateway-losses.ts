/**
 * What a gateway's log has to name as lost. Each loss is a fault, a count, and a gap event of the gateway's own in the
 * log (edge = the gateway, stream diagnostic), whose range is in the log's numbers, as consumers see them in cursors.
 */
import { encodeBatch } from '../core/wire/batch.ts';
import type { World } from '../core/world.ts';
import type { Chain } from './chain.ts';
import { gapDraft } from './gap.ts';
import type { Marks } from './marks.ts';
import { addRange, addRanges, countOf, fromMark, missingOf, type Range } from './ranges.ts';
import type { ChainReport, Hole } from './storage.ts';
import { compareCursors, type AcceptedGroup, type Cursor, type SettledRange } from './types.ts';
import './faults.ts';

export const LOST_STREAM = 'diagnostic';
const NO_CENTRE = '000000';
/** Numbers of the log that are named lost are kept as this sender's marks, so that a restart does not name them again. */
export const LOST_SENDER = 'lost#';

const NOTHING = { groups: [], settled: [] };

export interface Losses {
  groups: AcceptedGroup[];
  settled: SettledRange[];
}

export class GatewayLosses {
  readonly #gateway: string;
  readonly #epoch: number;
  readonly #chain: Chain;
  readonly #marks: Marks;
  readonly #world: World;
  /** By epoch of the log: numbers that were named in this opening. */
  readonly #named = new Map<number, Range[]>();
  readonly #witnessed = new Map<string, string>();
  #seq = 1;

  constructor(gateway: string, epoch: number, chain: Chain, marks: Marks, world: World) {
    this.#gateway = gateway;
    this.#epoch = epoch;
    this.#chain = chain;
    this.#marks = marks;
    this.#world = world;
  }

  /** Names files that are gone, and what the head file knows of and the files do not have. */
  recover(found: ChainReport, trimmed: Cursor): Losses {
    const gone = this.holes(found.stateDamaged ? [] : this.#goneFiles(trimmed));
    const beyond = this.#beyondEnd(found, trimmed);
    return { groups: [...gone.groups, ...beyond.groups], settled: [...gone.settled, ...beyond.settled] };
  }

  /** Where one file ends the next one of its epoch begins, and the first one behind what was let go. */
  #goneFiles(trimmed: Cursor): Hole[] {
    return this.#chain.files.flatMap((file, at, files) => {
      const before = files[at - 1];
      const expected = before?.epoch === file.epoch ? this.#chain.lastOf(before) + 1 : file.epoch === trimmed.epoch ? trimmed.seq + 1 : 1;
      return file.epoch >= trimmed.epoch && expected < file.first ? [{ name: file.name, epoch: file.epoch, from: expected, to: file.first - 1, detail: 'the file before it is gone' }] : [];
    });
  }

  #beyondEnd(found: ChainReport, trimmed: Cursor): Losses {
    const { head } = found;
    if (found.stateDamaged) this.#tellDamaged({ name: 'marks', epoch: 0, from: 0, to: 0, detail: 'batches since the last sound file may be taken for new' });
    if (!head || compareCursors(head, trimmed) <= 0) return NOTHING;
    const file = this.#chain.files.findLast((one) => one.epoch === head.epoch);
    if (file?.damaged) this.#chain.extend(file.name, head.seq);
    const last = file ? this.#chain.lastOf(file) : trimmed.epoch === head.epoch ? trimmed.seq : 0;
    if (last >= head.seq || this.#unnamed(head.epoch, last + 1, head.seq).length === 0) return NOTHING;
    this.#tellRewound('its own head file', head.epoch, last + 1, head.seq);
    return this.#gap(head.epoch, last + 1, head.seq, 'log_rewound');
  }

  holes(holes: readonly Hole[]): Losses {
    const losses: Losses = { groups: [], settled: [] };
    for (const hole of holes) {
      if (this.#unnamed(hole.epoch, hole.from, hole.to).length === 0) continue;
      this.#chain.distrust(hole.name);
      this.#tellDamaged(hole);
      const { groups, settled } = this.#gap(hole.epoch, hole.from, hole.to, 'log_damaged');
      losses.groups.push(...groups);
      losses.settled.push(...settled);
    }
    return losses;
  }

  /** A consumer that is further than the log ever came: what lies between is lost. */
  witness(consumer: string, cursor: Cursor, head: Cursor): void {
    const last = this.#chain.lastOfEpoch(cursor.epoch);
    const isBeyond = last === null ? compareCursors(cursor, head) > 0 : cursor.seq > last;
    const place = `${cursor.epoch}-${cursor.seq}`;
    const isNamed = this.#unnamed(cursor.epoch, (last ?? 0) + 1, cursor.seq).length === 0;
    if (!isBeyond || isNamed || this.#witnessed.get(consumer) === place) return;
    this.#witnessed.set(consumer, place);
    this.#tellRewound(consumer, cursor.epoch, (last ?? 0) + 1, cursor.seq);
  }

  #unnamed(epoch: number, from: number, to: number): Range[] {
    const before = fromMark(this.#marks.mark(LOST_SENDER, LOST_STREAM, epoch));
    return missingOf(addRanges(before, this.#named.get(epoch) ?? []), from, to);
  }

  #gap(epoch: number, fromSeq: number, toSeq: number, reason: 'log_rewound' | 'log_damaged'): Losses {
    const nowMs = this.#world.clock.nowMs();
    const losses: Losses = { groups: [], settled: [] };
    for (const [from, to] of this.#unnamed(epoch, fromSeq, toSeq)) {
      this.#named.set(epoch, addRange(this.#named.get(epoch) ?? [], from, to));
      const count = countOf([[from, to]]);
      this.#world.tell({ kind: 'samples_lost', count, reason, intended: false });
      const seq = this.#seq;
      this.#seq += 1;
      const draft = gapDraft(this.#gateway, NO_CENTRE, { stream: LOST_STREAM, epoch, fromSeq: from, toSeq: to, fromAt: nowMs, toAt: nowMs, count, reason }, nowMs);
      const payload = encodeBatch({ from: this.#gateway, stream: LOST_STREAM, epoch: this.#epoch, seq }, [draft]);
      losses.groups.push({ origin: { sender: this.#gateway, stream: LOST_STREAM, epoch: this.#epoch, seq, span: 1, receivedAt: nowMs }, count: 1, payload });
      losses.settled.push({ sender: LOST_SENDER, stream: LOST_STREAM, epoch, from, to });
    }
    return losses;
  }

  #tellDamaged({ name, epoch, from, to, detail }: Hole): void {
    this.#world.tell({ kind: 'fault', fault: { code: 'CV_LOG_DAMAGED', params: { file: name, epoch, fromSeq: from, toSeq: to, detail } } });
  }

  #tellRewound(witness: string, epoch: number, fromSeq: number, toSeq: number): void {
    this.#world.tell({ kind: 'fault', fault: { code: 'CV_LOG_REWOUND', params: { witness, stream: 'log', epoch, fromSeq, toSeq } } });
  }
}
