/** Address of a camera: as configured, as ffmpeg gets it, and redacted for messages. Pure. */
import { fileURLToPath } from 'node:url';

/** Settings of a camera that describe how it is reached. */
export interface SourceSettings {
  url: string;
  user?: string | undefined;
  password?: string | undefined;
  transport?: 'tcp' | 'udp' | undefined;
}

export interface CameraSource {
  /** A file has an end and can be played at any speed; the others are live. */
  kind: 'file' | 'rtsp' | 'http';
  /** HLS: arrives in segments of seconds, so it is read at its own rate. */
  isSegmented: boolean;
  /** For messages: without user, password, and query values that look like one. */
  redactedUrl: string;
  /** Input of ffmpeg: a path, or a list for its standard input. */
  input: { path: string } | { list: string };
  /** Protocols that ffmpeg may use, so that no playlist makes it read local files, and no file makes it open connections. */
  protocols: string;
  /** Texts that must not appear in any message. */
  secrets: readonly string[];
}

const KINDS: Readonly<Record<string, CameraSource['kind']>> = { 'rtsp:': 'rtsp', 'rtsps:': 'rtsp', 'http:': 'http', 'https:': 'http' };
const PROTOCOLS = { file: 'file,pipe', rtsp: 'pipe,rtsp,rtsps,rtp,udp,tcp,tls', http: 'pipe,http,https,httpproxy,tcp,tls,crypto' };
/** Socket timeout; the silence watchdog is faster. */
const SOCKET_TIMEOUT_US = 15_000_000;
/** Analysis time for the stream's format: cameras announce it at once. */
const ANALYSE_US = 1_000_000;
const SECRET_KEY = /pass|pwd|token|auth|secret|key|sign|user/i;
const HIDDEN = '***';

export function sourceKindOf(url: string): CameraSource['kind'] | null {
  if (url.startsWith('file:')) return 'file';
  return URL.canParse(url) ? KINDS[new URL(url).protocol] ?? null : null;
}

/** Path of a checked url: `file:clip.avi`, `file:./clip.avi`, `file:/clips/gate.avi` or `file:///clips/gate.avi`. */
export function clipPathOf({ url }: Pick<SourceSettings, 'url'>): string {
  return url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length);
}

/** @param settings checked ones */
export function cameraSourceOf(settings: SourceSettings): CameraSource {
  const kind = sourceKindOf(settings.url) ?? 'file';
  const protocols = PROTOCOLS[kind];
  if (kind === 'file') {
    const path = clipPathOf(settings);
    return { kind, isSegmented: false, redactedUrl: path, input: { path }, protocols, secrets: [] };
  }
  const { user = '', password = '' } = settings;
  const url = new URL(settings.url);
  url.username = encodeURIComponent(user);
  url.password = encodeURIComponent(password);
  const options =
    kind === 'rtsp'
      ? [
          `rtsp_transport ${settings.transport ?? 'tcp'}`,
          'allowed_media_types video',
          `timeout ${SOCKET_TIMEOUT_US}`,
          'fflags nobuffer',
          `analyzeduration ${ANALYSE_US}`,
        ]
      : [`rw_timeout ${SOCKET_TIMEOUT_US}`, `analyzeduration ${ANALYSE_US}`];
  // Arguments of a process are visible to every user of the machine, its standard input is not.
  const list = [
    'ffconcat version 1.0',
    `file '${url.href.replaceAll("'", "'\\''")}'`,
    ...options.map((option) => `option ${option}`),
    '',
  ].join('\n');
  return {
    kind,
    isSegmented: kind === 'http' && /\.m3u8?$/i.test(url.pathname),
    redactedUrl: redactCameraUrl(settings.url),
    input: { list },
    protocols,
    secrets: [url.href, url.password, password].filter((secret) => secret !== ''),
  };
}

/** Text for ffmpeg's standard input. @param isUntimed pictures are timed by arrival */
export function concatListOf({ input }: Pick<CameraSource, 'input'>, isUntimed: boolean): string {
  return 'list' in input ? `${input.list}${isUntimed ? 'option use_wallclock_as_timestamps 1\n' : ''}` : '';
}

/** An address without user and password; passwords in its query are hidden too. */
export function redactCameraUrl(configured: string): string {
  if (sourceKindOf(configured) === 'file' || !URL.canParse(configured)) return configured;
  const url = new URL(configured);
  const hide = (text: string) =>
    text.replace(/([^?&;/=]+)=([^&;/]*)/g, (pair, key: string) => (SECRET_KEY.test(key) ? `${key}=${HIDDEN}` : pair));
  return `${url.protocol}//${url.host}${hide(url.pathname)}${hide(url.search)}`;
}

/** Text of ffmpeg about the source without secrets. */
export function withoutSecrets(text: string, { secrets, redactedUrl: redacted }: Pick<CameraSource, 'secrets' | 'redactedUrl'>): string {
  const [address, ...texts] = secrets;
  // A short password could occur within ordinary texts; the address, where it always is, is replaced as a whole.
  const clean = address === undefined ? text : text.replaceAll(address, redacted).replace(/:\/\/[^\s/@']+@/g, '://');
  return texts.reduce((result, secret) => (secret.length >= 3 ? result.replaceAll(secret, HIDDEN) : result), clean);
}
