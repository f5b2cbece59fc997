/** MQTT topics of version 1; the only place that spells them. */
export const WIRE_VERSION = 1;
export const QOS = 1;
const ROOT = 'cv/v1';

export type Lane = 'up' | 'late';
export type EdgeTopic = Lane | 'ack' | 'state' | 'cmd' | 'rsp' | 'evidence';

export const edgeTopic = (centre: string, edge: string, leaf: EdgeTopic): string => `${ROOT}/in/${centre}/${edge}/${leaf}`;
export const EDGE_FILTER = `${ROOT}/in/+/+/+`;
export const outTopic = (centre: string, indicator: string): string => `${ROOT}/out/${centre}/${indicator}`;
export const warningTopic = (centre: string, id: string): string => `${ROOT}/out/${centre}/warnings/${id}`;
export const WARNING_FILTER = `${ROOT}/out/+/warnings/+`;

export interface EdgeAddress {
  centre: string;
  edge: string;
  leaf: EdgeTopic;
}

/** The parts of an edge's topic, or null when it is none. */
export function parseEdgeTopic(topic: string): EdgeAddress | null {
  const match = /^cv\/v1\/in\/([^/]+)\/([^/]+)\/(up|late|ack|state|cmd|rsp|evidence)$/.exec(topic);
  return match ? { centre: match[1] as string, edge: match[2] as string, leaf: match[3] as EdgeTopic } : null;
}
