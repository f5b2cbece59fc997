/**
 * The same rights as on the embedded broker, as files for mosquitto (`acl_file`, `password_file`). With a broker of its
 * own the topic is an edge's identity, so these files are what keeps edges apart.
 */
import { pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { BilingualText } from '../../core/bilingual-text.ts';
import type { ConsumerCredential, EdgeCredential } from '../config/setup.ts';
import { EDGE_READS, EDGE_WRITES } from './access.ts';

export interface MosquittoAccess {
  /** Edges without a token get no line in the password file, and so do not come in. */
  edges: readonly EdgeCredential[];
  gateway: ConsumerCredential;
  consumers: readonly ConsumerCredential[];
}

/**
 * Why a name may not be a user's of its own; null where it may. For mosquitto the user is the client id as well, so one
 * that is the gateway's would push the gateway out, and one that two have would give both the rights of both.
 */
export function nameProblem(name: string, others: readonly string[]): BilingualText | null {
  if (name.includes(':'))
    return {
      en: 'a colon ends the name in mosquitto\'s password file, and names that begin with "gateway:" are the gateway\'s own client ids',
      zh: '冒号在 mosquitto 密码文件中是用户名的结束符，且以“gateway:”开头的名称是网关自身的客户端标识',
    };
  if (others.includes(name))
    return {
      en: 'the gateway or an edge has this name too: each would have the rights of both',
      zh: '网关或某个边缘节点也使用此名称，双方将同时拥有彼此的权限',
    };
  return null;
}

/** mosquitto derives the key on its only thread at each connect: a district that comes back must not wait for it. */
const ITERATIONS = 1000;
const SALT_BYTES = 12;
const KEY_BYTES = 64;
const derive = promisify(pbkdf2);

export async function mosquittoFiles(access: MosquittoAccess): Promise<{ acl: string; passwords: string; gatewayPasswords: string }> {
  const users = [
    access.gateway,
    ...access.edges.flatMap(({ id, token }) => (token === null ? [] : { user: id, password: token })),
    ...access.consumers,
  ];
  const lines = await Promise.all(users.map(async ({ user, password }) => `${user}:${await hash(password)}`));
  return { acl: mosquittoAcl(access), passwords: `${lines.join('\n')}\n`, gatewayPasswords: `${lines[0]}\n` };
}

export interface MosquittoPlaces {
  acl: string;
  passwords: string;
  gatewayPasswords: string;
  /** Of the listener for edges and consumers. */
  port: number;
  gateway: { host: string; port: number };
}

/**
 * What `mosquitto.conf` says of it. The newer connection under a client id ends the older, so an id must be its user's
 * alone: for edges and consumers the id is the user. The gateway has several connections, and so a listener of its own.
 */
export function mosquittoConf({ acl, passwords, gatewayPasswords, port, gateway }: MosquittoPlaces): string {
  return [
    'per_listener_settings true',
    'max_inflight_messages 0',
    'max_queued_messages 10000',
    '# edges and consumers',
    `listener ${port}`,
    'allow_anonymous false',
    'use_username_as_clientid true',
    `acl_file ${acl}`,
    `password_file ${passwords}`,
    '# the gateway alone',
    `listener ${gateway.port} ${gateway.host}`,
    'allow_anonymous false',
    `acl_file ${acl}`,
    `password_file ${gatewayPasswords}`,
    '',
  ].join('\n');
}

function mosquittoAcl({ edges, gateway, consumers }: MosquittoAccess): string {
  const block = (user: string, topics: readonly string[]) => [`user ${user}`, ...topics.map((topic) => `topic ${topic}`), ''];
  return [
    '# made by cityvitals; nobody without a user line may do anything',
    ...block(gateway.user, [
      ...EDGE_WRITES.map((leaf) => `read cv/v1/in/+/+/${leaf}`),
      ...EDGE_READS.map((leaf) => `write cv/v1/in/+/+/${leaf}`),
      'readwrite cv/v1/out/#',
    ]),
    ...edges.flatMap(({ id }) =>
      block(id, [
        ...EDGE_WRITES.map((leaf) => `write cv/v1/in/+/${id}/${leaf}`),
        ...EDGE_READS.map((leaf) => `read cv/v1/in/+/${id}/${leaf}`),
      ]),
    ),
    ...consumers.flatMap(({ user, centres }) =>
      block(user, centres?.map((centre) => `read cv/v1/out/${centre}/#`) ?? ['read cv/v1/out/#']),
    ),
  ].join('\n');
}

/** `$7$iterations$salt$key`, PBKDF2 with HMAC-SHA-512, as mosquitto_passwd of 2.0 writes it. */
async function hash(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, salt, ITERATIONS, KEY_BYTES, 'sha512');
  return `$7$${ITERATIONS}$${salt.toString('base64')}$${key.toString('base64')}`;
}
