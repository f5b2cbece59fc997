import { defineFaults } from '../../core/faults.ts';

/** Stations that speak HJ 212. */
const HJ212_FAULTS = defineFaults({
  CV_HJ212_LISTEN: {
    stage: 'open', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['cannot listen on {listen} for data loggers: {detail}', 'check that the address is of this machine and the port is free'],
    zh: ['无法在 {listen} 等待数采仪：{detail}', '检查地址是否属于本机、端口是否空闲'],
  },
  CV_HJ212_ABSENT: {
    stage: 'read', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['no data logger with MN {mn} has spoken on {address}', 'in the logger, check the address and port of the platform and its MN; `cityvitals check` lists the MNs that do speak'],
    zh: ['没有 MN 为 {mn} 的数采仪接入 {address}', '检查数采仪中的平台地址、端口和 MN；cityvitals check 会列出已接入的 MN'],
  },
  CV_HJ212_LEFT: {
    stage: 'read', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['the data logger with MN {mn} has gone from {address}', 'check its power, SIM card and signal; it dials again by itself'],
    zh: ['MN 为 {mn} 的数采仪已从 {address} 断开', '检查其供电、SIM 卡和信号；它会自行重新拨入'],
  },
  CV_HJ212_UNKNOWN: {
    stage: 'read', retry: 'after-change', actor: 'field-engineer', flag: 'comm',
    en: ['an unknown MN {mn} speaks on {address} from {peer}', 'add a device with this MN, or correct the MN in the data logger'],
    zh: ['未知的 MN {mn} 从 {peer} 接入 {address}', '为该 MN 添加设备，或更正数采仪中的 MN'],
  },
  CV_HJ212_PASSWORD: {
    stage: 'read', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['MN {mn} sends another password than `password`; its data is not taken', 'set the same PW in the data logger and here'],
    zh: ['MN {mn} 的 PW 与 `password` 不符，其数据未被接收', '将数采仪与本机的密码设为一致'],
  },
  CV_HJ212_STREAM: {
    stage: 'read', retry: 'next', actor: 'field-engineer', flag: 'comm',
    en: ['{address}: {count} bytes that are no HJ 212 packet: {said}', 'if it goes on, another protocol speaks on this port'],
    zh: ['{address}：有 {count} 字节不是 HJ 212 报文：{said}', '若持续出现，说明该端口接入了其他协议'],
  },
  CV_HJ212_SHORT: {
    stage: 'read', retry: 'next', actor: 'field-engineer', flag: 'comm',
    en: ['{address}: {detail}', 'what is not answered a logger sends again; if it is frequent, check the signal of its modem, or the converter in between'],
    zh: ['{address}：{detail}', '未得到应答的数据数采仪会重发；若频繁出现，检查其无线信号或中间的转换器'],
  },
  CV_HJ212_LENGTH: {
    stage: 'read', retry: 'next', actor: 'nobody', flag: 'comm',
    en: ['MN {mn} counts the length of its packets wrong; they are read by their check value', 'a fault of the logger that costs nothing here'],
    zh: ['MN {mn} 的报文长度有误，已按校验值识别', '属数采仪自身问题，不影响本机接收'],
  },
  CV_HJ212_TIME: {
    stage: 'decode', retry: 'next', actor: 'field-engineer', flag: 'device',
    en: ['MN {mn} sends a time that is none: {text}', 'set the clock of the data logger'],
    zh: ['MN {mn} 发来的时间无效：{text}', '校正数采仪的时钟'],
  },
  CV_HJ212_VALUE: {
    stage: 'decode', retry: 'next', actor: 'field-engineer', flag: 'sensor',
    en: ['{point}: no number but "{text}"', 'look at the analyser behind the data logger; for text give the point `type: text`'],
    zh: ['{point}：不是数值而是“{text}”', '检查数采仪所接的分析仪；若为文本，请为测点写 type: text'],
  },
  CV_HJ212_PART: {
    stage: 'read', retry: 'next', actor: 'field-engineer', flag: 'comm',
    en: ['MN {mn}: packet {number} of {of} came without the first one, which has the time', 'if it repeats, the link loses packets'],
    zh: ['MN {mn}：收到分包 {number}/{of}，但缺少带时间的首包', '若反复出现，说明链路丢包'],
  },
  CV_HJ212_WRITE: {
    stage: 'command', retry: 'never', actor: 'operator',
    en: ['{point}: {detail}', 'what can be set of a data logger are its intervals: points with `parameter`'],
    zh: ['{point}：{detail}', '数采仪可写的只有上传间隔：即写有 parameter 的测点'],
  },
  CV_HJ212_REFUSED: {
    stage: 'read', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['MN {mn} refuses command {cn}: {answer}', 'QnRtn 2 refused, 3 password, 4 MN, 5 ST, 6 Flag, 7 QN, 8 command, 9 check value; ExeRtn 2 failed, 3 conditions, 4 time-out, 5 busy, 6 system, 100 no data'],
    zh: ['MN {mn} 拒绝命令 {cn}：{answer}', 'QnRtn：2 拒绝、3 密码、4 MN、5 ST、6 Flag、7 QN、8 命令、9 校验；ExeRtn：2 失败、3 条件不符、4 超时、5 忙、6 系统、100 无数据'],
  },
});

declare module '../../core/faults.ts' {
  interface FaultTables { hj212: typeof HJ212_FAULTS }
}
