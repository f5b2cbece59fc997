/** Opens the broker of a gateway: its own, or none where another one is named; and says where edges find it. */
import { readFile } from 'node:fs/promises';
import { getCACertificates } from 'node:tls';
import { parseCertificates } from '../../core/certificates.ts';
import { FaultError } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import type { EmbeddedBrokerSetup, GatewaySetup } from '../config/setup.ts';
import { openEmbeddedBroker, type BrokerTls, type EmbeddedBroker } from './embedded.ts';
import type { BrokerLink, LinkTarget } from './link.ts';
import '../tls/faults.ts';

export interface OpenedBroker {
  /** null: the broker is another program. */
  broker: EmbeddedBroker | null;
  target: LinkTarget;
}

/**
 * @param tls of the embedded one
 * @param ownCaPem the gateway's own CA: mosquitto may have its certificate from it
 * @throws CV_TLS_CERTIFICATE: the file with the CA of another broker
 */
export async function openBroker(
  { broker: setup }: GatewaySetup,
  { tls, ownCaPem }: { tls: BrokerTls | null; ownCaPem: string },
  world: World,
): Promise<OpenedBroker> {
  if (setup.kind === 'external') {
    const { url, user, password, ca } = setup;
    if (!/^(mqtts|wss):/.test(url)) return { broker: null, target: { url, user, password } };
    const given = ca === undefined ? '' : await readCa(ca);
    const trusted = [...getCACertificates('default'), ownCaPem, given].filter((pem) => pem !== '');
    return { broker: null, target: { url, user, password, trusted } };
  }
  const broker = await openEmbeddedBroker(setup, world, tls);
  return { broker, target: { url: 'embedded', open: () => broker.connectGateway() } };
}

async function readCa(path: string): Promise<string> {
  try {
    const pem = await readFile(path, 'utf8');
    parseCertificates(pem);
    return pem;
  } catch (error) {
    throw new FaultError('CV_TLS_CERTIFICATE', { certificate: path, detail: (error as Error).message }, { cause: error });
  }
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
