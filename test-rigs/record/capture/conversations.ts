/**
 * Who spoke with whom in a capture: TCP connections put back in order (retransmissions once, what came early when its
 * turn comes, what is missing named), and UDP by its two ends. Pure.
 */
import type { Packet } from './file.ts';
import { payloadOfPacket, type PacketPayload } from './packet.ts';

/** A run of bytes of one side, in the order of the stream; or a datagram. */
export interface ConversationSegment {
  /** When it could be read: µs since 1970. Never less than in the piece before. */
  atUs: number;
  /** `host:port` of the sender. */
  from: string;
  bytes: Buffer;
  /** Bytes of this side that are missing before this piece: what was begun cannot be finished. */
  lostBytes: number;
}

export interface Conversation {
  via: 'tcp' | 'udp';
  /** The first is the one that dialled, where the capture shows it. */
  sides: [string, string];
  /** Whether it does. */
  isDialSeen: boolean;
  openUs: number;
  pieces: ConversationSegment[];
  close: { atUs: number; from: string; isReset: boolean } | null;
  /** Bytes that are missing behind the last piece, by sender. */
  lostAtEnd: { from: string; count: number }[];
}

/** More that came early than this is waited for in vain. */
const MAX_EARLY = 4096;
/** No window is larger: such a number is damaged. */
const MAX_WINDOW = 1 << 30;

export function conversationsOf(packets: readonly Packet[]): Conversation[] {
  const all: Conversation[] = [];
  const connections = new Map<string, Connection>();
  const datagrams = new Map<string, Conversation>();
  for (const packet of packets) {
    const carried = payloadOfPacket(packet);
    if (!carried) continue;
    const key = [carried.from, carried.to].toSorted().join(' ');
    if (!carried.tcp) {
      if (carried.length === 0) continue;
      let conversation = datagrams.get(key);
      if (!conversation) {
        conversation = begun('udp', carried);
        datagrams.set(key, conversation);
        all.push(conversation);
      }
      conversation.pieces.push({ atUs: carried.atUs, from: carried.from, bytes: carried.bytes, lostBytes: 0 });
      continue;
    }
    let connection = connections.get(key);
    if (connection?.isFollowedBy(carried)) {
      connection.finish();
      connection = undefined;
    }
    if (!connection) {
      connection = new Connection(carried);
      connections.set(key, connection);
      all.push(connection.conversation);
    }
    connection.take(carried);
  }
  for (const connection of connections.values()) connection.finish();
  return all.filter(({ pieces }) => pieces.length > 0);
}

function begun(via: 'tcp' | 'udp', { from, to, atUs, tcp }: PacketPayload): Conversation {
  // The answer to a SYN is seen where the SYN itself is not.
  const isAnswer = tcp?.isSyn === true && tcp.ack !== null;
  return {
    via,
    sides: isAnswer ? [to, from] : [from, to],
    isDialSeen: via === 'udp' || tcp?.isSyn === true,
    openUs: atUs,
    pieces: [],
    close: null,
    lostAtEnd: [],
  };
}

class Connection {
  readonly conversation: Conversation;
  readonly #sides: Record<string, Side>;

  constructor(first: PacketPayload) {
    this.conversation = begun('tcp', first);
    const give = (piece: ConversationSegment) => {
      const before = this.conversation.pieces.at(-1);
      this.conversation.pieces.push({ ...piece, atUs: Math.max(piece.atUs, before?.atUs ?? 0) });
    };
    this.#sides = { [first.from]: new Side(first.from, give), [first.to]: new Side(first.to, give) };
  }

