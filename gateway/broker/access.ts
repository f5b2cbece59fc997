/**
 * Who may do what on the broker, as pure decisions. Edges speak under their own id alone, consumers read what goes out,
 * the gateway's own client may do everything. Nobody else comes in.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { IDS } from '../../core/event.ts';
import { isLoopback } from '../../core/net.ts';
import { parseEdgeTopic, type EdgeTopic } from '../../core/wire/topics.ts';
import { covers } from '../people/roles.ts';
import type { CertifiedEdge } from '../tls/certificates.ts';
import type { EmbeddedBrokerSetup } from '../config/setup.ts';
import type { BrokerRights } from '../config/reload.ts';

export type Identity =
  | { kind: 'gateway' }
  /** With the serial number of the certificate by which it came in; none by a token. */
  | { kind: 'edge'; id: string; serialNumber?: string }
  | { kind: 'consumer'; user: string | null; centres?: readonly string[] };

export interface Credentials {
  clientId: string;
  user: string | null;
  password: Uint8Array | null;
  /** Address of the other side, without port. */
  address: string;
  /** By the certificate that it has shown. */
  certified?: CertifiedEdge | undefined;
}

const EDGE_CLIENT = 'cv-';
/** Leaves an edge writes, and leaves it reads. */
export const EDGE_WRITES: readonly EdgeTopic[] = ['up', 'late', 'state', 'rsp', 'evidence'];
export const EDGE_READS: readonly EdgeTopic[] = ['ack', 'cmd'];
const OUT_PREFIX = 'cv/v1/out/';

/** Why somebody is not let in, or may not use a topic, as the log says it in Chinese. */
const ZH: Readonly<Record<string, string>> = {
  'no user given': '未提供用户名',
  'no user given, and not from this machine': '未提供用户名，且不是从本机连接',
  'unknown user': '用户不存在',
  'wrong password': '密码错误',
  'unknown edge': '边缘节点不存在',
  'the user of an edge is its id': '边缘节点的用户名应为其编号',
  'an edge without a token is let in from this machine only': '没有令牌的边缘节点只能从本机接入',
  'wrong token': '令牌错误',
  'this client id is kept for the gateway': '该客户端标识为网关专用',
  'its rights were changed': '其权限已更改',
  'not a topic of this client': '不是该客户端的主题',
  'no client': '没有客户端',
  'only state may be retained': '只有 state 可以作为保留消息',
  'QoS 2 is not taken; batches are numbered, QoS 1 is enough': '不接受 QoS 2；批次有编号，QoS 1 已足够',
  'an empty client id without clean session': '客户端标识为空且未要求清除会话',
  'a shared subscription ($share)': '共享订阅（$share）',
};

/** Reasons that hold a name or a number. */
const ZH_PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/^its certificate is that of (.*)$/, '其证书属于 $1'],
  [/^the client id of an edge is (.*)$/, '边缘节点的客户端标识应为 $1'],
  [/^a retained state has at most (\d+) bytes$/, '保留的 state 最多 $1 字节'],
  [/^retained states in more than (\d+) centres$/, '在超过 $1 个中心留有 state'],
];

/** Such a reason as parameters of a fault: `detail`, or what it is called there, with its Chinese where there is one. */
export function reasonParams(reason: string, key: 'detail' | 'what' = 'detail'): Record<string, string> {
  const [pattern, words] = ZH_PATTERNS.find(([known]) => known.test(reason)) ?? [];
  const zh = pattern && words !== undefined ? reason.replace(pattern, words) : ZH[reason];
  return { [key]: reason, ...(zh !== undefined && { [`${key}Zh`]: zh }) };
}

/** The MQTT client id of an edge; no one else gets it, so nobody can push an edge out by taking its id. */
export const edgeClientId = (edge: string): string => `${EDGE_CLIENT}${edge}`;

