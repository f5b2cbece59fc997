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

interface MosquittoFiles {
  acl: string;
  /** Of the listener that knows edges by their certificates. */
  edgeAcl: string;
  passwords: string;
  gatewayPasswords: string;
}

export async function mosquittoFiles(access: MosquittoAccess): Promise<MosquittoFiles> {
  const users = [
    access.gateway,
    ...access.edges.flatMap(({ id, token }) => (token === null ? [] : { user: id, password: token })),
    ...access.consumers,
  ];
  const lines = await Promise.all(users.map(async ({ user, password }) => `${user}:${await hash(password)}`));
  return { acl: mosquittoAcl(access), edgeAcl: EDGE_ACL, passwords: `${lines.join('\n')}\n`, gatewayPasswords: `${lines[0]}\n` };
}

export interface MosquittoPlaces {
  acl: string;
  passwords: string;
  gatewayPasswords: string;
  /** Of the listener for edges and consumers. */
  port: number;
  gateway: { host: string; port: number };
  /** Listeners with TLS come in the place of the one without; where plaintext is still let in, beside it. */
  tls?: MosquittoTls | undefined;
}

/** Files are those of `tls.copyTo`, or of a certificate of one's own. */
export interface MosquittoTls {
  edgeAcl: string;
  ca: string;
  certificate: string;
  key: string;
  /** null while two CAs count: mosquitto wants a list of each. The gateway itself refuses who was revoked. */
  revoked: string | null;
  /** Edges by their certificates. */
  edgePort: number;
  /** Edges with tokens, and consumers. */
  passwordPort: number;
  isPlaintextKept: boolean;
}

/**
 * What `mosquitto.conf` says of it. The newer connection under a client id ends the older, so an id must be its user's
 * alone: for edges and consumers the id is the user. The gateway has several connections, and so a listener of its own.
 */
export function mosquittoConf({ acl, passwords, gatewayPasswords, port, gateway, tls }: MosquittoPlaces): string {
  const byPassword = ['allow_anonymous false', 'use_username_as_clientid true', `acl_file ${acl}`, `password_file ${passwords}`];
  return [
    'per_listener_settings true',
    'max_inflight_messages 0',
    'max_queued_messages 10000',
    ...(tls ? tlsListeners(tls, byPassword) : []),
    ...(!tls || tls.isPlaintextKept
      ? [`# edges and consumers${tls ? ' without TLS: take it out when all have moved' : ''}`, `listener ${port}`, ...byPassword]
      : []),
    '# the gateway alone',
    `listener ${gateway.port} ${gateway.host}`,
    'allow_anonymous false',
    `acl_file ${acl}`,
    `password_file ${gatewayPasswords}`,
    '',
  ].join('\n');
}

/** The name in a certificate is the user, and so the client id: nobody takes the place of another. */
function tlsListeners({ ca, certificate, key, revoked, edgeAcl, edgePort, passwordPort }: MosquittoTls, byPassword: string[]): string[] {
  const shown = [`certfile ${certificate}`, `keyfile ${key}`, 'tls_version tlsv1.2'];
  return [
    '# edges by their certificates',
    `listener ${edgePort}`,
    `cafile ${ca}`,
    ...shown,
    ...(revoked === null ? [] : [`crlfile ${revoked}`]),
    'require_certificate true',
    'use_identity_as_username true',
    'use_username_as_clientid true',
    `acl_file ${edgeAcl}`,
    '# edges with tokens, and consumers, over TLS',
    `listener ${passwordPort}`,
    ...shown,
    ...byPassword,
  ];
}

/** For whoever has a certificate: an edge that is enrolled later needs no line. */
const EDGE_ACL = [
  '# made by cityvitals; %u is the name in the certificate',
  ...EDGE_WRITES.map((leaf) => `pattern write cv/v1/in/+/%u/${leaf}`),
  ...EDGE_READS.map((leaf) => `pattern read cv/v1/in/+/%u/${leaf}`),
  '',
].join('\n');

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
