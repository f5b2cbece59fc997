/** Connects a client: chooses the endpoint, checks its certificate and opens the channel, without a session. */
import {
  MessageSecurityMode,
  OPCUAClient,
  SecurityPolicy,
  UserTokenType,
  setErrorLogger,
  setWarningLogger,
  type EndpointDescription,
  type UserIdentityInfo,
} from 'node-opcua-client';
import { FaultError } from '../../core/faults.ts';
import { ownClock, type World } from '../../core/world.ts';
import './faults.ts';
import { ownCertificatePath, ownCertificates } from './own-certificate.ts';
import { applicationUri, APPLICATION_NAME, inMemoryKey, type KeyPairProvider } from './in-memory-key.ts';
import { POLICIES, type OpcuaSettings } from './settings.ts';
import { statusNameOf } from './status-name.ts';
import { trustServer } from './trust.ts';

// Keeps the library from writing to the terminal; its errors become faults.
setErrorLogger(() => {});
setWarningLogger(() => {});

/** Time-out of the library; the host's time-out mostly ends an attempt before. */
const TRANSPORT_TIMEOUT_MS = 10_000;
const POLICY_URI = 'http://opcfoundation.org/UA/SecurityPolicy#';

export interface ConnectOptions {
  /** Called with each client as soon as it exists, so that an aborted attempt can close it. */
  onClient(client: OPCUAClient): void;
  /** Checked between the steps; a running step ends when its client is closed. */
  signal: AbortSignal;
}

/** @throws CV_LINK_REFUSED, CV_LINK_UNREACHABLE, CV_OPCUA_POLICY, CV_OPCUA_CERTIFICATE_…, CV_OPCUA_UNTRUSTED_THERE, CV_OPCUA_LOGIN_KIND */
export async function connectClient(
  settings: OpcuaSettings,
  world: Pick<World, 'clock' | 'tell'>,
  { onClient, signal }: ConnectOptions,
): Promise<OPCUAClient> {
  const { endpoint, security, certificates } = settings;
  const keyInMemory = await inMemoryKey();
  signal.throwIfAborted();
  if (security === 'none')
    return connectWith(endpoint, keyInMemory, { mode: MessageSecurityMode.None, policy: SecurityPolicy.None }, settings, onClient);
  // The endpoints are read without security, as the standard requires; they are checked before use.
  const discoveryClient = await connectWith(
    endpoint,
    keyInMemory,
    { mode: MessageSecurityMode.None, policy: SecurityPolicy.None },
    settings,
    onClient,
  );
  const offered = await discoveryClient.getEndpoints({ endpointUrl: endpoint }).finally(() => discoveryClient.disconnect());
  signal.throwIfAborted();
  const chosen = chooseEndpoint(offered, settings);
  // Our certificate is created before theirs is checked, so that both can be trusted in one visit.
  const own = await ownCertificates(certificates.dir, world);
  await trustServer(chosen.serverCertificate, endpoint, certificates, ownClock(world.clock) === 'edge' ? world.clock.nowMs() : null);
  signal.throwIfAborted();
  const channel = {
    mode: MessageSecurityMode[security.mode],
    policy: SecurityPolicy[security.policy],
    serverCertificate: chosen.serverCertificate,
  };
  const client = await openWithFirstAccepted(
    own,
    (keys) => connectWith(endpoint, keys, channel, settings, onClient),
    () => {
      signal.throwIfAborted();
      world.tell({
        kind: 'fault',
        fault: { code: 'CV_OPCUA_RENEWED', params: { address: endpoint, certificate: ownCertificatePath(certificates.dir) } },
      });
    },
  );
  // Endpoints read without security may be forged: the protection of the password is checked again over the channel.
  if (settings.user !== undefined) chooseEndpoint(await client.getEndpoints({ endpointUrl: endpoint }), settings);
  return client;
}

/** After a renewal a server may still trust only the previous certificate. */
export async function openWithFirstAccepted<T>(
  keys: readonly [KeyPairProvider, ...KeyPairProvider[]],
  open: (keys: KeyPairProvider) => Promise<T>,
  onOlder: () => void,
): Promise<T> {
  const [newest, older] = keys;
  return open(newest).catch((error: unknown) => {
    if (!older || !(error instanceof FaultError) || error.fault.code !== 'CV_OPCUA_UNTRUSTED_THERE') throw error;
    onOlder();
    return open(older);
  });
}

export function userIdentity({ user, password }: OpcuaSettings): UserIdentityInfo {
  return user === undefined
    ? { type: UserTokenType.Anonymous }
    : { type: UserTokenType.UserName, userName: user, password: password ?? '' };
}

interface Channel {
  mode: MessageSecurityMode;
  policy: SecurityPolicy;
  serverCertificate?: Buffer;
}

async function connectWith(
  endpoint: string,
  keys: KeyPairProvider,
  { mode, policy, serverCertificate }: Channel,
  settings: OpcuaSettings,
  onClient: (client: OPCUAClient) => void,
): Promise<OPCUAClient> {
  const client = OPCUAClient.create({
    applicationName: APPLICATION_NAME,
    applicationUri: applicationUri(),
    clientName: APPLICATION_NAME,
    securityMode: mode,
    securityPolicy: policy,
    ...(serverCertificate ? { serverCertificate } : {}),
    endpointMustExist: false,
    certificateKeyPairProvider: keys,
    transportTimeout: TRANSPORT_TIMEOUT_MS,
    defaultTransactionTimeout: TRANSPORT_TIMEOUT_MS,
    requestedSessionTimeout: sessionTimeoutMs(settings),
    // A session outlives its channel: the next link reactivates it. A link that is closed on purpose closes it.
    keepPendingSessionsOnDisconnect: true,
    // The host reconnects, for all drivers alike.
    connectionStrategy: { maxRetry: 0, initialDelay: 100, maxDelay: 100 },
  });
  onClient(client);
  await client.connect(endpoint).catch((error: unknown) => { throw channelFault(error, settings, mode); });
  return client;
}

