/** forward: what the log has kept goes to the gateway, and is let go of by the gateway's ack alone. */
import { STREAMS } from '../../core/event.ts';
import { edgeTopic } from '../../core/wire/topics.ts';
import type { Station } from '../../core/line.ts';
import type { EdgeLog, CommittedGroup } from '../../log/types.ts';
import type { World } from '../../core/world.ts';
import type { EdgeSetup } from '../config/setup.ts';
import { readAckMessage } from './ack-messages.ts';
import { EvidenceSender, type EvidenceUplink } from './evidence-sender.ts';
import { offlinePayload, EdgePresence, type EdgePresenceParts } from './edge-presence.ts';
import { BatchSender } from './batch-sender.ts';
import { Uplink } from './uplink.ts';
import type { UplinkTls } from '../identity/uplink-tls.ts';

const LEAVES = ['up', 'late', 'ack', 'state', 'cmd', 'rsp', 'evidence'] as const;

export interface UplinkStatus {
  online: boolean;
  address: string | null;
  clockOffsetMs: number | null;
}

export interface ForwardStation extends Station<CommittedGroup, never> {
  uplink(): UplinkStatus;
  /** Goes to another gateway, or with another token. */
  retarget(gateway: EdgeSetup['gateway']): void;
  /** Connects anew, with the identity as it is now. */
  reconnect(): void;
  /** Something that was waited for is there: sends what may be sent now. */
  wake(): void;
  /** A file waits that goes with an event. */
  wakeEvidence(): void;
  /** To the centre, if it is there; else the centre asks again. */
  answer(payload: string): void;
}

export interface ForwardParts extends Omit<EdgePresenceParts, 'edge' | 'centre'> {
  /** A payload of the command topic. */
  onCommand?(payload: Uint8Array): void;
  /** Files that go with events. */
  evidence?: EvidenceUplink['folder'];
  /** For addresses with TLS, as this gateway wants it. */
  tls?: ((gateway: EdgeSetup['gateway']) => Promise<UplinkTls>) | undefined;
  /** The uplink came up, or a try failed. */
  onUplink?: ((isUp: boolean) => void) | undefined;
}

export type ForwardSetup = Pick<EdgeSetup, 'edge' | 'centre' | 'gateway'>;

export function forward(
  setup: ForwardSetup,
  facts: ForwardParts,
  log: EdgeLog,
  world: World,
  uplinkOf: (
    ...args: ConstructorParameters<typeof Uplink>
  ) => Pick<Uplink, 'open' | 'close' | 'isUp' | 'isReady' | 'publish' | 'retarget' | 'reconnect'> = (...args) => new Uplink(...args),
): ForwardStation {
  const { edge, centre, gateway } = setup;
  const topics = Object.fromEntries(LEAVES.map((leaf) => [leaf, edgeTopic(centre, edge, leaf)])) as Record<(typeof LEAVES)[number], string>;
  const whoWeAre = { edge, centre, ...facts };
  const tlsOf = (to: EdgeSetup['gateway']) => {
    const { tls } = facts;
    return tls && (() => tls(to));
  };
  let address: string | null = null;

  const uplink = uplinkOf(
    {
      urls: gateway.urls,
      clientId: `cv-${edge}`,
      username: edge,
      password: gateway.token,
      ackTopic: topics.ack,
      commandTopic: topics.cmd,
      stateTopic: topics.state,
      offline: offlinePayload(whoWeAre),
      tls: tlsOf(gateway),
    },
    {
      up(at) {
        address = at;
        facts.onUplink?.(true);
        presence.publish();
        sender.connected();
      },
      message,
      drained() {
        sender.drained();
        evidence.wake();
      },
      down() {
        sender.disconnected();
        evidence.disconnected();
      },
      failed: () => facts.onUplink?.(false),
    },
    world,
  );
  const sender = new BatchSender(
    log,
    {
      isReady: () => uplink.isReady() && (facts.clock?.isSettled() ?? true),
      send: (lane, payload) => uplink.publish(topics[lane], payload),
    },
    world,
  );
  const evidence = new EvidenceSender(
    {
      folder: () => facts.evidence?.() ?? null,
      maySend: () => uplink.isReady() && sender.isQuiet,
      send: (payload) => uplink.publish(topics.evidence, payload),
    },
    world,
  );
  const presence = new EdgePresence(whoWeAre, log, world, (payload) => uplink.publish(topics.state, payload, true));

  function message(topic: string, payload: Uint8Array): void {
    if (topic === topics.cmd) return facts.onCommand?.(payload);
    const answer = readAckMessage(payload);
    if (typeof answer === 'string') return world.tell({ kind: 'fault', fault: { code: 'CV_UPLINK_ANSWER', params: { detail: answer } } });
    sender.gatewayAnswered();
    if ('evidence' in answer) evidence.answer(answer);
    else if ('clock' in answer) {
      presence.clockAnswered(answer);
      evidence.connected(answer.takes?.includes('evidence') ?? false, answer.takes?.includes('clips'));
    } else if ('error' in answer) sender.refusal(answer);
    else sender.ack(answer);
    evidence.wake();
  }

  return {
    name: 'forward',
    open: () => uplink.open(),
    take: (groups) => groups.forEach((group) => sender.groupKept(group)),
    tick() {
      for (const stream of STREAMS) {
        const { events, bytes } = log.size(stream);
        world.tell({ kind: 'log_depth', stream, value: events, bytes });
      }
      sender.tick();
      evidence.tick();
      if (uplink.isUp) presence.tick();
    },
    async close() {
      // Nothing new goes out behind the last word; acks that still come are taken.
      sender.disconnected();
      evidence.disconnected();
      await uplink.close();
    },
    retarget: (to) => uplink.retarget({ urls: to.urls, password: to.token, tls: tlsOf(to) }),
    reconnect: () => uplink.reconnect(),
    answer: (payload) => uplink.publish(topics.rsp, payload),
    wake: () => sender.wake(),
    wakeEvidence: () => evidence.wake(),
    uplink: () => ({ online: uplink.isUp, address, clockOffsetMs: presence.clockOffsetMs }),
  };
}
