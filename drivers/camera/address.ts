/** Settings of a camera's address and stream. */
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
    en: 'Address of the stream: rtsp(s)://, http(s):// (FLV, HLS, MJPEG), or file: and the path of a video file (a relative path starts at the folder of the configuration file); use the sub-stream for detection',
    path: true,
    examples: ['rtsp://192.168.1.64/Streaming/Channels/102', 'http://192.168.1.64/live/sub.flv', 'file:./clips/gate.avi'],
  }),
  mainUrl: address()
    .optional()
    .meta({
      zh: '主码流地址：只在需要清晰画面（抓拍、事件）或实时观看时打开；省略则同 url',
      en: 'Main stream, opened only for full-resolution pictures (commands, events) and live view; default: url',
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
      en: 'Transport of RTSP: tcp loses no packets; udp only on a clean local network',
    }),
  silence: durationMs()
    .refine((ms) => ms >= 1000, settingIssue('must be at least 1s', '不能短于 1s'))
    .prefault('8s')
    .meta({
      zh: '多久没有画面即重新打开（直播不短于三幅图像的间隔，文件不短于二十幅）',
      en: 'Time without a picture after which the source is reopened (at least the time of three pictures for a live source, of twenty for a file)',
    }),
  decode: z
    .enum(['all', 'keyframes'])
    .default('all')
    .meta({
      zh: 'keyframes 只解码 I 帧：慢机器用，每秒图像数随之受 I 帧间隔限制',
      en: 'keyframes decodes only I-frames, for slow machines; the rate is then limited by the I-frame interval',
    }),
  hardware: z
    .enum(['none', 'vaapi', 'nvdec', 'v4l2m2m', 'rkmpp'])
    .default('none')
    .meta({ zh: '硬件解码；不可用时改用软件并提示', en: 'Hardware decoder; if unavailable, software is used and a fault reported' }),
  minFps: z
    .number()
    .min(0.01)
    .max(60)
    .optional()
    .meta({
      zh: '处理不过来时每秒图像数可降到多少；省略则不降',
      en: 'Lowest rate, in pictures per second, under overload; default: the rate is not lowered',
    }),
};

function urlProblem(url: string): ReturnType<typeof settingIssue> | null {
  const kind = sourceKindOf(url);
  // The text may be a password, so the message does not repeat it.
  if (kind === null)
    return settingIssue(
      'is not a stream address: write rtsp://, rtsps://, http://, https://, or file: and a path',
      '不是画面地址：请写 rtsp://、rtsps://、http://、https:// 或 file: 加路径',
    );
  if (kind === 'file') return pathProblem(url);
  const { username, password, hostname } = new URL(url);
  if (username !== '' || password !== '')
    return settingIssue(
      'user and password must not be in the address: use the settings `user` and `password`',
      '用户名和密码不能写在地址中：请写到 `user` 和 `password`',
    );
  return hostname === '' ? settingIssue('has no host', '没有指明主机') : null;
}

function pathProblem(url: string): ReturnType<typeof settingIssue> | null {
  try {
    return clipPathOf({ url }) === '' || url.includes('\0') ? settingIssue(`"${url}" has no path`, `“${url}”没有指明文件`) : null;
  } catch (error) {
    // file://host/… and bad escapes: the reason is in the error's code.
    const code = (error as NodeJS.ErrnoException).code ?? 'invalid';
    return settingIssue(`"${url}" is not a path on this machine (${code})`, `“${url}”不是本机路径（${code}）`);
  }
}
