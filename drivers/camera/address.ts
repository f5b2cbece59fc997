/** Settings that say where a camera's pictures come from and how they are fetched. */
import { z } from 'zod';
import { settingIssue, durationMs } from '../../core/setting.ts';
import { clipPathOf, sourceKindOf } from './source.ts';

const address = () =>
  z.string().check((context) => {
    const problem = urlProblem(context.value);
    if (problem) context.issues.push({ code: 'custom', ...problem, input: context.value });
  });

export const ADDRESS_FIELDS = {
  url: address().meta({
    zh: '画面来源：rtsp(s)://、http(s)://（FLV、HLS、MJPEG），或 file: 加视频文件路径（相对路径以配置文件所在目录为准）；检测宜用子码流',
    en: 'Where pictures come from: rtsp(s)://, http(s):// (FLV, HLS, MJPEG), or file: and the path of a video file (a relative one counts from the folder of the configuration file); the sub-stream serves detection best',
    path: true,
    examples: ['rtsp://192.168.1.64/Streaming/Channels/102', 'http://192.168.1.64/live/sub.flv', 'file:./clips/gate.avi'],
  }),
  mainUrl: address()
    .optional()
    .meta({
      zh: '主码流地址：只在需要清晰画面（抓拍、事件）或实时观看时打开；省略则同 url',
      en: 'The main stream, opened only for sharp pictures (commands, events) and for who watches live; left out: url',
      path: true,
      examples: ['rtsp://192.168.1.64/Streaming/Channels/101'],
    }),
  user: z.string().optional().meta({ zh: '摄像机用户名', en: 'User on the camera' }),
  password: z
    .string()
    .optional()
    .meta({ zh: '摄像机密码', en: 'Password on the camera', secret: true, examples: ['${env:CAMERA_PASSWORD}'] }),
  transport: z
    .enum(['tcp', 'udp'])
    .default('tcp')
    .meta({
      zh: 'RTSP 的传输方式：tcp 不丢包；udp 仅用于干净的局域网',
      en: 'How RTSP is carried: tcp loses nothing; udp only on a clean local network',
    }),
  silence: durationMs()
    .refine((ms) => ms >= 1000, settingIssue('must be at least 1s', '不能短于 1s'))
    .prefault('8s')
    .meta({
      zh: '多久没有画面即重新打开（直播不短于三幅图像的间隔，文件不短于二十幅）',
      en: 'A source that gives no picture for as long is opened anew (a live one not before the time of three pictures is over, a file of twenty)',
    }),
  decode: z
    .enum(['all', 'keyframes'])
    .default('all')
    .meta({
      zh: 'keyframes 只解码 I 帧：慢机器用，每秒图像数随之受 I 帧间隔限制',
      en: 'keyframes decodes only those that need no other: for slow boxes; there are then no more pictures than the camera has I-frames',
    }),
  hardware: z
    .enum(['none', 'vaapi', 'nvdec', 'v4l2m2m', 'rkmpp'])
    .default('none')
    .meta({ zh: '硬件解码；不可用时改用软件并提示', en: 'Hardware decoder; where it cannot be had it is done in software, and said' }),
  minFps: z
    .number()
    .min(0.01)
    .max(60)
    .optional()
    .meta({
      zh: '处理不过来时每秒图像数可降到多少；省略则不降',
      en: 'Down to how many pictures a second it may go while there are too many; left out: it does not',
    }),
};

function urlProblem(url: string): ReturnType<typeof settingIssue> | null {
  const kind = sourceKindOf(url);
  // What stands there may be a password: it is not said again.
  if (kind === null)
    return settingIssue(
      'is no address of pictures: write rtsp://, rtsps://, http://, https://, or file: and a path',
      '不是画面地址：请写 rtsp://、rtsps://、http://、https:// 或 file: 加路径',
    );
  if (kind === 'file') return pathProblem(url);
  const { username, password, hostname } = new URL(url);
  if (username !== '' || password !== '')
    return settingIssue(
      'user and password do not belong into the address: write them as `user` and `password`',
      '用户名和密码不能写在地址中：请写到 `user` 和 `password`',
    );
  return hostname === '' ? settingIssue('names no host', '没有指明主机') : null;
}

function pathProblem(url: string): ReturnType<typeof settingIssue> | null {
  try {
    return clipPathOf({ url }) === '' || url.includes('\0') ? settingIssue(`"${url}" names no file`, `“${url}”没有指明文件`) : null;
  } catch (error) {
    // file://host/… and bad escapes: the reason is in the error's code.
    const code = (error as NodeJS.ErrnoException).code ?? 'invalid';
    return settingIssue(`"${url}" is no path of this machine (${code})`, `“${url}”不是本机路径（${code}）`);
  }
}
