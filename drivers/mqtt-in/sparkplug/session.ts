/**
 * State of a node's earlier messages that is needed to read the next one: aliases from births, sequence numbers, and the
 * session that a death belongs to. Pure apart from that state.
 */
import type { MetricAlias } from '../frame.ts';
import { parseSparkplugPayload, metricValue, type SparkplugMetric, type SparkplugPayload } from './payload.ts';

/** The context of a message from earlier ones. */
export interface MessageContext {
  aliases?: Record<string, MetricAlias>;
  isOther?: boolean;
  /** Why the node should send its births again. */
  rebirthReason?: 'unborn' | 'gap' | 'alias';
}

export interface SparkplugTopic {
  type: string;
  group: string;
  node: string;
  device: string | null;
}

/** `spBv1.0/group/TYPE/node[/device]`; null for anything else. */
export function parseSparkplugTopic(topic: string): SparkplugTopic | null {
  const [space, group, type, node, device, ...more] = topic.split('/');
  if (space !== 'spBv1.0' || !group || !type || !node || more.length > 0) return null;
  return { group, type, node, device: device ?? null };
}

const CARRIES_SEQ = new Set(['NBIRTH', 'NDATA', 'DBIRTH', 'DDATA', 'DDEATH']);
const MAX_ALIASES = 100_000;

export class SparkplugSession {
  /** null: the node's own metrics. */
  readonly #device: string | null;
  #aliases = new Map<string, MetricAlias & { device: string | null }>();
  /** Datatypes of metrics by name, of our device. */
  #types = new Map<string, number>();
  #seq: number | null = null;
  #bdSeq: number | null = null;
  #isBorn = false;

  constructor(device: string | undefined) {
    this.#device = device ?? null;
  }

  update(topic: string, bytes: Uint8Array): MessageContext {
    const of = parseSparkplugTopic(topic);
    const payload = of && parseSparkplugPayload(bytes);
    // decode reports an unreadable message.
    if (!of || !payload) return {};
    const isOther = of.device !== this.#device && of.type !== 'NDEATH';
    if (of.type === 'NDEATH') return this.#handleNodeDeath(payload);
    if (!CARRIES_SEQ.has(of.type)) return { isOther: true };
    const wantsBirth = of.type === 'NBIRTH' ? this.#handleNodeBirth(payload) : this.#checkSequence(payload);
    if (of.type === 'NBIRTH' || of.type === 'DBIRTH') this.#rememberMetrics(of.device, payload);
    if (isOther) return { isOther, ...(wantsBirth ? { rebirthReason: wantsBirth } : {}) };
    const { aliases, isUnknown } = this.#resolve(payload.metrics);
    const wants = wantsBirth ?? (isUnknown ? 'alias' as const : undefined);
    return { ...(aliases ? { aliases } : {}), ...(wants ? { rebirthReason: wants } : {}) };
  }

  #handleNodeBirth({ seq, metrics }: SparkplugPayload): undefined {
    this.#aliases = new Map();
    this.#types = new Map();
    this.#isBorn = true;
    this.#seq = seq ?? 0;
    this.#bdSeq = bdSeqOf(metrics);
  }

  /** The death of an earlier session, sent late by the broker, does not affect this one. */
  #handleNodeDeath({ metrics }: SparkplugPayload): MessageContext {
    const bdSeq = bdSeqOf(metrics);
    if (this.#isBorn && this.#bdSeq !== null && bdSeq !== null && bdSeq !== this.#bdSeq) return { isOther: true };
    this.#isBorn = false;
    this.#seq = null;
    return {};
  }

  #checkSequence({ seq }: SparkplugPayload): 'unborn' | 'gap' | undefined {
    if (!this.#isBorn) return 'unborn';
    const wanted = this.#seq === null ? seq : (this.#seq + 1) % 256;
    this.#seq = seq;
    // Some nodes send no seq; then gaps cannot be detected.
    return seq !== null && seq !== wanted ? 'gap' : undefined;
  }

  #rememberMetrics(device: string | null, { metrics }: SparkplugPayload): void {
    for (const { name, alias, datatype } of metrics) {
      if (name === null) continue;
      if (alias !== null && this.#aliases.size < MAX_ALIASES) this.#aliases.set(alias, { name, datatype, device });
      if (device === this.#device && this.#types.size < MAX_ALIASES) this.#types.set(name, datatype);
    }
  }

  /** Names for aliases and datatypes for metrics, as far as this message lacks them. */
  #resolve(metrics: readonly SparkplugMetric[]): { aliases: Record<string, MetricAlias> | null; isUnknown: boolean } {
    let aliases: Record<string, MetricAlias> | null = null;
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

function bdSeqOf(metrics: readonly SparkplugMetric[]): number | null {
  const metric = metrics.find(({ name }) => name === 'bdSeq');
  const read = metric && metricValue(metric, metric.datatype);
  return read && 'value' in read && typeof read.value === 'number' ? read.value : null;
}
