/** The fault for the exit of an ffmpeg process, from its log. Pure. */
import { FaultError, type FaultCode } from '../../core/faults.ts';
import './faults.ts';
import type { FfmpegExit } from './player.ts';
import type { FfmpegLog } from './ffmpeg-log.ts';
import type { CameraSource } from './source.ts';

export interface FfmpegEnd {
  source: CameraSource;
  exit: FfmpegExit;
  log: Pick<FfmpegLog, 'first' | 'last' | 'opening'> & Partial<Pick<FfmpegLog, 'lastSegmentError' | 'seconds'>>;
  /** How many it had given. */
  pictures: number;
  /** Up to what time of a file. */
  playedMs?: number;
}

/** What a file says of its length may be a little wrong. */
const WHOLE_SHARE = 0.9;

/** The first that fits; `detail` is the line in which it was found. */
const OPENINGS: readonly [RegExp, FaultCode][] = [
  [/unknown keyword|Unrecognized option|Option \S+ not found/i, 'CV_FFMPEG_OLD'],
  [/Server returned 40[13]\b|\b40[13] ?(Unauthorized|Forbidden)/i, 'CV_CAMERA_LOGIN'],
  [/\b(453|429|503)\b|Service Unavailable|Not Enough Bandwidth|Server returned 5XX|Too many/i, 'CV_CAMERA_BUSY'],
  [/Server returned 40[04]\b|\b(400|404|454|459|461) ?[A-Z]|Server returned 4XX/, 'CV_CAMERA_NO_STREAM'],
  [/Connection refused/i, 'CV_LINK_REFUSED'],
  [/No route to host|is unreachable|Failed to resolve|Name or service not known|name resolution|timed out/i, 'CV_LINK_UNREACHABLE'],
  [/Connection reset|Broken pipe|End of file|Input\/output error/i, 'CV_CAMERA_CLOSED'],
  [/no decoder found|Decoder \S+ not found|Unsupported codec|Could not find codec parameters/i, 'CV_CAMERA_CODEC'],
  // That it cannot be opened says least of all that was said.
  [/^(?!Impossible to open)./, 'CV_CAMERA_NO_VIDEO'],
  [/./, 'CV_CAMERA_NO_VIDEO'],
];

export function exitFault(ended: FfmpegEnd): FaultError {
  const { source, exit, pictures } = ended;
  if (exit.startError?.code === 'ENOENT') return new FaultError('CV_FFMPEG_MISSING');
  const path = source.redactedUrl;
  if (exit.startError) return new FaultError('CV_VIDEO_STOPPED', { path, detail: exit.startError.message });
  if (exit.signal) return new FaultError('CV_VIDEO_STOPPED', { path, detail: exit.signal });
  if (source.kind === 'file') return fileFault(ended, path);
  return pictures === 0 ? openingFault(ended) : streamFault(ended, path);
}

function streamFault({ source, exit, log: said, pictures }: FfmpegEnd, address: string): FaultError {
  if (source.kind === 'http' && pictures === 1 && exit.code === 0)
    return new FaultError('CV_CAMERA_NO_VIDEO', { address, detail: 'it is a single picture', detailZh: '只是一幅图片' });
  return new FaultError('CV_CAMERA_CLOSED', {
    address,
    ...(said.last ? { detail: said.last } : { detail: 'without a word', detailZh: '未说明原因' }),
  });
}

function fileFault({ exit, log: said, pictures, playedMs = Infinity }: FfmpegEnd, path: string): FaultError {
  const detail = (pictures === 0 ? said.first : said.last) || `exit code ${exit.code}`;
  if (pictures === 0)
    return new FaultError('CV_VIDEO_UNREADABLE', {
      path,
      ...(exit.code === 0 ? { detail: 'there is no picture in it', detailZh: '其中没有图像' } : { detail }),
    });
  // What could not be kept beside the pictures is no matter of theirs.
  const isWell = exit.code === 0 || (said.last === '' && said.lastSegmentError);
  if (!isWell) return new FaultError('CV_VIDEO_STOPPED', { path, detail });
  const [seconds, wholeSeconds] = [Math.round(playedMs / 1000), said.seconds ?? 0];
  const isWhole = said.last === '' || seconds + 1 >= wholeSeconds * WHOLE_SHARE;
  return isWhole
    ? new FaultError('CV_VIDEO_ENDED', { path, pictures })
    : new FaultError('CV_VIDEO_CUT_SHORT', { path, seconds, wholeSeconds, detail });
}

function openingFault({ source: { redactedUrl: address }, exit, log: said }: FfmpegEnd): FaultError {
  const lines = said.opening.split('\n').filter((line) => line !== '');
  for (const [sign, code] of OPENINGS) {
    const detail = lines.find((line) => sign.test(line));
    if (detail !== undefined) return new FaultError(code, { address, detail, minutes: 0 });
  }
  return new FaultError('CV_CAMERA_NO_VIDEO', {
    address,
    ...(exit.code === 0 ? { detail: 'it ended without a picture', detailZh: '没有画面即结束' } : { detail: `exit code ${exit.code}` }),
  });
}