  /** Whether this packet begins another connection between the same ports. */
  isFollowedBy({ from, tcp }: PacketPayload): boolean {
    return tcp?.isSyn === true && tcp.ack === null && (this.#sides[from]?.isOther(tcp.seq) ?? false);
  }

  take(carried: PacketPayload): void {
    const { from, to, atUs, tcp } = carried;
    if (!tcp) return;
    if (tcp.ack !== null && !tcp.isReset) this.#sides[to]?.acknowledged(tcp.ack, atUs);
    this.#sides[from]?.take(carried, tcp.seq, tcp.isSyn);
    if ((tcp.isFin || tcp.isReset) && !this.conversation.close) this.conversation.close = { atUs, from, isReset: tcp.isReset };
  }

  finish(): void {
    for (const side of Object.values(this.#sides)) {
      side.finish();
      if (side.lostBytes > 0) this.conversation.lostAtEnd.push({ from: side.from, count: side.lostBytes });
    }
  }
}

/** Signed distance of two sequence numbers, which wrap at 2^32. */
const distance = (seq: number, from: number): number => (seq - from) | 0;

interface Early {
  seq: number;
  carried: PacketPayload;
}

/** One direction: hands pieces on in order, holds what came early, drops what came twice. */
class Side {
  readonly from: string;
  /** Missing bytes that no piece has named yet. */
  lostBytes = 0;
  readonly #give: (piece: ConversationSegment) => void;
  #first: number | null = null;
  #next: number | null = null;
  /** In the order of the stream; of two that begin alike, as they came. */
  readonly #early: Early[] = [];
  #atUs = 0;

  constructor(from: string, give: (piece: ConversationSegment) => void) {
    this.from = from;
    this.#give = give;
  }

  /** Whether a SYN with this number is not the one that began this connection. */
  isOther(seq: number): boolean {
    return this.#next !== null && this.#first !== seq;
  }

  take(carried: PacketPayload, seq: number, isSyn: boolean): void {
    this.#atUs = carried.atUs;
    let begins = seq;
    if (isSyn) {
      begins = (seq + 1) >>> 0;
      this.#first ??= seq;
      this.#next ??= begins;
    }
    if (carried.length === 0) return;
    this.#next ??= begins;
    this.#hold({ seq: begins, carried });
    this.#drain();
    if (this.#early.length > MAX_EARLY) this.#giveUp();
  }

  /** The other side has everything before this number: what the capture lacks of it will not come. */
  acknowledged(ack: number, atUs: number): void {
    if (this.#next === null || distance(ack, this.#next) <= 0 || distance(ack, this.#next) > MAX_WINDOW) return;
    this.#atUs = atUs;
    while (this.#next !== null && this.#early.length > 0 && distance((this.#early[0] as Early).seq, ack) < 0) this.#giveUp();
    const missing = distance(ack, this.#next);
    // The FIN has a number of its own.
    if (missing > 1 || (missing === 1 && this.#early.length > 0)) {
      this.lostBytes += missing;
      this.#next = ack;
    }
  }

  finish(): void {
    while (this.#early.length > 0) this.#giveUp();
  }

  /** What came in order goes to the end at once; the place of anything else is found by halves. */
  #hold(early: Early): void {
    let [least, most] = [0, this.#early.length];
    if (most > 0 && distance((this.#early[most - 1] as Early).seq, early.seq) <= 0) least = most;
    while (least < most) {
      const middle = (least + most) >> 1;
      if (distance((this.#early[middle] as Early).seq, early.seq) <= 0) least = middle + 1;
      else most = middle;
    }
    this.#early.splice(least, 0, early);
  }

  /** What is missing before the earliest that is held is lost. */
  #giveUp(): void {
    const { seq } = this.#early[0] as Early;
    this.lostBytes += Math.max(0, distance(seq, this.#next as number));
    this.#next = seq;
    this.#drain();
  }

  #drain(): void {
    for (;;) {
      const next = this.#next as number;
      const [first] = this.#early;
      if (!first || distance(first.seq, next) > 0) return;
      this.#early.shift();
      const { seq, carried } = first;
      const known = -distance(seq, next);
      if (known >= carried.length) continue;
      this.#next = (seq + carried.length) >>> 0;
      const bytes = carried.bytes.subarray(known);
      if (bytes.length > 0) {
        this.#give({ atUs: Math.max(this.#atUs, carried.atUs), from: this.from, bytes, lostBytes: this.lostBytes });
        this.lostBytes = 0;
      }
      // The capture kept the head of the packet only.
      this.lostBytes += carried.length - Math.max(known, carried.bytes.length);
    }
  }
}
