import type { FaultRow } from './row.ts';

/** People who watch a camera through the gateway. */
export const LIVE_FAULTS = {
  CV_LIVE_CLOSED: {
    stage: 'api', retry: 'after-change', actor: 'operator', status: 403,
    en: ['live view through this gateway is not allowed', 'list those who may watch under `operators`, or allow users of this machine: `live: { anonymous: loopback }`'],
    zh: ['本网关不允许任何人实时观看摄像机', '在 `operators` 中写明可观看的人员，或允许本机用户观看：`live: { anonymous: loopback }`'],
  },
  CV_EDGE_HTTP: {
    stage: 'api', retry: 'after-change', actor: 'field-engineer',
    en: ['edge {edge} gives {http} as its HTTP address, which is not the host it connects from: nothing is fetched there', 'if the address is right, list {edge} with its origin (http://HOST:PORT) under edgeHttp in the gateway configuration (always needed with an external broker)'],
    zh: ['边缘节点 {edge} 自报的 HTTP 地址 {http} 不在其连接所用的主机上，不从该处获取画面', '如地址无误，请在网关配置的 edgeHttp 中添加该节点（edge）及其地址（origin，形如 http://10.0.0.7:8090）；使用外部消息服务器时必须配置'],
  },
  CV_LIVE_ELSEWHERE: {
    stage: 'api', retry: 'after-change', actor: 'field-engineer', status: 409,
    en: ['{device} belongs to edge {edge}, which does not run on the machine of this gateway: its pictures come one by one', 'look at its pictures; to watch it live, run its edge beside the gateway'],
    zh: ['{device} 属于边缘节点 {edge}，该节点不在网关所在机器上运行，仅图片刷新', '查看其画面；如需实时观看，请将该边缘节点与网关运行在同一台机器上'],
  },
  CV_LIVE_DEVICE: {
    stage: 'api', retry: 'never', actor: 'operator', status: 404,
    en: ['{device} is not a camera with live view', 'see /api/v1/devices: cameras with live view have `live`'],
    zh: ['{device} 不是可实时观看的摄像机', '见 /api/v1/devices：可观看的设备带有 `live`'],
  },
  CV_LIVE_FULL: {
    stage: 'open', retry: 'backoff', actor: 'operator', status: 503,
    en: ['limit of {limit} live views reached ({count} open)', 'wait for another viewer to leave, or raise `live.maxStreams` of the edge if its machine allows'],
    zh: ['已有 {count} 路摄像机在被观看，最多同时 {limit} 路', '等待他人退出；若机器性能允许，调大边缘节点的 `live.maxStreams`'],
  },
  CV_LIVE_VIEWERS: {
    stage: 'api', retry: 'backoff', actor: 'operator', status: 503,
    en: ['viewer limit of {device} reached ({count} of {limit})', 'wait for another viewer to leave, or raise `live.maxViewers`'],
    zh: ['已有 {count} 人在观看 {device}，最多同时 {limit} 人', '等待他人退出，或调大 `live.maxViewers`'],
  },
  CV_LIVE_TICKET: {
    stage: 'api', retry: 'never', actor: 'developer', status: 403,
    en: ['the ticket is unknown, already used, or older than {maxSeconds} s', 'request a new one: POST {path}'],
    zh: ['凭证未知、已使用或超过 {maxSeconds} 秒', '请重新申请：POST {path}'],
  },
  CV_LIVE_FAILED: {
    stage: 'open', retry: 'backoff', actor: 'operator', flag: 'comm', status: 503,
    en: ['live view of {device} is not available: {detail}', 'see the faults of the camera; it is retried on the next request'],
    zh: ['{device} 暂时无法实时观看：{detail}', '查看该摄像机的故障；再次请求时会重试'],
  },
  CV_LIVE_UNRECORDED: {
    stage: 'api', retry: 'backoff', actor: 'operator', status: 503,
    en: ['viewers cannot be recorded, so live view is not allowed: {detail}', 'check space and permissions of {path}'],
    zh: ['无法记录观看者，因此不允许观看：{detail}', '检查 {path} 的空间和权限'],
  },
} as const satisfies Record<`CV_${string}`, FaultRow>;
