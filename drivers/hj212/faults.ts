import { defineFaults } from '../../core/faults.ts';

/** Stations with HJ 212. */
const HJ212_FAULTS = defineFaults({
  CV_HJ212_LISTEN: {
    stage: 'open', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['cannot listen on {listen} for data loggers: {detail}', 'check that the address belongs to this machine and the port is free'],
    zh: ['无法在 {listen} 监听数采仪：{detail}', '检查地址是否属于本机、端口是否空闲'],
  },
  CV_HJ212_ABSENT: {
    stage: 'read',
    retry: 'backoff',
    actor: 'field-engineer',
    flag: 'comm',
    en: [
      'no data logger with MN {mn} has connected to {address}',
      'in the logger, check the address and port of the platform and its MN; `cityvitals check` lists the MNs that do connect',
    ],
    zh: ['没有 MN 为 {mn} 的数采仪接入 {address}', '检查数采仪中的平台地址、端口和 MN；cityvitals check 会列出已接入的 MN'],
  },
  CV_HJ212_LEFT: {
    stage: 'read', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['the data logger with MN {mn} has disconnected from {address}', 'check its power, SIM card and signal; it reconnects by itself'],
    zh: ['MN 为 {mn} 的数采仪已从 {address} 断开', '检查其供电、SIM 卡和信号；它会自行重新拨入'],
  },
  CV_HJ212_UNKNOWN: {
    stage: 'read', retry: 'after-change', actor: 'field-engineer', flag: 'comm',
    en: ['unknown MN {mn} sends to {address} from {peer}', 'add a device with this MN, or correct the MN in the data logger'],
    zh: ['未知的 MN {mn} 从 {peer} 接入 {address}', '为该 MN 添加设备，或更正数采仪中的 MN'],
  },
  CV_HJ212_PASSWORD: {
    stage: 'read', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['MN {mn} sends a password other than `password`; its data is not accepted', 'set the same PW in the data logger and here'],
    zh: ['MN {mn} 的 PW 与 `password` 不符，其数据未被接收', '将数采仪与本机的密码设为一致'],
  },
  CV_HJ212_STREAM: {
    stage: 'read', retry: 'next', actor: 'field-engineer', flag: 'comm',
    en: ['{address}: {count} bytes that are not an HJ 212 packet: {said}', 'if it continues, another protocol is used on this port'],
    zh: ['{address}：有 {count} 字节不是 HJ 212 报文：{said}', '若持续出现，说明该端口接入了其他协议'],
  },
  CV_HJ212_SHORT: {
    stage: 'read',
    retry: 'next',
    actor: 'field-engineer',
    flag: 'comm',
    en: [
      '{address}: {detail}',
      'the logger resends unanswered data; if frequent, check the signal of its modem, or the converter in between',
    ],
    zh: ['{address}：{detail}', '未得到应答的数据数采仪会重发；若频繁出现，检查其无线信号或中间的转换器'],
  },
  CV_HJ212_LENGTH: {
    stage: 'read', retry: 'next', actor: 'nobody', flag: 'comm',
    en: ['MN {mn} sends packets with a wrong length; they are accepted by their check value', 'an error of the logger without effect here'],
    zh: ['MN {mn} 的报文长度有误，已按校验值识别', '属数采仪自身问题，不影响本机接收'],
  },
  CV_HJ212_TIME: {
    stage: 'decode', retry: 'next', actor: 'field-engineer', flag: 'device',
    en: ['MN {mn} sends an invalid time: {text}', 'set the clock of the data logger'],
    zh: ['MN {mn} 发来的时间无效：{text}', '校正数采仪的时钟'],
  },
  CV_HJ212_VALUE: {
    stage: 'decode', retry: 'next', actor: 'field-engineer', flag: 'sensor',
    en: ['{point}: not a number: "{text}"', 'check the analyser behind the data logger; for text set `type: text` on the point'],
    zh: ['{point}：不是数值而是“{text}”', '检查数采仪所接的分析仪；若为文本，请为测点写 type: text'],
  },
  CV_HJ212_PART: {
    stage: 'read', retry: 'next', actor: 'field-engineer', flag: 'comm',
    en: ['MN {mn}: packet {number} of {of} arrived without the first one, which has the time', 'if frequent, the network loses packets'],
    zh: ['MN {mn}：收到分包 {number}/{of}，但缺少带时间的首包', '若反复出现，说明链路丢包'],
  },
  CV_HJ212_WRITE: {
    stage: 'command', retry: 'never', actor: 'operator',
    en: ['{point}: {detail}', 'only the intervals of a data logger can be written: points with `parameter`'],
    zh: ['{point}：{detail}', '数采仪只有实时/分钟数据间隔（1062/1064）可写：即带 parameter 的测点'],
  },
  CV_HJ212_REFUSED: {
    stage: 'read',
    retry: 'after-change',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      'MN {mn} refuses command {cn}: {answer}',
      'QnRtn 2 refused, 3 password, 4 MN, 5 ST, 6 Flag, 7 QN, 8 command, 9 check value; ExeRtn 2 failed, 3 conditions, 4 time-out, 5 busy, 6 system, 100 no data',
    ],
    zh: [
      'MN {mn} 拒绝命令 {cn}：{answer}',
      'QnRtn：2 拒绝、3 密码、4 MN、5 ST、6 Flag、7 QN、8 命令、9 校验；ExeRtn：2 失败、3 条件不符、4 超时、5 忙、6 系统、100 无数据',
    ],
  },
});

declare module '../../core/faults.ts' {
  interface FaultTables { hj212: typeof HJ212_FAULTS }
}
