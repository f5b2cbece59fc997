import type { FaultRow } from './row.ts';

/** What goes wrong between edge and gateway. */
export const WIRE_FAULTS = {
  CV_WIRE_NOT_JSON: {
    stage: 'accept', retry: 'never', actor: 'developer', status: 400,
    en: ['the payload is neither JSON nor JSON in zstd: {detail}', 'compare with docs/events.md; NaN and Infinity are not JSON'],
    zh: ['载荷既不是 JSON 也不是 zstd 压缩的 JSON:{detail}', '对照 docs/events.md;JSON 中没有 NaN 和 Infinity'],
  },
  CV_WIRE_TOO_LARGE: {
    stage: 'accept', retry: 'never', actor: 'developer', status: 413,
    en: ['the payload is larger than {maxBytes} bytes or {maxEvents} events', 'send smaller batches'],
    zh: ['载荷超过 {maxBytes} 字节或 {maxEvents} 个事件', '请减小批次'],
  },
  CV_WIRE_VERSION: {
    stage: 'accept', retry: 'after-change', actor: 'operator', status: 400,
    en: ['wire version {got} is not spoken here, only {want}', 'update the older side'],
    zh: ['不支持协议版本 {got},仅支持 {want}', '请升级较旧的一端'],
  },
  CV_WIRE_SHAPE: {
    stage: 'accept', retry: 'never', actor: 'developer', status: 400,
    en: ['the batch is malformed: {detail}', 'compare with docs/events.md'],
    zh: ['批次格式错误:{detail}', '对照 docs/events.md'],
  },
  CV_WIRE_SENDER: {
    stage: 'accept', retry: 'after-change', actor: 'field-engineer', status: 403,
    en: ['a batch from "{from}" came on the topic of "{topic}"', 'an edge sends only under its own id'],
    zh: ['来自“{from}”的批次出现在“{topic}”的主题上', '边缘节点只能用自己的编号发送'],
  },
  CV_EVENT_INVALID: {
    stage: 'accept', retry: 'never', actor: 'developer', status: 400,
    en: ['an event breaks the rules: {detail}', 'compare with docs/events.md; the event lies in quarantine'],
    zh: ['事件不符合规则:{detail}', '对照 docs/events.md;该事件已隔离'],
  },
  CV_EVENT_FUTURE: {
    stage: 'accept', retry: 'never', actor: 'field-engineer', status: 400,
    en: ['an event lies {aheadMs} ms in the future', 'set the clock of the edge (NTP); the event lies in quarantine'],
    zh: ['事件时间超前 {aheadMs} 毫秒', '校准边缘节点时钟(NTP);该事件已隔离'],
  },
} as const satisfies Record<`CV_${string}`, FaultRow>;
