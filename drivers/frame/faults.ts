import { defineFaults } from '../../core/faults.ts';

/** Devices with a protocol described in a file. */
const DESCRIBED_FAULTS = defineFaults({
  CV_DESCRIBED_FILE: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['description {file} cannot be read: {detail}', 'check the path; shipped descriptions: {shipped}'],
    zh: ['无法读取协议描述 {file}：{detail}', '检查路径；自带的描述有 {shipped}'],
  },
  CV_DESCRIBED_INVALID: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['{file}:{line}:{column}: {problem}', '{remedy}'],
    zh: ['{file}:{line}:{column}：{problem}', '{remedy}'],
  },
  CV_DESCRIBED_POINT: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['{point} reads {read}, which is not in the description', 'known fields: {known}'],
    zh: ['测点 {point} 读取 {read}，描述中没有该字段', '可用：{known}'],
  },
  CV_DESCRIBED_WHERE: {
    stage: 'check',
    retry: 'after-change',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      '{point}: where {name}: {problem}',
      'name a field of the same message or repetition, with its value as read; known fields: {known}',
    ],
    zh: ['测点 {point} 的 where {name}：{problem}', '写同一报文或重复组中的字段，值按读出的写法；可用：{known}'],
  },
  CV_DESCRIBED_IDENTITY: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['identity {identity}: {problem}', 'write it as `cityvitals check` shows it'],
    zh: ['identity {identity}：{problem}', '按 cityvitals check 显示的写法填写'],
  },
  CV_DESCRIBED_LISTEN: {
    stage: 'open', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['cannot listen on {listen}: {detail}', 'check that the address belongs to this machine and the port is free'],
    zh: ['无法监听 {listen}：{detail}', '检查地址是否属于本机、端口是否空闲'],
  },
  CV_DESCRIBED_SHARED: {
    stage: 'open',
    retry: 'after-change',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      '{description} cannot share {address} with {other}: {problem}',
      'use another address, or descriptions with the same framing and another `when`',
    ],
    zh: ['{description} 不能与 {other} 共用 {address}：{problem}', '改用另一地址，或使描述的帧格式相同、when 不同'],
  },
  CV_DESCRIBED_PORT: {
    stage: 'open',
    retry: 'backoff',
    actor: 'field-engineer',
    flag: 'comm',
    en: [
      'cannot open serial port {port}: {detail}',
      'check the adapter and its name, that no other program uses it, and the permissions of this user',
    ],
    zh: ['无法打开串口 {port}：{detail}', '检查转换器及其名称、是否被其他程序占用、当前用户是否有权限'],
  },
  CV_DESCRIBED_ABSENT: {
    stage: 'read',
    retry: 'backoff',
    actor: 'field-engineer',
    flag: 'comm',
    en: [
      'no device {identity} has connected to {address}',
      'check the address, port and number set in the device; `cityvitals check` lists the devices that do connect',
    ],
    zh: ['设备 {identity} 未接入 {address}', '检查设备中的平台地址、端口和编号；cityvitals check 会列出已接入的设备'],
  },
  CV_DESCRIBED_LEFT: {
    stage: 'read', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['device {identity} has disconnected from {address}', 'check its power, SIM card and signal; it reconnects by itself'],
    zh: ['设备 {identity} 已从 {address} 断开', '检查其供电、SIM 卡和信号；它会自行重新接入'],
  },
  CV_DESCRIBED_SILENT: {
    stage: 'read',
    retry: 'next',
    actor: 'field-engineer',
    flag: 'comm',
    en: [
      '{address}: no answer within {timeoutMs} ms',
      'check that the device is on and its number is right; on a serial line also wiring and baud rate, over the network the serial side of the converter in between; raise `timeout` on a slow line',
    ],
    zh: [
      '{address}：{timeoutMs} 毫秒内没有应答',
      '检查设备是否通电、编号是否正确；串口线路还要检查接线和波特率，经网络时检查中间转换器的串口侧；线路慢时调大 `timeout`',
    ],
  },
  CV_DESCRIBED_UNKNOWN: {
    stage: 'read', retry: 'after-change', actor: 'field-engineer', flag: 'comm',
    en: ['unknown device {identity} sends to {address} from {peer}: {bytes}', 'add a device with this identity, or correct its number'],
    zh: ['未知设备 {identity} 从 {peer} 接入 {address}：{bytes}', '为该标识添加设备，或更正设备编号'],
  },
  CV_DESCRIBED_STREAM: {
    stage: 'read',
    retry: 'next',
    actor: 'field-engineer',
    flag: 'comm',
    en: [
      '{address}: {count} bytes that are not a frame of the description: {bytes}',
      'if it continues: another protocol, a wrongly described checksum, or another baud rate (on a serial line ours, over the network that of the converter in between)',
    ],
    zh: [
      '{address}：{count} 字节不符合描述的帧：{bytes}',
      '若持续出现：协议不符、校验描述有误或波特率不符（串口线路检查本机设置，经网络时检查中间转换器的串口侧）',
    ],
  },
  CV_DESCRIBED_UNCLAIMED: {
    stage: 'decode',
    retry: 'next',
    actor: 'field-engineer',
    flag: 'other',
    en: [
      '{address}: a frame that matches no description here: {bytes}',
      'widen the `when` of a description, or add a device whose description matches such frames; one without `when` and with a message `other` ignores them',
    ],
    zh: [
      '{address}：帧不属于此处的任何描述：{bytes}',
      '放宽某个描述的 when，或添加使用相应描述的设备；不写 when、只有报文 other 的描述可忽略此类帧',
    ],
  },
  CV_DESCRIBED_MESSAGE: {
    stage: 'decode',
    retry: 'next',
    actor: 'field-engineer',
    flag: 'other',
    en: [
      'a frame that matches no message of the description: {bytes}',
      'add a message whose `when` matches it; one without fields is ignored',
    ],
    zh: ['帧不属于描述中的任何报文：{bytes}', '添加一个 when 与之相符的报文；不写 fields 即忽略'],
  },
  CV_DESCRIBED_SHORT: {
    stage: 'decode', retry: 'next', actor: 'field-engineer', flag: 'other',
    en: ['a frame ends before {field}: {bytes}', 'compare the sizes in the description with the frame: `cityvitals decode frame --hex`'],
    zh: ['帧在 {field} 之前就结束了：{bytes}', '将描述中的字节数与实际帧对照：cityvitals decode frame --hex'],
  },
  CV_DESCRIBED_VALUE: {
    stage: 'decode', retry: 'next', actor: 'field-engineer', flag: 'sensor',
    en: ['{point}: {field} has no valid value of its type', 'compare type and enum in the description with the frame'],
    zh: ['{point}：{field} 中的内容不是该类型的值', '将描述中的类型和枚举与实际帧对照'],
  },
  CV_DESCRIBED_TIME: {
    stage: 'decode', retry: 'next', actor: 'field-engineer', flag: 'device',
    en: ['{point}: the device sends an invalid time', 'set the clock of the device, or correct the type of the time in the description'],
    zh: ['{point}：设备发来的时间无效', '校正设备时钟，或更正描述中时间字段的类型'],
  },
});

declare module '../../core/faults.ts' {
  interface FaultTables { frame: typeof DESCRIBED_FAULTS }
}
