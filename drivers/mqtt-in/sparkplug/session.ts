/**
 * What must be known of a node's earlier messages to read the next one: aliases by the births, sequence numbers, which
 * session a death is of. Pure but for what it remembers.
 */
import type { Alias } from '../frame.ts';
import { readPayload, valueOf, type Metric, type Payload } from './payload.ts';

/** What a message means beyond itself. */
export interface Standing {
  aliases?: Record<string, Alias>;
  isOther?: boolean;
  /** Why the node should say its births again. */
  wantsBirth?: 'unborn' | 'gap' | 'alias';
}

export interface SparkplugTopic {
  type: string;
  group: string;
  node: string;
  device: string | null;
}

/** `spBv1.0/group/TYPE/node[/device]`; null for anything else. */
export function topicOf(topic: string): SparkplugTopic | null {
  const [space, group, type, node, device, ...more] = topic.split('/');
  if (space !== 'spBv1.0' || !group || !type || !node || more.length > 0) return null;
  return { group, type, node, device: device ?? null };
}

const CARRIES_SEQ = new Set(['NBIRTH', 'NDATA', 'DBIRTH', 'DDATA', 'DDEATH']);
const MOST_ALIASES = 100_000;

export class SparkplugSession {
  /** null: the node's own metrics. */
  readonly #device: string | null;
  #aliases = new Map<string, Alias & { device: string | null }>();
  /** Types of metrics that go by their name, of our device. */
  #types = new Map<string, number>();
  #seq: number | null = null;
  #bdSeq: number | null = null;
  #isBorn = false;

  constructor(device: string | undefined) {
    this.#device = device ?? null;
  }

  take(topic: string, bytes: Uint8Array): Standing {
    const of = topicOf(topic);
    const payload = of && readPayload(bytes);
    // What cannot be read is told by decode.
    if (!of || !payload) return {};
    const isOther = of.device !== this.#device && of.type !== 'NDEATH';
    if (of.type === 'NDEATH') return this.#nodeDied(payload);
    if (!CARRIES_SEQ.has(of.type)) return { isOther: true };
    const wantsBirth = of.type === 'NBIRTH' ? this.#nodeBorn(payload) : this.#followed(payload);
    if (of.type === 'NBIRTH' || of.type === 'DBIRTH') this.#learn(of.device, payload);
    if (isOther) return { isOther, ...(wantsBirth ? { wantsBirth } : {}) };
    const { aliases, isUnknown } = this.#named(payload.metrics);
    const wants = wantsBirth ?? (isUnknown ? 'alias' as const : undefined);
    return { ...(aliases ? { aliases } : {}), ...(wants ? { wantsBirth: wants } : {}) };
  }

  #nodeBorn({ seq, metrics }: Payload): undefined {
    this.#aliases = new Map();
    this.#types = new Map();
    this.#isBorn = true;
    this.#seq = seq ?? 0;
    this.#bdSeq = bdSeqOf(metrics);
  }

  /** A death of a session before this one comes late, when its broker notices at last: it says nothing of now. */
  #nodeDied({ metrics }: Payload): Standing {
    const bdSeq = bdSeqOf(metrics);
    if (this.#isBorn && this.#bdSeq !== null && bdSeq !== null && bdSeq !== this.#bdSeq) return { isOther: true };
    this.#isBorn = false;
    this.#seq = null;
    return {};
  }

  #followed({ seq }: Payload): 'unborn' | 'gap' | undefined {
    if (!this.#isBorn) return 'unborn';
    const wanted = this.#seq === null ? seq : (this.#seq + 1) % 256;
    this.#seq = seq;
    // Some nodes count their seq not at all; then nothing can be said.
    return seq !== null && seq !== wanted ? 'gap' : undefined;
  }

  #learn(device: string | null, { metrics }: Payload): void {
    for (const { name, alias, datatype } of metrics) {
      if (name === null) continue;
      if (alias !== null && this.#aliases.size < MOST_ALIASES) this.#aliases.set(alias, { name, datatype, device });
      if (device === this.#device && this.#types.size < MOST_ALIASES) this.#types.set(name, datatype);
    }
  }

  /** Names for aliases, and types for metrics that do not say theirs: only what this message leaves out. */
  #named(metrics: readonly Metric[]): { aliases: Record<string, Alias> | null; isUnknown: boolean } {
    let aliases: Record<string, Alias> | null = null;
    let isUnknown = false;
    for (const { name, alias, datatype } of metrics) {
      if (name !== null) {
        const known = datatype === 0 ? this.#types.get(name) : undefined;
        if (known !== undefined) (aliases ??= {})[`=${name}`] = { name, datatype: known };
      } else if (alias !== null) {
        const known = this.#aliases.get(alias);
        if (known?.device === this.#device) (aliases ??= {})[alias] = { name: known.name, datatype: known.datatype };
        else isUnknown = true;
      }
    }
    return { aliases, isUnknown };
  }
}

function bdSeqOf(metrics: readonly Metric[]): number | null {
  const metric = metrics.find(({ name }) => name === 'bdSeq');
  const read = metric && valueOf(metric, metric.datatype);
  return read && 'value' in read && typeof read.value === 'number' ? read.value : null;
}
