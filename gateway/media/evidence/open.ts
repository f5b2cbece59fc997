/** The files that go with events, at a gateway: their folder, and a link of their own to the broker, so that they never hold up events. */
import { join } from 'node:path';
import { AtRestKeys } from '../../../log/at-rest/keys.ts';
import { EvidenceFolder } from '../../../log/evidence/evidence-folder.ts';
import { faultOf } from '../../../core/faults.ts';
import type { World } from '../../../core/world.ts';
import { GATEWAY_CLIENT, openLink, type BrokerLink, type LinkTarget } from '../../broker/link.ts';
import type { GatewaySetup } from '../../config/setup.ts';
import type { ApiSources } from '../../http/sources.ts';
import type { PresenceRegistry } from '../../presence/registry.ts';
import { EvidenceReceiver } from './receiver.ts';
import '../../../log/evidence/faults.ts';

export interface GatewayEvidence {
  get: ApiSources['evidence'];
  /** Said to edges: they send files only where somebody takes them. */
  takes(): ('evidence' | 'clips')[];
  close(): Promise<void>;
}

const FILTER = 'cv/v1/in/+/+/evidence';
const NOTHING: GatewayEvidence = { get: () => null, takes: () => [], close: () => Promise.resolve() };

/**
 * What cannot be opened costs the files alone, and is told.
 *
 * @param answers publishes what edges are told
 * @throws FaultError CV_AT_REST_ALGORITHM
 */
export async function openEvidence(
  { gateway, evidence, atRest }: Pick<GatewaySetup, 'gateway' | 'evidence' | 'atRest'>,
  target: LinkTarget,
  answers: Pick<BrokerLink, 'publish'>,
  registry: Pick<PresenceRegistry, 'isOnline'>,
  world: World,
): Promise<GatewayEvidence> {
  if (!evidence) return NOTHING;
  const keys = new AtRestKeys(atRest);
  const { dir, maxBytes, keepMs } = evidence;
  try {
    const folder = await EvidenceFolder.open(
      { dir, maxBytes, keepMs, keys, onUnreadable: (fault) => world.tell({ kind: 'fault', fault }) },
      world.clock,
    );
    const desk = await EvidenceReceiver.open(
      { dir: join(dir, 'coming'), folder, keys, link: answers, isKnown: (edge) => registry.isOnline(edge) },
      world,
    );
    const link = openLink(
      target,
      { clientId: `${GATEWAY_CLIENT}${gateway}:evidence`, filters: [FILTER], take: (message) => desk.take(message) },
      world,
    );
    return {
      get(sha256) {
        const found = folder.find(sha256);
        return found && { ...found, edge: found.from ?? '' };
      },
      takes: () => (link.connected ? ['evidence', 'clips'] : []),
      async close() {
        await link.close();
        await desk.close();
        await folder.close();
      },
    };
  } catch (error) {
    world.tell({ kind: 'fault', fault: faultOf(error, 'CV_EVIDENCE_DISK', { dir }) });
    return NOTHING;
  }
}
