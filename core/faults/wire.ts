import type { FaultRow } from './row.ts';

/** What goes wrong between edge and gateway. */
export const WIRE_FAULTS = {
  CV_WIRE_NOT_JSON: {
    stage: 'accept', retry: 'never', actor: 'developer', status: 400,
    en: ['the payload is neither JSON nor JSON in zstd: {detail}', 'compare with docs/events.md; NaN and Infinity are not JSON'],
    zh: ['载荷既不是 JSON 也不是 zstd 压缩的 JSON：{detail}', '对照 docs/events.zh-CN.md；JSON 中没有 NaN 和 Infinity'],
  },
  CV_WIRE_TOO_LARGE: {
    stage: 'accept', retry: 'never', actor: 'developer', status: 413,
    en: ['the payload is larger than {maxBytes} bytes or {maxEvents} events', 'send smaller batches'],
    zh: ['载荷超过 {maxBytes} 字节或 {maxEvents} 个事件', '请减小批次'],
  },
  CV_WIRE_VERSION: {
    stage: 'accept', retry: 'after-change', actor: 'operator', status: 400,
    en: ['unsupported wire version {got}; supported: {want}', 'update the older side'],
    zh: ['不支持协议版本 {got}，仅支持 {want}', '请升级较旧的一端'],
  },
  CV_WIRE_SHAPE: {
    stage: 'accept', retry: 'never', actor: 'developer', status: 400,
    en: ['the batch is malformed: {detail}', 'compare with docs/events.md'],
    zh: ['批次格式错误：{detail}', '对照 docs/events.zh-CN.md'],
  },
  CV_WIRE_SENDER: {
    stage: 'accept', retry: 'after-change', actor: 'field-engineer', status: 403,
    en: ['a batch of "{from}" was sent on the topic of "{topic}"', 'an edge sends only under its own id'],
    zh: ['“{from}”的批次发到了“{topic}”的主题上', '边缘节点只能用自己的编号发送'],
  },
  CV_EVENT_INVALID: {
    stage: 'accept', retry: 'never', actor: 'developer', status: 400,
    en: ['invalid event: {detail}', 'compare with docs/events.md; the event is in quarantine'],
    zh: ['事件不符合规则：{detail}', '对照 docs/events.zh-CN.md；该事件已隔离'],
  },
  CV_EVENT_FUTURE: {
    stage: 'accept', retry: 'never', actor: 'field-engineer', status: 400,
    en: ['event time is {aheadMs} ms in the future', 'set the clock of the edge (NTP); the event is in quarantine'],
    zh: ['事件时间超前 {aheadMs} 毫秒', '校准边缘节点时钟（NTP）；该事件已隔离'],
  },
  CV_FORWARD_REFUSED: {
    stage: 'forward', retry: 'backoff', actor: 'operator',
    en: ['the gateway refused a batch of {events} events: {code} {detail}', 'look up {code}, and the quarantine of the gateway; the edge resends smaller parts, and quarantines what is still refused'],
    zh: ['网关拒收了 {events} 个事件的批次：{code} {detail}', '查阅 {code} 和网关隔离区；边缘节点会拆分重发，仍被拒收的事件单独隔离'],
  },
  CV_FORWARD_FAILED: {
    stage: 'forward', retry: 'backoff', actor: 'operator',
    en: ['forwarding paused: {detail}', 'check the disk of the edge; forwarding continues by itself'],
    zh: ['上送暂停：{detail}', '检查边缘节点磁盘；恢复后自动继续'],
  },
  CV_UPLINK_LOST: {
    stage: 'forward', retry: 'backoff', actor: 'operator',
    en: ['no connection to the gateway at {address}: {detail}', 'check the network and that the gateway runs; the edge keeps everything in its log and tries again'],
    zh: ['无法连接网关 {address}：{detail}', '检查网络及网关是否运行；数据保存在边缘缓存中，连通后自动补传'],
  },
  CV_UPLINK_DENIED: {
    stage: 'forward', retry: 'after-change', actor: 'field-engineer',
    en: ['the gateway at {address} refused edge {edge}: {detail}', 'check `edge` and `gateway.token` against the list of edges in the gateway'],
    zh: ['网关 {address} 拒绝边缘节点 {edge} 接入：{detail}', '核对 `edge` 和 `gateway.token` 与网关的节点列表是否一致'],
  },
  CV_UPLINK_CONTESTED: {
    stage: 'forward', retry: 'backoff', actor: 'field-engineer',
    en: ['the gateway at {address} ended the connection of edge {edge} {times} times within seconds', 'either the gateway or its broker starts again and again: see its log; or another box runs under the same id (a copied card): give each its own `edge` and token'],
    zh: ['网关 {address} 在数秒内 {times} 次断开边缘节点 {edge} 的连接', '可能是网关或其反向代理反复重启：请查看其日志；也可能另有一台设备使用相同编号（复制的存储卡）：请为每台设备设置各自的 `edge` 和令牌'],
  },
  CV_UPLINK_COMMANDS: {
    stage: 'forward', retry: 'after-change', actor: 'operator',
    en: ['the broker at {address} does not allow this edge to read {topic}: no commands are received', 'allow the edge to read …/cmd and write …/rsp; `cityvitals gateway --mosquitto` writes these rights'],
    zh: ['{address} 的消息服务器不允许本节点读取 {topic}：无法接收命令', '请允许该节点读取 …/cmd 并写入 …/rsp；`cityvitals gateway --mosquitto` 可生成相应权限'],
  },
  CV_UPLINK_ANSWER: {
    stage: 'forward', retry: 'next', actor: 'developer',
    en: ['the gateway sent an answer that cannot be read: {detail}', 'update the older side; without acks the log cannot be emptied'],
    zh: ['无法读取网关的应答：{detail}', '请升级较旧的一端；没有确认时边缘缓存无法清空'],
  },
} as const satisfies Record<`CV_${string}`, FaultRow>;
