/**
 * Events that were refused because their sender did not speak for their device or centre, whole, by sender: an operator
 * may find that it does. Bounded for each sender, so that one that sends nothing else costs so much disk and no more;
 * what is beyond stands in the quarantine alone, as an excerpt.
 */
import { open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { eventProblem } from '../../core/event-check.ts';
import { IDS, type Event } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import { forceFolder, makeFolder } from '../../core/folder.ts';
import { writeFileAtomically } from '../../log/atomic-write.ts';
import { parseJson } from '../../core/wire/json.ts';

const MAX_HELD_BYTES_OF_EDGE = 16 << 20;
const MAX_SENDERS = 4096;

export interface HeldGroup {
  device: string;
  centre: string;
  count: number;
}

/** Takes what is handed over; resolves when it is on disk elsewhere. */
export type TakeHeld = (sender: string, id: number, events: readonly Event[]) => Promise<void>;

export class HeldEvents {
  readonly #dir: string;
  readonly #maxBytes: number;
  readonly #bytes = new Map<string, number>();
  /** By sender, then by device and centre. */
  readonly #groups = new Map<string, Map<string, HeldGroup>>();
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(dir: string, maxBytes = MAX_HELD_BYTES_OF_EDGE) {
    this.#dir = dir;
    this.#maxBytes = maxBytes;
  }

  /** @throws CV_QUARANTINE_FAILED */
  async open(): Promise<void> {
    try {
      await makeFolder(this.#dir, 0o700);
      for (const name of await readdir(this.#dir)) {
        const sender = /^([a-z0-9-]{1,64})\.jsonl$/.exec(name)?.[1];
        if (sender === undefined) continue;
        this.#bytes.set(sender, (await stat(join(this.#dir, name))).size);
        for (const event of await this.#read(join(this.#dir, name))) this.#count(sender, event);
      }
    } catch (error) {
      throw failed(error);
    }
  }

  /** Resolves when they are on disk. @throws CV_QUARANTINE_FAILED */
  async add(sender: string, events: readonly Event[]): Promise<void> {
    await this.#inTurn(sender, async () => {
      const bytes = this.#bytes.get(sender) ?? 0;
      if (!IDS.edge.test(sender) || (bytes === 0 && this.#bytes.size >= MAX_SENDERS)) return;
      let left = this.#maxBytes - bytes;
      const texts: string[] = [];
      const kept = events.filter((event) => {
        const text = `${JSON.stringify(event)}\n`;
        left -= Buffer.byteLength(text) + 1;
        if (left < 0) return false;
        texts.push(text);
        return true;
      });
      if (kept.length === 0) return;
      const file = await open(this.#path(sender), 'a', 0o600);
      try {
        // A line break first: a line that a crash has cut short spoils no other.
        await file.appendFile(`\n${texts.join('')}`);
        await file.datasync();
      } finally {
        await file.close();
      }
      if (bytes === 0) await forceFolder(this.#dir);
      this.#bytes.set(sender, this.#maxBytes - left);
      for (const event of kept) this.#count(sender, event);
    });
  }

  /** What is held of each sender, by device and centre. */
  groups(): { sender: string; groups: HeldGroup[] }[] {
    return [...this.#groups].map(([sender, groups]) => ({ sender, groups: [...groups.values()] }));
  }

  /**
   * Hands over the events of a sender that `wanted` names. They are put into a file of their own first, so that a crash
   * hands over the same ones under the same name, whatever is held by then.
   *
   * @param id names this hand-over; unlike any before
   * @returns how many
   * @throws CV_QUARANTINE_FAILED, and what `take` throws: then it goes on when this is opened again
   */
  async handOver(sender: string, id: number, wanted: (group: HeldGroup) => boolean, take: TakeHeld): Promise<number> {
    if (![...(this.#groups.get(sender)?.values() ?? [])].some(wanted)) return 0;
    let count = 0;
    await this.#inTurn(sender, async () => {
      const chosen = (await this.#read(this.#path(sender))).filter(({ device, centre }) => wanted({ device, centre, count: 1 }));
      count = chosen.length;
      await writeEvents(join(this.#dir, `${sender}.${id}.handed`), chosen);
      await this.#finish(sender, id, chosen, take);
    });
    return count;
  }

  /** Finishes what a crash has cut short. */
  async goOn(take: TakeHeld): Promise<void> {
    for (const name of await readdir(this.#dir)) {
      const [, sender, id] = /^([a-z0-9-]{1,64})\.(\d+)\.handed$/.exec(name) ?? [];
      if (sender === undefined || id === undefined) continue;
      await this.#inTurn(sender, async () => this.#finish(sender, Number(id), await this.#read(join(this.#dir, name)), take));
    }
  }

  async #finish(sender: string, id: number, chosen: readonly Event[], take: TakeHeld): Promise<void> {
    const handed = new Set(chosen.map(nameOf));
    await this.#keepOnly(sender, (await this.#read(this.#path(sender))).filter((event) => !handed.has(nameOf(event))));
    await take(sender, id, chosen);
    await rm(join(this.#dir, `${sender}.${id}.handed`), { force: true });
  }

  /** One after the other for a sender; nobody waits for another sender. */
  async #inTurn(sender: string, work: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(sender) ?? Promise.resolve()).then(work);
    const settled = turn.catch(() => undefined).finally(() => { if (this.#turns.get(sender) === settled) this.#turns.delete(sender); });
    this.#turns.set(sender, settled);
    await turn.catch((error: unknown) => { throw error instanceof FaultError ? error : failed(error); });
  }

  async #read(path: string): Promise<Event[]> {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    // Whatever was written twice (a crash before it counted as settled) is there once.
    return [...new Map(text.split('\n').flatMap(parsed).map((event) => [nameOf(event), event])).values()];
  }

  async #keepOnly(sender: string, events: readonly Event[]): Promise<void> {
    const path = this.#path(sender);
    if (events.length === 0) {
      await rm(path, { force: true });
      this.#bytes.delete(sender);
    } else this.#bytes.set(sender, await writeEvents(path, events));
    this.#groups.delete(sender);
    for (const event of events) this.#count(sender, event);
  }

  #count(sender: string, { device, centre }: Event): void {
    let groups = this.#groups.get(sender);
    if (!groups) this.#groups.set(sender, groups = new Map());
    const key = `${device}|${centre}`;
    const group = groups.get(key);
    if (group) group.count += 1;
    else groups.set(key, { device, centre, count: 1 });
  }

  #path(sender: string): string {
    return join(this.#dir, `${sender}.jsonl`);
  }
}

const nameOf = ({ edge, stream, epoch, seq }: Event): string => `${edge}:${stream}:${epoch}:${seq}`;

function parsed(line: string): Event[] {
  if (line === '') return [];
  try {
    const event = parseJson(line);
    return eventProblem(event) === null ? [event as Event] : [];
  } catch {
    // Cut short by a crash: it was not settled, and came again.
    return [];
  }
}

/** @returns its bytes */
const writeEvents = (path: string, events: readonly Event[]): Promise<number> =>
  writeFileAtomically(path, events.map((event) => `${JSON.stringify(event)}\n`).join(''), { mode: 0o600 });

const failed = (error: unknown) => new FaultError('CV_QUARANTINE_FAILED', { detail: (error as Error).message }, { cause: error });
