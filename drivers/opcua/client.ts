/** A connected client: the endpoint chosen, its certificate looked at, the channel open. No session yet. */
import { MessageSecurityMode, OPCUAClient, SecurityPolicy, UserTokenType, setErrorLogger, setWarningLogger, type EndpointDescription, type UserIdentityInfo } from 'node-opcua-client';
import { FaultError } from '../../core/faults.ts';
import { ownClock, type World } from '../../core/world.ts';
import './faults.ts';
import { ownCertificatePath, ownCertificates } from './own-certificate.ts';
import { applicationUri, APPLICATION_NAME, ownKey, type KeyPairProvider } from './own-key.ts';
import { POLICIES, type OpcuaSettings } from './settings.ts';
import { statusNameOf } from './status-of.ts';
import { trustServer } from './trust.ts';

// The library writes to the terminal by itself; what matters of it comes as faults.
setErrorLogger(() => {});
setWarningLogger(() => {});

/** The library's own patience; the host's time-out of the device mostly ends an attempt before. */
const TRANSPORT_TIMEOUT_MS = 10_000;
const POLICY_URI = 'http://opcfoundation.org/UA/SecurityPolicy#';

export interface Opening {
  /** Gives each client as soon as it exists, so that whoever calls the attempt off can end it. */
  onClient(client: OPCUAClient): void;
  /** Between two steps it is looked at; what runs is ended by whoever has the client. */
  signal: AbortSignal;
}

/** @throws CV_LINK_REFUSED, CV_LINK_UNREACHABLE, CV_OPCUA_POLICY, CV_OPCUA_CERTIFICATE_…, CV_OPCUA_UNTRUSTED_THERE, CV_OPCUA_LOGIN_KIND */
export async function connect(settings: OpcuaSettings, world: Pick<World, 'clock' | 'tell'>, { onClient, signal }: Opening): Promise<OPCUAClient> {
  const { endpoint, security, certificates } = settings;
  const keyInMemory = await ownKey();
  signal.throwIfAborted();
  if (security === 'none') return connected(endpoint, keyInMemory, { mode: MessageSecurityMode.None, policy: SecurityPolicy.None }, settings, onClient);
  // The endpoints are read without security, as the standard has it; what they say is checked before it is used.
  const asking = await connected(endpoint, keyInMemory, { mode: MessageSecurityMode.None, policy: SecurityPolicy.None }, settings, onClient);
  const offered = await asking.getEndpoints({ endpointUrl: endpoint }).finally(() => asking.disconnect());
  signal.throwIfAborted();
  const chosen = choose(offered, settings);
  // Ours is made before theirs is judged: who stands at the server can then see to both.
  const own = await ownCertificates(certificates.dir, world);
  await trustServer(chosen.serverCertificate, endpoint, certificates, ownClock(world.clock) === 'edge' ? world.clock.nowMs() : null);
  signal.throwIfAborted();
  const channel = { mode: MessageSecurityMode[security.mode], policy: SecurityPolicy[security.policy], serverCertificate: chosen.serverCertificate };
  const client = await firstTaken(own, (keys) => connected(endpoint, keys, channel, settings, onClient), () => {
    signal.throwIfAborted();
    world.tell({ kind: 'fault', fault: { code: 'CV_OPCUA_RENEWED', params: { address: endpoint, certificate: ownCertificatePath(certificates.dir) } } });
  });
  // What was said without security may have been said by somebody else; how the password goes is asked once more.
  if (settings.user !== undefined) choose(await client.getEndpoints({ endpointUrl: endpoint }), settings);
  return client;
}

/** After a renewal: a server that does not trust the new certificate yet still takes the one before. */
export async function firstTaken<T>(keys: readonly [KeyPairProvider, ...KeyPairProvider[]], open: (keys: KeyPairProvider) => Promise<T>, onOlder: () => void): Promise<T> {
  const [newest, older] = keys;
  return open(newest).catch((error: unknown) => {
    if (!older || !(error instanceof FaultError) || error.fault.code !== 'CV_OPCUA_UNTRUSTED_THERE') throw error;
    onOlder();
    return open(older);
  });
}

export function identityOf({ user, password }: OpcuaSettings): UserIdentityInfo {
  return user === undefined ? { type: UserTokenType.Anonymous } : { type: UserTokenType.UserName, userName: user, password: password ?? '' };
}

interface Channel {
  mode: MessageSecurityMode;
  policy: SecurityPolicy;
  serverCertificate?: Buffer;
}

async function connected(endpoint: string, keys: KeyPairProvider, { mode, policy, serverCertificate }: Channel, settings: OpcuaSettings, onClient: (client: OPCUAClient) => void): Promise<OPCUAClient> {
  const client = OPCUAClient.create({
    applicationName: APPLICATION_NAME, applicationUri: applicationUri(), clientName: APPLICATION_NAME,
    securityMode: mode, securityPolicy: policy, ...(serverCertificate ? { serverCertificate } : {}), endpointMustExist: false,
    certificateKeyPairProvider: keys, transportTimeout: TRANSPORT_TIMEOUT_MS, defaultTransactionTimeout: TRANSPORT_TIMEOUT_MS, requestedSessionTimeout: sessionMs(settings),
    // A session outlives its channel: the next link goes on with it. A link that is closed on purpose closes it itself.
    keepPendingSessionsOnDisconnect: true,
    // The host reconnects, for all drivers in one way.
    connectionStrategy: { maxRetry: 0, initialDelay: 100, maxDelay: 100 },
  });
  onClient(client);
  await client.connect(endpoint).catch((error: unknown) => { throw channelFault(error, settings, mode); });
  return client;
}