/** @returns who this is, or why it is not let in (a word for the log) */
export function identify(setup: Pick<EmbeddedBrokerSetup, 'edges' | 'consumers' | 'anonymous'>, given: Credentials): Identity | string {
  if (given.clientId.startsWith(EDGE_CLIENT)) return identifyEdge(setup, given);
  if (given.user === null) {
    if (setup.anonymous === 'none') return 'no user given';
    return isLoopback(given.address) ? { kind: 'consumer', user: null } : 'no user given, and not from this machine';
  }
  const consumer = setup.consumers.find((one) => one.user === given.user);
  if (!consumer)
    return setup.edges.some((edge) => edge.id === given.user) ? `the client id of an edge is ${edgeClientId(given.user)}` : 'unknown user';
  if (!sameSecret(consumer.password, given.password)) return 'wrong password';
  return { kind: 'consumer', user: consumer.user, ...(consumer.centres && { centres: consumer.centres }) };
}

function identifyEdge(setup: Pick<EmbeddedBrokerSetup, 'edges'>, given: Credentials): Identity | string {
  const id = given.clientId.slice(EDGE_CLIENT.length);
  if (given.certified) {
    if (given.certified.edge !== id) return `its certificate is that of ${given.certified.edge}`;
    if (given.user !== null && given.user !== id) return 'the user of an edge is its id';
    return { kind: 'edge', id, serialNumber: given.certified.serialNumber };
  }
  const edge = setup.edges.find((one) => one.id === id);
  if (!edge) return 'unknown edge';
  if (given.user !== id && !(given.user === null && edge.token === null)) return 'the user of an edge is its id';
  if (edge.token === null)
    return isLoopback(given.address) ? { kind: 'edge', id } : 'an edge without a token is let in from this machine only';
  return sameSecret(edge.token, given.password) ? { kind: 'edge', id } : 'wrong token';
}

export function mayPublish(who: Identity, topic: string): boolean {
  if (who.kind === 'gateway') return true;
  const address = parseEdgeTopic(topic);
  return (
    who.kind === 'edge' &&
    address !== null &&
    address.edge === who.id &&
    EDGE_WRITES.includes(address.leaf) &&
    IDS.centre.test(address.centre)
  );
}

export function maySubscribe(who: Identity, filter: string): boolean {
  if (who.kind === 'gateway') return true;
  if (who.kind === 'consumer') return filter.startsWith(OUT_PREFIX) && mayReceive(who, filter);
  const [root, version, way, centre, edge, leaf, ...more] = filter.split('/');
  return root === 'cv' && version === 'v1' && way === 'in' && centre !== undefined && (centre === '+' || IDS.centre.test(centre))
    && edge === who.id && EDGE_READS.includes(leaf as EdgeTopic) && more.length === 0;
}

/**
 * Whether what is published under a topic is for them; a filter with a wildcard in the place of the centre is for those
 * alone who have all. Asked again for each message: a session that is kept has subscriptions of before its rights changed.
 */
export function mayReceive(who: Identity, topic: string): boolean {
  if (who.kind !== 'consumer' || !who.centres) return true;
  const centre = topic.slice(OUT_PREFIX.length).split('/', 1)[0] ?? '';
  return topic.startsWith(OUT_PREFIX) && IDS.centre.test(centre) && who.centres.some((granted) => covers(granted, centre));
}

/** Whether somebody who came in by the one set of rights would come in by the other with the same credentials. */
export function isAdmittedAlike(who: Identity, before: BrokerRights, after: BrokerRights): boolean {
  if (who.kind === 'gateway') return true;
  if (who.kind === 'edge') {
    // Its certificate lets it in, whatever the configuration says.
    if (who.serialNumber !== undefined) return true;
    const token = ({ edges }: BrokerRights) => edges.find(({ id }) => id === who.id)?.token;
    return token(after) !== undefined && token(before) === token(after);
  }
  if (who.user === null) return after.anonymous === before.anonymous;
  const rights = ({ consumers }: BrokerRights) => consumers.find(({ user }) => user === who.user);
  const [own, next] = [rights(before), rights(after)];
  return next !== undefined && own?.password === next.password && String(own.centres ?? '*') === String(next.centres ?? '*');
}

/** Compared by digest, so that the time it takes tells nothing. */
function sameSecret(want: string, got: Uint8Array | null): boolean {
  const digest = (secret: string | Uint8Array) => createHash('sha256').update(secret).digest();
  return got !== null && timingSafeEqual(digest(want), digest(got));
}