/** `forever` counts as a day, so that a server does not keep sessions of edges that never return. */
export const sessionTimeoutMs = ({ holdFor }: OpcuaSettings): number => Math.min(86_400_000, Math.max(10_000, holdFor));

/** @throws CV_OPCUA_POLICY, CV_OPCUA_LOGIN_KIND, CV_OPCUA_PASSWORD_PLAIN */
export function chooseEndpoint(offered: readonly EndpointDescription[], { endpoint, security, user }: OpcuaSettings): EndpointDescription {
  if (security === 'none') throw new FaultError('CV_OPCUA_POLICY', { address: endpoint, asked: 'none', offered: namesOf(offered) });
  const requested = `${security.policy} ${security.mode}`;
  const fitting = offered.filter(
    (one) => one.securityMode === MessageSecurityMode[security.mode] && one.securityPolicyUri === `${POLICY_URI}${security.policy}`,
  );
  if (fitting.length === 0) throw new FaultError('CV_OPCUA_POLICY', { address: endpoint, asked: requested, offered: namesOf(offered) });
  const kind = user === undefined ? UserTokenType.Anonymous : UserTokenType.UserName;
  const tokens = fitting.flatMap((one) =>
    (one.userIdentityTokens ?? []).filter(({ tokenType }) => tokenType === kind).map((token) => ({ one, token })),
  );
  const [first] = tokens;
  if (!first)
    throw new FaultError('CV_OPCUA_LOGIN_KIND', {
      address: endpoint,
      kind: user === undefined ? 'anonymous' : 'user and password',
      kindZh: user === undefined ? '匿名' : '用户名密码',
    });
  // The token policy may be None; then only an encrypted channel protects the password.
  if (user !== undefined && security.mode === 'Sign' && first.token.securityPolicyUri === `${POLICY_URI}None`)
    throw new FaultError('CV_OPCUA_PASSWORD_PLAIN', { address: endpoint });
  return first.one;
}

function namesOf(offered: readonly EndpointDescription[]): string {
  const names = offered.map(
    ({ securityPolicyUri, securityMode }) => `${(securityPolicyUri ?? '').replace(POLICY_URI, '')} ${MessageSecurityMode[securityMode]}`,
  );
  const known = names.filter((name) => POLICIES.some((policy) => name.startsWith(`${policy} `)));
  return (known.length > 0 ? known : names).slice(0, 8).join(', ') || '–';
}

/** Status codes of a server that rejects our certificate; many say only that a check failed. */
const CERTIFICATE_STATUSES = new Set([
  'BadSecurityChecksFailed',
  'BadCertificateUntrusted',
  'BadCertificateTimeInvalid',
  'BadCertificateInvalid',
  'BadCertificateUriInvalid',
  'BadCertificateUseNotAllowed',
  'BadCertificateChainIncomplete',
  'BadCertificateIssuerUseNotAllowed',
]);

function channelFault(error: unknown, { endpoint: address, certificates }: OpcuaSettings, mode: MessageSecurityMode): FaultError {
  const status = statusNameOf(error);
  const detail = error instanceof Error ? error.message : String(error);
  // The server was reachable a moment ago: some, such as open62541, close the connection because of a certificate without an answer.
  const hungUp = status === null && !/\bE[A-Z]{5,}\b|timeout/i.test(detail);
  if (mode !== MessageSecurityMode.None && (hungUp || (status !== null && CERTIFICATE_STATUSES.has(status)))) {
    return new FaultError(
      'CV_OPCUA_UNTRUSTED_THERE',
      {
        address,
        status: status ?? 'connection closed',
        statusZh: status ?? '直接断开连接',
        certificate: ownCertificatePath(certificates.dir),
      },
      { cause: error },
    );
  }
  // The system's error code is only in the library's message.
  const refused = /ECONNREFUSED|ECONNRESET/.test(detail);
  return new FaultError(
    refused ? 'CV_LINK_REFUSED' : 'CV_LINK_UNREACHABLE',
    { address, detail: detail.replaceAll(/\s+/g, ' ').slice(0, 200) },
    { cause: error },
  );
}

const USER_STATUSES = new Set([
  'BadIdentityTokenRejected',
  'BadIdentityTokenInvalid',
  'BadUserAccessDenied',
  'BadUserSignatureInvalid',
  'BadLicenseExpired',
]);

/** Why there is no session. */
export function sessionFault(error: unknown, { endpoint: address, certificates }: OpcuaSettings): FaultError {
  if (error instanceof FaultError) return error;
  const status = statusNameOf(error);
  if (status !== null && USER_STATUSES.has(status)) return new FaultError('CV_OPCUA_LOGIN', { address, status }, { cause: error });
  if (status !== null && CERTIFICATE_STATUSES.has(status))
    return new FaultError(
      'CV_OPCUA_UNTRUSTED_THERE',
      { address, status, certificate: ownCertificatePath(certificates.dir) },
      { cause: error },
    );
  return new FaultError(
    'CV_OPCUA_SESSION',
    { address, detail: status ?? (error instanceof Error ? error.message.replaceAll(/\s+/g, ' ').slice(0, 200) : String(error)) },
    { cause: error },
  );
}
