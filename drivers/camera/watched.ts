/** How people watch a camera: its main stream, as it comes; a clip in its own time. */
import type { LiveSource } from '../../core/driver.ts';
import type { Clock } from '../../core/world.ts';
import { exitFault } from './ffmpeg-exit.ts';
import './faults.ts';
import { recordLogin, assertLoginAllowed, recordRefusedLogin, cameraStateOf } from './camera-state.ts';
import { FfmpegLog } from './ffmpeg-log.ts';
import { mainUrlOf, type CameraSettings } from './settings.ts';
import { cameraSourceOf, withoutSecrets } from './source.ts';

/** A live stream's pictures count by when they are here: one whose camera's clock leaps goes on. */
const AS_THEY_COME = ['settb=AVTB', 'setpts=RTCTIME-RTCSTART'];

export function watched(settings: CameraSettings, clock: Clock): LiveSource {
  const { user, password, transport, loop, mask } = settings;
  const source = cameraSourceOf({ url: mainUrlOf(settings), user, password, transport });
  const remembered = cameraStateOf(clock, source);
  const common = ['-hide_banner', '-nostats', '-loglevel', 'level+error', '-threads', '1', '-protocol_whitelist', source.protocols];
  return {
    input: 'path' in source.input
      ? ['-nostdin', ...common, '-re', ...(loop ? ['-stream_loop', '-1'] : []), '-i', `file:${source.input.path}`]
      : [...common, '-f', 'concat', '-safe', '0', '-i', 'pipe:0'],
    filters: source.kind === 'file' ? [] : AS_THEY_COME,
    stdin: 'list' in source.input ? source.input.list : '',
    mask,
    isReplay: source.kind === 'file',
    mayBegin: () => assertLoginAllowed(remembered, clock),
    began: () => recordLogin(remembered),
    fault({ hadPictures, startError, code, signal, said: text }) {
      const said = new FfmpegLog((line) => withoutSecrets(line, source));
      said.receive(text);
      said.end();
      const { fault } = exitFault({
        source,
        exit: { code, signal, ...(startError !== undefined && { startError: Object.assign(new Error(startError), { code: startError }) }) },
        log: said,
        pictures: hadPictures ? 1 : 0,
      });
      return fault.code === 'CV_CAMERA_LOGIN' ? recordRefusedLogin(remembered, fault, clock).fault : fault;
    },
  };
}
