import type { FaultRow } from './row.ts';

/** The edge's clock. */
export const CLOCK_FAULTS = {
  CV_CLOCK_UNSET: {
    stage: 'qualify', retry: 'backoff', actor: 'field-engineer',
    en: ['the clock of this machine is not set yet; events are kept, waiting for {sources}', 'connect the machine to its gateway or an NTP server; where the system clock can be trusted as it is (in a container, say), set clock: { trust: system }'],
    zh: ['本机时钟尚未校准；事件已保存，等待 {sources}', '请将本机接入网关或 NTP 服务器；若系统时钟本身可信（例如在容器中），写 clock: { trust: system }'],
  },
  CV_CLOCK_BEHIND: {
    stage: 'open', retry: 'backoff', actor: 'field-engineer',
    en: ['the system clock is {behindMs} ms behind what this edge has already written, and is not trusted', 'set the system clock; until then the edge waits for the time of the gateway'],
    zh: ['系统时钟比本节点已写入的时间落后 {behindMs} 毫秒，不予采信', '请校准系统时钟；在此之前等待网关的时间'],
  },
  CV_CLOCK_STEPPED: {
    stage: 'qualify', retry: 'never', actor: 'field-engineer',
    en: ['the clock was changed by {byMs} ms to the time of {source}: earlier timestamps are wrong by as much', 'if it repeats: two time sources disagree; check NTP and the battery of the hardware clock'],
    zh: ['时钟按 {source} 调整了 {byMs} 毫秒：此前的时间戳有同样大小的偏差', '若反复出现：两个时间源不一致；请检查 NTP 和硬件时钟电池'],
  },
  CV_CLOCK_UNKNOWN: {
    stage: 'qualify', retry: 'never', actor: 'field-engineer',
    en: ['the time of events of an earlier boot of this machine is uncertain: between {from} and {to}, {unknownMs} ms unknown', 'nothing is lost; they are marked `unsynced`. A hardware clock with a battery, or a network at each start, avoids it'],
    zh: ['本机此前一次开机期间的事件没有确定的时间：位于 {from} 与 {to} 之间，未知范围 {unknownMs} 毫秒', '数据没有丢失，已标记 `unsynced`。配备带电池的硬件时钟，或保证每次开机时有网络，即可避免'],
  },
} as const satisfies Record<`CV_${string}`, FaultRow>;
