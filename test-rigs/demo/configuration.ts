/** The demo's two configuration files, as a user would write them; they lie in the demo's folder to be looked at. */
import { stringify } from 'yaml';
import { sceneOf } from './footage.ts';

/** Of the HJ 212 station. */
export const STATION_MN = '50011200100000000000A005';

export const DEMO_EDGE = 'town-box-01';
export const DEMO_CENTRE = '500112001';

export interface DemoEdgePlan {
  gatewayPort: number;
  pumpPort: number;
  airEndpoint: string;
  /** Where the HJ 212 station dials. */
  uploadPort: number;
  gatePort: number;
  /** The clip, or null for a demo without the camera. */
  clip: string | null;
  /** It has a certificate, in ./identity; else a token. */
  isEnrolled: boolean;
}

export function demoEdgeYaml(plan: DemoEdgePlan): string {
  const place = { lon: 106.577, lat: 29.557 };
  const devices: unknown[] = [
    {
      id: 'pump-07', driver: 'modbus', position: place, every: '1s', timeout: '2s',
      settings: { transport: 'tcp', host: '127.0.0.1', port: plan.pumpPort, unit: 1 },
      points: [
        {
          id: 'level',
          address: 'holding:100',
          type: 'float32',
          unit: 'm',
          indicator: 'YJ-FLD-001',
          range: [0, 12],
          deadband: 0.005,
          heartbeat: '5s',
          limits: [2.5, 2.8, 3.0],
        },
        { id: 'running', address: 'coil:3', type: 'bool', indicator: 'SS-DRN-011', heartbeat: '10s' },
      ],
    },
    {
      id: 'air-03', driver: 'opcua', position: { lon: 106.581, lat: 29.561 }, every: '2s',
      settings: { endpoint: plan.airEndpoint, security: 'none' },
      points: [
        { id: 'pm25', node: 'nsu=urn:cityvitals:rig:air-station;s=Air.PM25', unit: 'ug/m3', indicator: 'ST-AIR-001', range: [0, 1000] },
        { id: 'pm10', node: 'nsu=urn:cityvitals:rig:air-station;s=Air.PM10', unit: 'ug/m3', indicator: 'ST-AIR-002', range: [0, 2000] },
      ],
    },
    {
      id: 'air-05', driver: 'hj212', position: { lon: 106.584, lat: 29.555 }, every: '5s',
      settings: { listen: `127.0.0.1:${plan.uploadPort}`, mn: STATION_MN, password: '123456' },
      points: [
        { id: 'pm25', factor: 'a34004', range: [0, 1000] },
        { id: 'pm10', factor: 'a34002', range: [0, 2000] },
        { id: 'o3', factor: 'a05024', range: [0, 1200] },
      ],
    },
    {
      id: 'gate-02', driver: 'llrp', position: { lon: 106.576, lat: 29.559 }, every: '10s',
      settings: { host: '127.0.0.1', port: plan.gatePort, antennas: [1, 2], departAfter: '3s', keepalive: '2s' },
      points: [
        { id: 'there', gives: 'present', indicator: 'SS-TRF-901' },
        { id: 'in', gives: 'passed', from: [1], to: [2], indicator: 'SS-TRF-902' },
        { id: 'out', gives: 'passed', from: [2], to: [1], indicator: 'SS-TRF-903' },
      ],
    },
  ];
  if (plan.clip) {
    devices.push({
      id: 'gate-cam', driver: 'camera', position: { lon: 106.579, lat: 29.558 }, every: '1s',
      settings: { url: `file:${plan.clip}`, fps: 2, model: 'centernet-320', width: 640, height: 480, loop: true, ...sceneOf(plan.clip) },
    });
  }
  return stringify({
    edge: DEMO_EDGE, centre: DEMO_CENTRE,
    gateway: plan.isEnrolled
      ? { url: `mqtts://127.0.0.1:${plan.gatewayPort}`, identity: './identity' }
      : { url: `mqtt://127.0.0.1:${plan.gatewayPort}`, token: '${file:./edge.token}' },
    log: { dir: './edge-log', maxBytes: '256MB' },
    http: { host: '127.0.0.1', port: 0 },
    evidence: { dir: './edge-evidence', keep: '1d', maxBytes: '64MB' },
    devices,
  });
}

export interface DemoGatewayPlan {
  httpPort: number;
  /** null: TLS, and the edge comes in by a certificate alone. */
  token: string | null;
  rules: string;
  catalogue: string;
}

export function demoGatewayYaml(plan: DemoGatewayPlan): string {
  return stringify({
    gateway: 'town-gateway', centre: DEMO_CENTRE, name: { zh: '龙溪镇', en: 'Longxi town' }, exercise: true,
    broker: { embedded: { host: '127.0.0.1', port: 0, edges: plan.token === null ? [] : [{ id: DEMO_EDGE, token: plan.token }] } },
    log: { dir: './gateway-log', maxBytes: '512MB', keep: '24h' },
    store: { dir: './gateway-store', retention: '7d' },
    evidence: { dir: './gateway-evidence', keep: '7d', maxBytes: '256MB' },
    // The demo has an administrator; whoever looks at the town from this machine needs no name all the same.
    http: { host: '127.0.0.1', port: plan.httpPort, anonymous: 'loopback' },
    ...(plan.token === null && { tls: { loopback: true, dir: './certificates' } }),
    live: { anonymous: 'loopback' },
    rules: [plan.rules], catalogue: [plan.catalogue],
  });
}
