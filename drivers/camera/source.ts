/** Where a camera's pictures come from: the address as it was written, as ffmpeg is told it, and as people may see it. Pure. */
import { fileURLToPath } from 'node:url';

/** What of a camera's settings says where it is and how it is reached. */
export interface SourceSettings {
  url: string;
  user?: string | undefined;
  password?: string | undefined;
  transport?: 'tcp' | 'udp' | undefined;
}

export interface CameraSource {
  /** A file ends and can be played at any speed; the others come as they come. */
  kind: 'file' | 'rtsp' | 'http';
  /** It comes in pieces of seconds, each at once: it is read in its own time. */
  isInPieces: boolean;
  /** For messages: without user, password, and what looks like one. */
  redactedUrl: string;
  /** What ffmpeg reads from: a path, or the list that it is handed on its standard input. */
  input: { path: string } | { list: string };
  /** What ffmpeg may open, so that no playlist makes it read a file of ours, nor a picture file call anybody. */
  protocols: string;
  /** What must not be in any message. */
  secrets: readonly string[];
}

const KINDS: Readonly<Record<string, CameraSource['kind']>> = { 'rtsp:': 'rtsp', 'rtsps:': 'rtsp', 'http:': 'http', 'https:': 'http' };
const PROTOCOLS = { file: 'file,pipe', rtsp: 'pipe,rtsp,rtsps,rtp,udp,tcp,tls', http: 'pipe,http,https,httpproxy,tcp,tls,crypto' };
/** Longest time in which a socket may say nothing; whoever watches the pictures is quicker. */
const SOCKET_TIMEOUT_US = 15_000_000;
/** How much is looked at to learn what the stream is: cameras say so at once. */
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
    return { kind, isInPieces: false, redactedUrl: path, input: { path }, protocols, secrets: [] };
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
  // Arguments of a process can be read by everybody on this machine, its standard input by nobody.
  const list = [
    'ffconcat version 1.0',
    `file '${url.href.replaceAll("'", "'\\''")}'`,
    ...options.map((option) => `option ${option}`),
    '',
  ].join('\n');
  return {
    kind,
    isInPieces: kind === 'http' && /\.m3u8?$/i.test(url.pathname),
    redactedUrl: redactCameraUrl(settings.url),
    input: { list },
    protocols,
    secrets: [url.href, url.password, password].filter((secret) => secret !== ''),
  };
}

/** What ffmpeg is handed on its standard input. @param isUntimed pictures have the times at which they come */
export function concatListOf({ input }: Pick<CameraSource, 'input'>, isUntimed: boolean): string {
  return 'list' in input ? `${input.list}${isUntimed ? 'option use_wallclock_as_timestamps 1\n' : ''}` : '';
}

/** An address without who and with what; what its query calls a password is hidden too. */
export function redactCameraUrl(written: string): string {
  if (sourceKindOf(written) === 'file' || !URL.canParse(written)) return written;
  const url = new URL(written);
  const hide = (text: string) =>
    text.replace(/([^?&;/=]+)=([^&;/]*)/g, (pair, key: string) => (SECRET_KEY.test(key) ? `${key}=${HIDDEN}` : pair));
  return `${url.protocol}//${url.host}${hide(url.pathname)}${hide(url.search)}`;
}

/** What ffmpeg says of the source, fit to be seen. */
export function withoutSecrets(text: string, { secrets, redactedUrl: shown }: Pick<CameraSource, 'secrets' | 'redactedUrl'>): string {
  const [address, ...words] = secrets;
  // A short password would tear holes into plain words; the address, where it always stands, is replaced as a whole.
  const clean = address === undefined ? text : text.replaceAll(address, shown).replace(/:\/\/[^\s/@']+@/g, '://');
  return words.reduce((cleaner, word) => (word.length >= 3 ? cleaner.replaceAll(word, HIDDEN) : cleaner), clean);
}
