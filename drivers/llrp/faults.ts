import { defineFaults } from '../../core/faults.ts';

/** RFID readers that speak LLRP. */
const LLRP_FAULTS = defineFaults({
  CV_LLRP_LISTEN: {
    stage: 'open', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['cannot listen on {listen} for readers: {detail}', 'check that the address belongs to this machine and the port is free'],
    zh: ['无法监听 {listen}（等待读写器）：{detail}', '检查地址是否属于本机、端口是否空闲'],
  },
  CV_LLRP_ABSENT: {
    stage: 'open',
    retry: 'backoff',
    actor: 'field-engineer',
    flag: 'comm',
    en: [
      'no reader has connected to {listen}',
      'in the reader, check the address and port of its LLRP client (reader-initiated connection)',
    ],
    zh: ['没有读写器连接到 {listen}', '检查读写器中 LLRP 主动连接（reader-initiated）的地址和端口'],
  },
  CV_LLRP_TAKEN: {
    stage: 'open',
    retry: 'backoff',
    actor: 'field-engineer',
    flag: 'comm',
    en: [
      'the reader {address} already has a session (status {status})',
      'a reader accepts one client: end the other program; after a network failure the reader may keep the old session for minutes',
    ],
    zh: ['读写器 {address} 已有会话（状态 {status}）', '读写器同时只接受一个客户端：请关闭其他程序；断网后旧会话可能保留几分钟'],
  },
  CV_LLRP_REFUSED: {
    stage: 'open',
    retry: 'after-change',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      'the reader {address} refuses {what}: {status} {text}',
      'check antennas, power, session and report against the manual of the reader',
    ],
    zh: ['读写器 {address} 拒绝 {what}：{status} {text}', '对照读写器手册检查 antennas、powerDbm、session、report'],
  },
  CV_LLRP_SILENT: {
    stage: 'read', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['the reader {address} sent nothing for {waitMs} ms', 'check its power and its cable'],
    zh: ['读写器 {address} 已 {waitMs} 毫秒没有任何消息', '检查读写器的供电和网线'],
  },
  CV_LLRP_STREAM: {
    stage: 'read', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['{address} does not use LLRP', 'check the port: 5084 is LLRP, others are vendor-specific'],
    zh: ['{address} 使用的不是 LLRP', '检查端口：5084 为 LLRP，其他端口为厂家私有协议'],
  },
  CV_LLRP_REPORT: {
    stage: 'decode', retry: 'next', actor: 'developer', flag: 'other',
    en: ['a report with {count} tags that cannot be read', 'report this with a recording of the reader'],
    zh: ['报告中有 {count} 个标签无法解析', '请附上该读写器的录制数据报告此问题'],
  },
  CV_LLRP_OVERFLOW: {
    stage: 'read', retry: 'next', actor: 'field-engineer', flag: 'device',
    en: ['the report buffer of the reader {address} overflowed; reports were lost', 'lower `report`, or use fewer antennas'],
    zh: ['读写器 {address} 的缓存溢出，部分读取丢失', '减小 report，或减少天线'],
  },
});

declare module '../../core/faults.ts' {
  interface FaultTables { llrp: typeof LLRP_FAULTS }
}
