import { defineFaults } from '../core/faults.ts';

/** Recorded cases, captures, recording and replay. */
const CASE_FAULTS = defineFaults({
  CV_CASE_UNREADABLE: {
    stage: 'cli', retry: 'after-change', actor: 'operator',
    en: ['{path} cannot be read: {detail}', 'a case is a folder with case.yaml, and traffic.jsonl or frames.jsonl'],
    zh: ['{path} 无法读取：{detail}', '案例是一个目录，内有 case.yaml，以及 traffic.jsonl 或 frames.jsonl'],
  },
  CV_CASE_VERSION: {
    stage: 'cli', retry: 'after-change', actor: 'operator',
    en: ['{path} is a case of version {version}, this program reads version {known}', 'take a program of the version that recorded it'],
    zh: ['{path} 的案例版本为 {version}，本程序读取的版本为 {known}', '请使用录制它的程序版本'],
  },
  CV_CASE_LINE: {
    stage: 'cli', retry: 'after-change', actor: 'operator',
    en: ['{place}: {detail}', 'record it again, or take this line out'],
    zh: ['{place}：{detail}', '请重新录制，或删去此行'],
  },
  CV_CASE_BYTES: {
    stage: 'read', retry: 'next', actor: 'nobody', flag: 'comm',
    en: ['{count} bytes of {direction} are missing from the recording', ''],
    zh: ['录制数据缺少 {count} 字节（{direction}）', ''],
  },
  CV_CASE_STRAY: {
    stage: 'read',
    retry: 'after-change',
    actor: 'developer',
    flag: 'comm',
    en: [
      'the driver sends what the recording does not hold: {bytes}',
      'record the case again if the driver is meant to ask differently now',
    ],
    zh: ['驱动发出了录制中没有的内容：{bytes}', '若驱动的请求方式确已改变，请重新录制该案例'],
  },
  CV_RECORDING_NOT_OFFERED: {
    stage: 'cli',
    retry: 'never',
    actor: 'operator',
    en: [
      '{driver} cannot {what}',
      '`cityvitals drivers {driver}` shows what it can do; record the running device with --config, or take a driver whose cases are bytes',
    ],
    zh: ['{driver} 不支持{what}', '`cityvitals drivers {driver}` 列出其支持的功能；可用 --config 录制运行中的设备，或改用按字节录制的驱动'],
  },
  CV_CASE_DIFFERS: {
    stage: 'cli',
    retry: 'after-change',
    actor: 'developer',
    en: [
      '{path} does not give what it should: {count} line(s) differ',
      '`cityvitals case accept {path}` shows them, and takes them for right when you say so',
    ],
    zh: ['{path} 的结果与预期不符：{count} 行不同', '`cityvitals case accept {path}` 会列出差异，并在确认后更新预期'],
  },
  CV_CASE_SECRET: {
    stage: 'cli',
    retry: 'after-change',
    actor: 'developer',
    en: [
      'the recording of {device} still holds the secret of its setting {key}; nothing was written',
      'report this: its driver does not name where that secret stands',
    ],
    zh: ['{device} 的录制数据中仍含设置项 {key} 的密钥，未写入任何文件', '请报告此问题：驱动没有标明该密钥在报文中的位置'],
  },
  CV_CASE_EMPTY: {
    stage: 'cli', retry: 'next', actor: 'field-engineer',
    en: ['nothing came from {device} or went to it in {seconds} s', 'check that it is on, or record for longer: --for'],
    zh: ['{seconds} 秒内 {device} 没有任何收发数据', '确认设备已开机，或用 --for 延长录制时间'],
  },
  CV_CASE_EXISTS: {
    stage: 'cli', retry: 'after-change', actor: 'operator',
    en: ['{path} exists already', 'name another folder'],
    zh: ['{path} 已存在', '请换一个目录名'],
  },
  CV_CAPTURE_UNREADABLE: {
    stage: 'cli', retry: 'after-change', actor: 'operator',
    en: ['{path} is no packet capture: {detail}', 'pcap and pcapng are read; save it anew with tcpdump -w or Wireshark'],
    zh: ['{path} 不是抓包文件：{detail}', '支持 pcap 和 pcapng；请用 tcpdump -w 或 Wireshark 重新保存'],
  },
  CV_CAPTURE_EMPTY: {
    stage: 'cli', retry: 'after-change', actor: 'operator',
    en: ['{path} holds no conversation of {driver} among its {count}', 'if its device uses another port, name it: --port N'],
    zh: ['{path} 的 {count} 个会话中没有 {driver} 协议', '若设备使用其他端口，请用 --port 指定'],
  },
  CV_CAPTURE_CUT: {
    stage: 'cli', retry: 'next', actor: 'nobody',
    en: ['{path} ends within a packet: {detail}; what comes before is read', ''],
    zh: ['{path} 在一个数据包中间结束：{detail}；此前的内容已读取', ''],
  },
  CV_CAPTURE_LOST: {
    stage: 'cli', retry: 'next', actor: 'nobody',
    en: ['{conversation}: {count} bytes of {from} are not in the capture', ''],
    zh: ['{conversation}：{from} 发出的 {count} 字节不在抓包中', ''],
  },
});

declare module '../core/faults.ts' {
  interface FaultTables { cases: typeof CASE_FAULTS }
}
