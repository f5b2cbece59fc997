import { defineFaults } from '../../core/faults.ts';

/** Network cameras. */
const CAMERA_FAULTS = defineFaults({
  CV_FFMPEG_OLD: {
    stage: 'open',
    retry: 'after-change',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      'this ffmpeg is too old for cameras over a network: {detail}',
      'install ffmpeg 5.1 or newer (Debian 12, Ubuntu 22.10 and later have it)',
    ],
    zh: ['本机 ffmpeg 版本过旧，不支持网络摄像机：{detail}', '安装 5.1 或更新的 ffmpeg（Debian 12、Ubuntu 22.10 及以后自带）'],
  },
  CV_CAMERA_LOGIN: {
    stage: 'open',
    retry: 'after-change',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      '{address} rejects user and password: {detail}; next attempt in {minutes} min',
      'correct `user` and `password` (changes are tried at once); the user must exist on the camera itself and have permission for live view; many cameras lock out this address for 30 min after several wrong attempts',
    ],
    zh: [
      '{address} 用户名或密码错误：{detail}；{minutes} 分钟后再试',
      '修正 `user` 和 `password`（修改后立即重试）；该用户须存在于摄像机本身并有预览权限；多次输错后许多摄像机会锁定本机地址 30 分钟',
    ],
  },
  CV_CAMERA_NO_STREAM: {
    stage: 'open',
    retry: 'after-change',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      '{address} has no such stream: {detail}',
      "correct the path of the address: see the table of manufacturers in drivers/camera/README.md, or copy it from the camera's web page",
    ],
    zh: ['{address} 没有这路码流：{detail}', '修正地址中的路径：参见 drivers/camera/README.md 的厂商表，或从摄像机网页上复制'],
  },
  CV_CAMERA_BUSY: {
    stage: 'open',
    retry: 'backoff',
    actor: 'field-engineer',
    flag: 'comm',
    en: [
      '{address} is not providing the stream: {detail}',
      'close other viewers (recorders, apps) or raise the session limit of the camera; if the fault persists, restart the camera',
    ],
    zh: ['{address} 暂不提供码流：{detail}', '关闭其他观看端（录像机、手机应用）或调大其连接数上限；仍不行则重启摄像机'],
  },
  CV_CAMERA_SILENT: {
    stage: 'read',
    retry: 'backoff',
    actor: 'field-engineer',
    flag: 'comm',
    en: [
      'no picture from {address} for {silenceMs} ms',
      'check power, cable and bandwidth; if intermittent, lower the bit rate of the stream; with `decode: keyframes`, `silence` must be longer than its I-frame interval',
    ],
    zh: [
      '{address} 已 {silenceMs} 毫秒没有画面',
      '检查供电、网线和带宽；若时断时续，调低码率；使用 `decode: keyframes` 时 `silence` 须长于其 I 帧间隔',
    ],
  },
  CV_CAMERA_CLOSED: {
    stage: 'read',
    retry: 'backoff',
    actor: 'field-engineer',
    flag: 'comm',
    en: [
      '{address} ended its stream: {detail}',
      'if it repeats: check whether the camera restarts (power, heat), loses its network, or has too many viewers; an HTTP address must be of a live stream, not of a recording',
    ],
    zh: [
      '{address} 结束了码流：{detail}',
      '若反复出现：检查摄像机是否重启（供电、过热）、网络是否中断、观看者是否过多；HTTP 地址须为直播，不能是录像',
    ],
  },
  CV_CAMERA_CODEC: {
    stage: 'open',
    retry: 'after-change',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      '{address} sends a codec that this ffmpeg does not decode: {detail}',
      'set the stream to H.264 in the camera (turn H.264+/H.265+ and SVC off), or install the full ffmpeg',
    ],
    zh: ['{address} 的编码本机 ffmpeg 无法解码：{detail}', '在摄像机中把该码流设为 H.264（关闭 H.264+/H.265+、SVC），或安装完整的 ffmpeg'],
  },
  CV_CAMERA_NO_VIDEO: {
    stage: 'open', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['{address} does not send video: {detail}', 'check scheme, port and path: RTSP usually uses port 554; a web page is not a stream'],
    zh: ['{address} 发送的不是视频：{detail}', '检查协议、端口和路径：RTSP 端口通常为 554，网页地址不是码流'],
  },
  CV_CAMERA_CHANGED: {
    stage: 'read',
    retry: 'backoff',
    actor: 'nobody',
    flag: 'comm',
    en: [
      'size or codec of {address} changed; the stream is reopened',
      'if frequent: set a fixed size and codec for the stream in the camera, turn "smart" codecs off',
    ],
    zh: ['{address} 的画面尺寸或格式发生变化，重新打开', '若反复出现：在摄像机中固定该码流的尺寸和编码，关闭智能编码'],
  },
  CV_CAMERA_TIME: {
    stage: 'read',
    retry: 'next',
    actor: 'nobody',
    en: [
      'the time stamps of {address} jumped by {leaptMs} ms; pictures are timed by the edge\'s clock',
      'if frequent: enable NTP in the camera',
    ],
    zh: ['{address} 的时间戳跳变 {leaptMs} 毫秒，画面时间按本机时钟延续', '若反复出现：让摄像机通过 NTP 校时'],
  },
  CV_CAMERA_SOFTWARE: {
    stage: 'open',
    retry: 'after-change',
    actor: 'field-engineer',
    en: [
      '{address} is decoded in software, not by {hardware}: {detail}',
      'check that this machine has the decoder, that the user may open it (/dev/dri, /dev/video*) and that ffmpeg supports it; otherwise set `hardware: none`',
    ],
    zh: [
      '{address} 由软件解码，未使用 {hardware}：{detail}',
      '确认本机有该解码器、运行用户可访问（/dev/dri、/dev/video*）且 ffmpeg 支持；否则设 `hardware: none`',
    ],
  },
  CV_CAMERA_SLOW: {
    stage: 'infer',
    retry: 'next',
    actor: 'field-engineer',
    en: [
      '{address}: even at {minFps} frames/s this machine cannot keep up',
      'use fewer cameras, a lower `fps`, a smaller model, or a faster machine',
    ],
    zh: ['{address}：每秒 {minFps} 幅也超出本机处理能力', '减少摄像机或每秒图像数、换小模型或换更快的机器'],
  },
});

declare module '../../core/faults.ts' {
  interface FaultTables { camera: typeof CAMERA_FAULTS }
}
