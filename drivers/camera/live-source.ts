/** How a camera is viewed live: its main stream, or a clip at its own rate. */
import type { LiveSource } from '../../core/driver.ts';
import type { Clock } from '../../core/world.ts';
import { exitFault } from './ffmpeg-exit.ts';
import './faults.ts';
import { recordLogin, assertLoginAllowed, recordRefusedLogin, cameraStateOf } from './camera-state.ts';
import { FfmpegLog } from './ffmpeg-log.ts';
import { mainUrlOf, type CameraSettings } from './settings.ts';
import { cameraSourceOf, withoutSecrets } from './source.ts';

/** Pictures of a live stream are timed by arrival: jumps of the camera's clock do not matter. */
const TIME_BY_ARRIVAL = ['settb=AVTB', 'setpts=RTCTIME-RTCSTART'];

export function liveSource(settings: CameraSettings, clock: Clock): LiveSource {
  const { user, password, transport, loop, mask } = settings;
  const source = cameraSourceOf({ url: mainUrlOf(settings), user, password, transport });
  const state = cameraStateOf(clock, source);
  const common = ['-hide_banner', '-nostats', '-loglevel', 'level+error', '-threads', '1', '-protocol_whitelist', source.protocols];
  return {
    input: 'path' in source.input
      ? ['-nostdin', ...common, '-re', ...(loop ? ['-stream_loop', '-1'] : []), '-i', `file:${source.input.path}`]
      : [...common, '-f', 'concat', '-safe', '0', '-i', 'pipe:0'],
    filters: source.kind === 'file' ? [] : TIME_BY_ARRIVAL,
    stdin: 'list' in source.input ? source.input.list : '',
    mask,
    isReplay: source.kind === 'file',
    assertMayStart: () => assertLoginAllowed(state, clock),
    recordStart: () => recordLogin(state),
    fault({ hadPictures, startError, code, signal, said }) {
      const log = new FfmpegLog((line) => withoutSecrets(line, source));
      log.receive(said);
      log.end();
      const { fault } = exitFault({
        source,
        exit: { code, signal, ...(startError !== undefined && { startError: Object.assign(new Error(startError), { code: startError }) }) },
        log,
        pictures: hadPictures ? 1 : 0,
      });
      return fault.code === 'CV_CAMERA_LOGIN' ? recordRefusedLogin(state, fault, clock).fault : fault;
    },
  };
}
