/** What ffmpeg is told: where from, which pictures, how large, decoded by what. Pure. */
import type { RingOpening } from '../../core/ring.ts';
import { segmentsOutput } from './video-segments.ts';
import type { CameraSource } from './source.ts';
import { PASSED, PICKED } from './frame-timestamps.ts';

type Hardware = 'none' | 'vaapi' | 'nvdec' | 'v4l2m2m' | 'rkmpp';

export interface PlayOptions {
  source: CameraSource;
  /** null: every one, as it stands. */
  fps: number | null;
  /** Pixels; with one of them the other follows, with none see MAX_SIDE; 'own': as the source has them. */
  size: { width?: number | undefined; height?: number | undefined } | 'own';
  loop: boolean;
  decode: 'all' | 'keyframes';
  hardware: Hardware;
  /** What the source was seen to send; decoders of boards are one for each codec. */
  codec?: string | undefined;
  /** Its pictures have no times: those at which they come are taken, else ffmpeg has it that they come 25 a second. */
  isUntimed?: boolean | undefined;
  /** Where what it sends is kept as it comes; left out: nowhere. */
  ring?: RingOpening | undefined;
  /** Pictures that are as the one before are not handed on, but one a second; what counts as a change, levels of grey. Left out: each is. */
  stillBelow?: number | undefined;
}

/** What sub-streams have: up to here pictures stay as they are, which costs nothing. */
const MAX_SIDE = 768;
/** The longer side of what is larger. */
const SCALED_SIDE = 640;
/** Where the times of pictures are written to; YUV4MPEG2 has no place for them. */
export const TIMES_FD = 3;

/**
 * A clip's picture at time t is the newest that is not later than t: `round=up`. Its path goes in as `file:`, so that no
 * name is taken for an option or a protocol. A live stream's pictures keep their times, and none is made up where none came.
 */
export function ffmpegArguments(options: PlayOptions): string[] {
  const { source, fps, size, loop, decode, hardware, codec = 'h264', ring } = options;
  const isLive = source.kind !== 'file';
  const picked = fps === null ? [] : [isLive ? selected(fps) : `fps=fps=${fps}:round=up`];
  const passed = withoutStill(options);
  const filters = [
    ...(isLive ? ['settb=AVTB'] : []),
    ...picked,
    ...passed,
    `scale=${scaled(size)}:flags=bilinear:out_range=tv`,
    ...(isStamped(options) ? stamped(PASSED, passed.length === 0) : []),
  ];
  return [
    '-nostdin',
    '-hide_banner',
    '-nostats',
    '-loglevel',
    'level+info',
    '-threads',
    '1',
    '-protocol_whitelist',
    source.protocols,
    ...decoder(hardware, codec),
    ...(decode === 'keyframes' ? ['-skip_frame', 'nokey'] : []),
    ...(loop ? ['-stream_loop', '-1'] : []),
    ...(source.isSegmented ? ['-re'] : []),
    ...('path' in source.input ? ['-i', `file:${source.input.path}`] : ['-f', 'concat', '-safe', '0', '-i', 'pipe:0']),
    '-map',
    '0:v:0',
    '-vf',
    filters.join(','),
    ...(isStamped(options) ? ['-fps_mode', 'passthrough'] : []),
    '-pix_fmt',
    'yuv420p',
    '-f',
    'yuv4mpegpipe',
    'pipe:1',
    ...(ring ? segmentsOutput(ring) : []),
  ];
}

/** On a grid of its time, so that the mean rate is exact; what comes slower is taken as it is. A time that went back begins anew. */
function selected(fps: number): string {
  const slot = (time: string) => `floor(${time}*${fps}+0.01)`;
  return `select='isnan(prev_selected_t)+lt(t,prev_selected_t)+gt(${slot('t')},${slot('prev_selected_t')})'`;
}

/** One a second comes whatever it shows; where so few are wanted, all do. */
const STILL_MOST_S = 1;
const BLOCK_PIXELS = 64;
/** A block of 8 × 8 pixels that differs by half of what counts as a change is handed on, so is a hundredth of the picture that does by a third. */
const [SURE_PART, MAYBE_PART, MAYBE_SHARE] = [1 / 2, 1 / 3, 0.01];

/** Compared with the last that was handed on, so that what changes slowly is none the less seen. */
function withoutStill({ fps, stillBelow }: Pick<PlayOptions, 'fps' | 'stillBelow'>): string[] {
  const most = Math.ceil((fps ?? 0) * STILL_MOST_S) - 1;
  if (stillBelow === undefined || most < 1) return [];
  const limit = (part: number) => Math.max(1, Math.round(stillBelow * part * BLOCK_PIXELS));
  return [...stamped(PICKED, true), `mpdecimate=max=${most}:hi=${limit(SURE_PART)}:lo=${limit(MAYBE_PART)}:frac=${MAYBE_SHARE}`];
}

/** Whether the times of pictures are written: of a live stream, and where not every picture is handed on. */
export function isStamped(options: Pick<PlayOptions, 'source' | 'fps' | 'stillBelow'>): boolean {
  return options.source.kind !== 'file' || withoutStill(options).length > 0;
}

function stamped(mark: number, isFirst: boolean): string[] {
  return [`metadata=mode=${isFirst ? 'add' : 'modify'}:key=stamp:value=${mark}`, `metadata=mode=print:file='pipe\\:${TIMES_FD}':direct=1`];
}

function decoder(hardware: Hardware, codec: string): string[] {
  if (hardware === 'none') return [];
  if (hardware === 'vaapi') return ['-hwaccel', 'vaapi'];
  return hardware === 'nvdec' ? ['-hwaccel', 'cuda'] : ['-c:v', `${codec}_${hardware}`];
}

/** Both sides even, as planes of colour need it; ffmpeg knows the picture's own (iw, ih). */
function scaled(size: PlayOptions['size']): string {
  if (size === 'own') return "w='2*max(1,trunc(iw/2))':h='2*max(1,trunc(ih/2))'";
  const { width, height } = size;
  if (width !== undefined || height !== undefined) return `w=${width ?? -2}:h=${height ?? -2}`;
  const even = (side: string) => `'2*max(1,round(if(gt(max(iw,ih),${MAX_SIDE}),${side}*${SCALED_SIDE}/max(iw,ih),${side})/2-0.25))'`;
  return `w=${even('iw')}:h=${even('ih')}`;
}
