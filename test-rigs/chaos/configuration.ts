/** The two configuration files of a chaos run. */
import { stringify } from 'yaml';
import { CHAOS_DEVICES } from './numbers.ts';

export const CHAOS_EDGE = 'chaos-edge';
export const CHAOS_CENTRE = '500112001';

export interface ChaosPlan {
  broker: 'embedded' | 'mosquitto';
  /** Of the gateway; of the edge as well, unless it comes to mosquitto by a certificate. */
  brokerPort: number;
  edgePort: number;
  httpPort: number;
  /** Of the edge; null: it has a certificate, in ./identity, and speaks TLS. */
  token: string | null;
  gatewayPassword: string;
  compaction: boolean;
}

const USER = 'chaos-gateway';
/** Folder of the gateway, with certificates for mosquitto. */
export const FOR_BROKER = './for-broker';

/** Who may do what at a broker of its own. */
export const chaosAccess = ({ token, gatewayPassword }: ChaosPlan) => ({
  edges: [{ id: CHAOS_EDGE, token }],
  gateway: { user: USER, password: gatewayPassword },
  consumers: [],
});

export function chaosGatewayYaml(plan: ChaosPlan, more: object = {}): string {
  const { broker, brokerPort, edgePort, httpPort, token, gatewayPassword, compaction } = plan;
  const edges = token === null ? [] : [{ id: CHAOS_EDGE, token }];
  return stringify({
    gateway: USER,
    centre: CHAOS_CENTRE,
    broker: broker === 'embedded'
      ? { embedded: { host: '127.0.0.1', port: brokerPort, edges } }
      : {
          url: `mqtt://127.0.0.1:${brokerPort}`, user: USER, password: gatewayPassword,
          ...(token === null && { edgeUrl: `mqtts://127.0.0.1:${edgePort}` }),
        },
    log: { dir: './gateway-log', maxBytes: '1GB' },
    store: { dir: './gateway-store', ...(compaction ? { compaction: { every: '100ms', settle: '0s' } } : {}) },
    // Who enrols the edge is an administrator; the rig itself goes on asking without a name.
    http: { host: '127.0.0.1', port: httpPort, ...(token === null && { anonymous: 'loopback' }) },
    ...(token === null && {
      tls: { loopback: true, dir: './certificates', ...(broker === 'mosquitto' && { copyTo: FOR_BROKER }) },
    }),
    ...more,
  });
}

export function chaosEdgeYaml({ brokerPort, edgePort, token }: ChaosPlan, devices: readonly object[] = [], more: object = {}): string {
  return stringify({
    edge: CHAOS_EDGE,
    centre: CHAOS_CENTRE,
    gateway: token === null
      ? { url: `mqtts://127.0.0.1:${edgePort}`, identity: './identity' }
      : { url: `mqtt://127.0.0.1:${brokerPort}`, token },
    log: { dir: './edge-log', maxBytes: '1GB' },
    http: { host: '127.0.0.1', port: 0 },
    // So seldom that no number is ever said once more as stale: a drain may take longer than half a minute.
    devices: [
      ...Array.from({ length: CHAOS_DEVICES }, (_, device) => ({
        id: `numbers-${device}`,
        driver: 'numbers',
        settings: { device },
        every: '1h',
        points: [{ id: 'n', indicator: 'RIG-NUM-001' }],
      })),
      ...devices,
    ],
    ...more,
  });
}
