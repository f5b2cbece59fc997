/** Opens the broker of a gateway: its own, or none where another one is named; and says where edges find it. */
import type { World } from '../../core/world.ts';
import type { EmbeddedBrokerSetup, GatewaySetup } from '../config/setup.ts';
import { openEmbeddedBroker, type BrokerTls, type EmbeddedBroker } from './embedded.ts';
import type { BrokerLink, LinkTarget } from './link.ts';

export interface OpenedBroker {
  /** null: the broker is another program. */
  broker: EmbeddedBroker | null;
  target: LinkTarget;
}

export async function openBroker({ broker: setup }: GatewaySetup, tls: BrokerTls | null, world: World): Promise<OpenedBroker> {
  if (setup.kind === 'external') return { broker: null, target: setup };
  const broker = await openEmbeddedBroker(setup, world, tls);
  return { broker, target: { url: 'embedded', open: () => broker.connectGateway() } };
}

/** Lets edges in, once the gateway itself listens. @returns the URL of the broker */
export async function letIn(broker: EmbeddedBroker | null, { broker: setup }: GatewaySetup, link: BrokerLink): Promise<string> {
  if (!broker) return setup.kind === 'external' ? setup.url : '';
  await new Promise<void>((resolve) => { link.onReady(resolve); });
  return broker.listen();
}

/**
 * Where an edge finds the broker.
 *
 * @param url of the broker, as the gateway itself has it
 * @param host by which the edge reached the gateway: it fits a broker that listens on every address
 */
export function brokerUrlForEdges({ broker }: Pick<GatewaySetup, 'broker'>, url: string, host: string): string {
  if (broker.kind === 'external') return broker.edgeUrl ?? url;
  return isEveryAddress(broker) ? url.replace(/\/\/(\[.*\]|[^:]*)/, `//${host.includes(':') ? `[${host}]` : host}`) : url;
}

const isEveryAddress = ({ host }: EmbeddedBrokerSetup): boolean => host === '0.0.0.0' || host === '::';
