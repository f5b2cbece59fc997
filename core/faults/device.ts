import type { FaultRow } from './row.ts';

/** Devices, their links and what they say. Drivers' own codes stand here too, under CV_<DRIVER>_. */
export const DEVICE_FAULTS = {
  CV_LINK_REFUSED: {
    stage: 'open', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['{address} refused the connection: {detail}', 'check address and port, that the device is on, and its connection limit'],
    zh: ['{address} 拒绝连接：{detail}', '检查地址和端口、设备是否通电，以及其连接数上限'],
  },
  CV_LINK_UNREACHABLE: {
    stage: 'open', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['{address} cannot be reached: {detail}', 'check cable, switch and the network settings of this machine and the device'],
    zh: ['无法到达 {address}：{detail}', '检查网线、交换机，以及本机和设备的网络设置'],
  },
  CV_LINK_TIMEOUT: {
    stage: 'read', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['{address} did not answer within {timeoutMs} ms', 'check that the device is on, its address is right and, where it has one, its unit number; raise `timeout` on a slow line'],
    zh: ['{address} 在 {timeoutMs} 毫秒内没有应答', '检查设备是否通电、地址是否正确，有站号的还要检查站号；线路慢时调大 `timeout`'],
  },
  CV_LINK_CLOSED: {
    stage: 'read', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['{address} closed the connection: {detail}', 'if it repeats: another program may be using the device, or its idle timeout is shorter than `every`'],
    zh: ['{address} 断开了连接：{detail}', '若反复出现：可能有其他程序占用设备，或设备空闲超时短于 `every`'],
  },
  CV_PORT_CROWDED: {
    stage: 'open', retry: 'next', actor: 'field-engineer',
    en: ['too many connections on {listen}: {count} were closed at the limit of {limit}, the last one from {peer}', 'if devices dial in from there, configure them: connections of configured devices are kept; otherwise block unknown sources with a firewall, or set `listen` to an address of the private network'],
    zh: ['{listen} 连接过多：已因名额不足断开 {count} 条连接，最近一条来自 {peer}（上限 {limit}）', '若该处确有设备拨入，请为其添加配置：已配置设备的连接不会因此断开；否则用防火墙阻止无关来源，或在 `listen` 中填写专网地址'],
  },
  CV_DEVICE_STALE: {
    stage: 'read', retry: 'next', actor: 'field-engineer', flag: 'stale',
    en: ['no new data from {device} for {ageMs} ms', 'see the preceding faults of this device'],
    zh: ['{device} 已 {ageMs} 毫秒没有新数据', '查看该设备此前的故障'],
  },
  CV_POINT_SILENT: {
    stage: 'read', retry: 'next', actor: 'field-engineer', flag: 'comm',
    en: ['{device}: no data for point {point} within {waitMs} ms', 'check the address of the point; a device that reports rarely may need longer'],
    zh: ['{device}：测点 {point} 在 {waitMs} 毫秒内没有数据', '检查测点地址；很少主动上报的设备可能需要更久'],
  },
  CV_BUS_SKIPPED: {
    stage: 'read', retry: 'backoff', actor: 'nobody', flag: 'comm',
    en: ['{device} is not polled for {waitMs} ms after {failures} failures', ''],
    zh: ['{device} 连续失败 {failures} 次，暂停轮询 {waitMs} 毫秒', ''],
  },
  CV_FRAME_LENGTH: {
    stage: 'decode', retry: 'next', actor: 'field-engineer', flag: 'comm',
    en: ['wrong frame length: {detail}', 'if frequent: check the line as for a wrong checksum, and that the device uses the version of the protocol that is set'],
    zh: ['帧长度不符：{detail}', '若频繁出现：按校验错误的方法检查线路，并确认设备采用的协议版本与设置一致'],
  },
  CV_FRAME_CHECKSUM: {
    stage: 'decode', retry: 'next', actor: 'field-engineer', flag: 'comm',
    en: ['wrong checksum: {detail}', 'if frequent: on a serial line check cable, termination and baud rate; over the network, the serial side of the converter or gateway in between'],
    zh: ['校验错误：{detail}', '若频繁出现：串口线路检查线缆、终端电阻和波特率；经网络时检查中间转换器或网关的串口侧'],
  },
  CV_FRAME_INVALID: {
    stage: 'decode', retry: 'next', actor: 'field-engineer', flag: 'comm',
    en: ['invalid frame: {detail}', 'if frequent: check that the device uses the protocol its driver expects'],
    zh: ['无法解析的帧：{detail}', '若频繁出现：确认设备使用的协议与驱动一致'],
  },
  CV_DRIVER_FAILED: {
    stage: 'decode', retry: 'next', actor: 'developer', flag: 'other',
    en: ['driver of {device} failed: {detail}', 'report this with a recording of the device'],
    zh: ['{device} 的驱动出错：{detail}', '请附上设备录制数据报告此问题'],
  },
  CV_VALUE_UNSAFE: {
    stage: 'qualify', retry: 'next', actor: 'field-engineer', flag: 'sensor',
    en: ['value of {point} is not finite, or beyond 2^53', '{hint}'],
    zh: ['{point} 的数值非有限或超出 2^53', '{hint}'],
  },
  CV_OPCUA_SESSION: {
    stage: 'open', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['{address} gave no session: {detail}', 'check that the server allows anonymous access without security, and its limit of sessions'],
    zh: ['{address} 未建立会话：{detail}', '检查服务器是否允许无安全策略的匿名访问，以及会话数上限'],
  },
  CV_OPCUA_STATUS: {
    stage: 'decode', retry: 'next', actor: 'field-engineer',
    en: ['node {node} is bad by its server: {status}', 'look up the StatusCode; 0x80340000 is a node that the server does not have: check its spelling and namespace'],
    zh: ['服务器报告节点 {node} 状态为坏：{status}', '查对状态码；0x80340000 表示服务器没有该节点：检查名称和命名空间'],
  },
  CV_OPCUA_TYPE: {
    stage: 'decode', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['node {node} gives {type}, which is no single value', 'choose a node with a number, a boolean or a text'],
    zh: ['节点 {node} 的类型为 {type}，不是单个值', '请选择数值、布尔或文本节点'],
  },
  CV_OPCUA_FLOOD: {
    stage: 'read', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['the server sends faster than this box reads: {count} values wait', 'raise sampleEvery, or subscribe to fewer points'],
    zh: ['服务器发送过快：已有 {count} 个值等待处理', '调大 sampleEvery 或减少订阅的测点'],
  },
} as const satisfies Record<`CV_${string}`, FaultRow>;