/** `forever` is a day: a server would keep the sessions of boxes that never come back. */
export const sessionMs = ({ holdFor }: OpcuaSettings): number => Math.min(86_400_000, Math.max(10_000, holdFor));

/** @throws CV_OPCUA_POLICY, CV_OPCUA_LOGIN_KIND, CV_OPCUA_PASSWORD_PLAIN */
export function choose(offered: readonly EndpointDescription[], { endpoint, security, user }: OpcuaSettings): EndpointDescription {
  if (security === 'none') throw new FaultError('CV_OPCUA_POLICY', { address: endpoint, asked: 'none', offered: namesOf(offered) });
  const asked = `${security.policy} ${security.mode}`;
  const fitting = offered.filter((one) => one.securityMode === MessageSecurityMode[security.mode] && one.securityPolicyUri === `${POLICY_URI}${security.policy}`);
  if (fitting.length === 0) throw new FaultError('CV_OPCUA_POLICY', { address: endpoint, asked, offered: namesOf(offered) });
  const kind = user === undefined ? UserTokenType.Anonymous : UserTokenType.UserName;
  const tokens = fitting.flatMap((one) => (one.userIdentityTokens ?? []).filter(({ tokenType }) => tokenType === kind).map((token) => ({ one, token })));
  const [first] = tokens;
  if (!first) throw new FaultError('CV_OPCUA_LOGIN_KIND', { address: endpoint, kind: user === undefined ? 'anonymous' : 'user and password', kindZh: user === undefined ? '匿名' : '用户名密码' });
  // A token policy of its own may say None; then only the channel hides the password.
  if (user !== undefined && security.mode === 'Sign' && first.token.securityPolicyUri === `${POLICY_URI}None`) throw new FaultError('CV_OPCUA_PASSWORD_PLAIN', { address: endpoint });
  return first.one;
}

function namesOf(offered: readonly EndpointDescription[]): string {
  const names = offered.map(({ securityPolicyUri, securityMode }) => `${(securityPolicyUri ?? '').replace(POLICY_URI, '')} ${MessageSecurityMode[securityMode]}`);
  const known = names.filter((name) => POLICIES.some((policy) => name.startsWith(`${policy} `)));
  return (known.length > 0 ? known : names).slice(0, 8).join(', ') || '–';
}

/** Words of a server that does not want our certificate; many say no more than that a check failed. */
const ABOUT_OUR_CERTIFICATE = new Set(['BadSecurityChecksFailed', 'BadCertificateUntrusted', 'BadCertificateTimeInvalid', 'BadCertificateInvalid', 'BadCertificateUriInvalid', 'BadCertificateUseNotAllowed', 'BadCertificateChainIncomplete', 'BadCertificateIssuerUseNotAllowed']);

function channelFault(error: unknown, { endpoint: address, certificates }: OpcuaSettings, mode: MessageSecurityMode): FaultError {
  const status = statusNameOf(error);
  const detail = error instanceof Error ? error.message : String(error);
  // The endpoints were read a moment ago. Some servers, open62541 among them, hang up over a certificate without a word.
  const hungUp = status === null && !/\bE[A-Z]{5,}\b|timeout/i.test(detail);
  if (mode !== MessageSecurityMode.None && (hungUp || (status !== null && ABOUT_OUR_CERTIFICATE.has(status)))) {
    return new FaultError('CV_OPCUA_UNTRUSTED_THERE', { address, status: status ?? 'it hung up', statusZh: status ?? '直接断开连接', certificate: ownCertificatePath(certificates.dir) }, { cause: error });
  }
  // The system's error codes reach us inside the library's sentence alone.
  const refused = /ECONNREFUSED|ECONNRESET/.test(detail);
  return new FaultError(refused ? 'CV_LINK_REFUSED' : 'CV_LINK_UNREACHABLE', { address, detail: detail.replaceAll(/\s+/g, ' ').slice(0, 200) }, { cause: error });
}

const ABOUT_THE_USER = new Set(['BadIdentityTokenRejected', 'BadIdentityTokenInvalid', 'BadUserAccessDenied', 'BadUserSignatureInvalid', 'BadLicenseExpired']);

/** Why there is no session. */
export function sessionFault(error: unknown, { endpoint: address, certificates }: OpcuaSettings): FaultError {
  if (error instanceof FaultError) return error;
  const status = statusNameOf(error);
  if (status !== null && ABOUT_THE_USER.has(status)) return new FaultError('CV_OPCUA_LOGIN', { address, status }, { cause: error });
  if (status !== null && ABOUT_OUR_CERTIFICATE.has(status)) return new FaultError('CV_OPCUA_UNTRUSTED_THERE', { address, status, certificate: ownCertificatePath(certificates.dir) }, { cause: error });
  return new FaultError('CV_OPCUA_SESSION', { address, detail: status ?? (error instanceof Error ? error.message.replaceAll(/\s+/g, ' ').slice(0, 200) : String(error)) }, { cause: error });
}
