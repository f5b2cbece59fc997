/** The files that go with events, at a gateway: their folder, and a link of their own to the broker, so that they never hold up events. */
import { join } from 'node:path';
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
const NOTHING: GatewayEvidence = { get: () => Promise.resolve(null), takes: () => [], close: () => Promise.resolve() };

/** What cannot be opened costs the files alone, and is told. @param answers publishes what edges are told */
export async function openEvidence(
  { gateway, evidence }: Pick<GatewaySetup, 'gateway' | 'evidence'>,
  target: LinkTarget,
  answers: Pick<BrokerLink, 'publish'>,
  registry: Pick<PresenceRegistry, 'isOnline'>,
  world: World,
): Promise<GatewayEvidence> {
  if (!evidence) return NOTHING;
  const { dir, maxBytes, keepMs } = evidence;
  try {
    const folder = await EvidenceFolder.open({ dir, maxBytes, keepMs }, world.clock);
    const desk = await EvidenceReceiver.open(
      { dir: join(dir, 'coming'), folder, link: answers, isKnown: (edge) => registry.isOnline(edge) },
      world,
    );
    const link = openLink(
      target,
      { clientId: `${GATEWAY_CLIENT}${gateway}:evidence`, filters: [FILTER], take: (message) => desk.take(message) },
      world,
    );
    return {
      async get(sha256) {
        const found = await folder.get(sha256);
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
