import { defineFaults } from '../../core/faults.ts';

/** Faults of Modbus devices and gateways; one row per exception code (MODBUS Application Protocol V1.1b3, 7). */
const MODBUS_FAULTS = defineFaults({
  CV_MODBUS_ILLEGAL_FUNCTION: {
    stage: 'decode',
    retry: 'after-change',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      'unit {unit} does not support function {fc} (exception 01)',
      'check the class in the address of these points: holding, input, coil or discrete',
    ],
    zh: ['站号 {unit} 不支持功能码 {fc}（异常码 01）', '检查这些测点地址的类别：holding、input、coil 或 discrete'],
  },
  CV_MODBUS_ILLEGAL_ADDRESS: {
    stage: 'decode',
    retry: 'after-change',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      'unit {unit} has nothing at {place} (exception 02)',
      'check the address: holding:N counts from 0, so PLC address 40101 is holding:100',
    ],
    zh: ['站号 {unit} 没有地址 {place}（异常码 02）', '检查地址：holding:N 从 0 起算，PLC 地址 40101 即 holding:100'],
  },
  CV_MODBUS_ILLEGAL_VALUE: {
    stage: 'decode',
    retry: 'after-change',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      'unit {unit} refused to read {place} (exception 03)',
      'the device may read fewer at a time: lower `maxRead` (64, 32 or 16 are common)',
    ],
    zh: ['站号 {unit} 拒绝读取 {place}（异常码 03）', '设备单次可读数量可能较少：调小 `maxRead`（常见为 64、32 或 16）'],
  },
  CV_MODBUS_ILLEGAL_WRITE: {
    stage: 'decode',
    retry: 'after-change',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      'unit {unit} refused function {fc} at {place} (exception 03)',
      'check the value against the range in the manual of the device; many accept one register at a time',
    ],
    zh: ['站号 {unit} 拒绝功能码 {fc} 对 {place} 的请求（异常码 03）', '对照设备手册检查数值范围；不少设备一次只允许写一个寄存器'],
  },
  CV_MODBUS_UNKNOWN_FUNCTION: {
    stage: 'decode',
    retry: 'never',
    actor: 'nobody',
    flag: 'config',
    en: [
      'unit {unit} does not support function {fc} ({name}) (exception 01)',
      'no point uses this function: check the program that sent the request',
    ],
    zh: ['站号 {unit} 不支持功能码 {fc}（{name}）（异常码 01）', '测点不使用该功能码：检查发出该请求的程序'],
  },
  CV_MODBUS_ILLEGAL_REQUEST: {
    stage: 'decode',
    retry: 'never',
    actor: 'nobody',
    flag: 'config',
    en: [
      'unit {unit} refused the request of function {fc} ({name}) (exception 0{exception})',
      'no point uses this function: check the program that sent the request, and the manual of the device',
    ],
    zh: ['站号 {unit} 拒绝功能码 {fc}（{name}）的请求（异常码 0{exception}）', '测点不使用该功能码：检查发出该请求的程序，并查阅设备手册'],
  },
  CV_MODBUS_DEVICE_FAILURE: {
    stage: 'decode', retry: 'backoff', actor: 'field-engineer', flag: 'device',
    en: ['unit {unit} reports a failure of its own (exception 04)', 'check the display or fault list of the device'],
    zh: ['站号 {unit} 报告自身故障（异常码 04）', '查看设备本身：面板显示或故障列表'],
  },
  CV_MODBUS_ACKNOWLEDGED: {
    stage: 'decode', retry: 'next', actor: 'nobody', flag: 'device',
    en: ['unit {unit} is still processing the request (exception 05)', ''],
    zh: ['站号 {unit} 仍在处理（异常码 05）', ''],
  },
  CV_MODBUS_BUSY: {
    stage: 'decode', retry: 'next', actor: 'nobody', flag: 'device',
    en: ['unit {unit} is busy (exception 06)', ''],
    zh: ['站号 {unit} 正忙（异常码 06）', ''],
  },
  CV_MODBUS_PARITY: {
    stage: 'decode', retry: 'backoff', actor: 'field-engineer', flag: 'device',
    en: ['unit {unit} found its memory damaged (exception 08)', 'if it repeats, the device needs service'],
    zh: ['站号 {unit} 存储器校验错误（异常码 08）', '若反复出现，设备需要检修'],
  },
  CV_MODBUS_GATEWAY_PATH: {
    stage: 'decode', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['the Modbus gateway has no path to unit {unit} (exception 0A)', 'check in the gateway which serial port serves which units'],
    zh: ['Modbus 网关没有到站号 {unit} 的通路（异常码 0A）', '检查 Modbus 网关配置：哪个串口对应哪些站号'],
  },
  CV_MODBUS_GATEWAY_TARGET: {
    stage: 'decode',
    retry: 'backoff',
    actor: 'field-engineer',
    flag: 'comm',
    en: [
      'the Modbus gateway works, but unit {unit} behind it does not answer (exception 0B)',
      'check power, wiring, baud rate and unit number of the device behind the gateway',
    ],
    zh: ['Modbus 网关正常，但其后的站号 {unit} 无应答（异常码 0B）', '检查 Modbus 网关后面设备的供电、接线、波特率和站号'],
  },
  CV_MODBUS_EXCEPTION: {
    stage: 'decode',
    retry: 'backoff',
    actor: 'field-engineer',
    flag: 'device',
    en: [
      'unit {unit} answered with exception {exception}, which the standard does not name',
      'look the number up in the manual of the device',
    ],
    zh: ['站号 {unit} 返回标准未定义的异常码 {exception}', '查阅设备手册中该异常码的含义'],
  },
  CV_MODBUS_ANSWER_MISMATCH: {
    stage: 'read',
    retry: 'next',
    actor: 'field-engineer',
    flag: 'comm',
    en: [
      'the answer does not match the request: {detail}',
      'two devices may have the same unit number, or a gateway mixes answers: test one device at a time',
    ],
    zh: ['应答与请求不符：{detail}', '可能两台设备站号相同，或 Modbus 网关混淆了应答：逐台设备排查'],
  },
  CV_MODBUS_ANSWER_STRAY: {
    stage: 'read',
    retry: 'next',
    actor: 'field-engineer',
    flag: 'comm',
    en: [
      '{address} sent an unexpected answer: {detail}',
      'if the answer is late, raise `timeout`; if all have transaction 0, the gateway does not keep transaction numbers',
    ],
    zh: ['{address} 发来未请求的应答：{detail}', '应答延迟时调大 `timeout`；若事务号全为 0，说明 Modbus 网关不保留事务号'],
  },
  CV_MODBUS_NOT_A_READ: {
    stage: 'decode', retry: 'never', actor: 'nobody', flag: 'config',
    en: ['function {fc} ({name}) was not decoded: only functions 1 to 4 read points, and 23 where points are given', ''],
    zh: ['未解码功能码 {fc}（{name}）：给出测点的是 1 至 4，给出测点设置时还有 23', ''],
  },
  CV_MODBUS_PORT: {
    stage: 'open',
    retry: 'backoff',
    actor: 'field-engineer',
    flag: 'comm',
    en: [
      'serial port {port} cannot be opened: {detail}',
      'check the adapter and its name (ls /dev/serial/by-id), that this user is in group dialout, and that no other program uses it',
    ],
    zh: [
      '无法打开串口 {port}：{detail}',
      '检查转换器及其名称（ls /dev/serial/by-id）、当前用户是否属于 dialout 组、端口是否被其他程序占用',
    ],
  },
  CV_MODBUS_PORT_AMBIGUOUS: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['{port} may be another adapter after the next start: there are {count}', 'use the stable name: {names}'],
    zh: ['本机有 {count} 个转换器，{port} 在重启后可能指向另一个', '使用固定名称：{names}'],
  },
  CV_MODBUS_LISTEN: {
    stage: 'open', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['cannot listen on {listen} for DTUs: {detail}', 'check that the address belongs to this machine and the port is free'],
    zh: ['无法在 {listen} 监听数传终端：{detail}', '检查地址是否属于本机、端口是否空闲'],
  },
  CV_MODBUS_DTU_ABSENT: {
    stage: 'open',
    retry: 'backoff',
    actor: 'field-engineer',
    flag: 'comm',
    en: [
      'DTU {unit} has not connected to {listen}',
      'check power, SIM card and signal of the DTU, the address it dials, and its registration packet',
    ],
    zh: ['数传终端 {unit} 未连接 {listen}', '检查终端供电、SIM 卡、信号、所拨地址以及注册包设置'],
  },
  CV_MODBUS_DTU_UNKNOWN: {
    stage: 'open',
    retry: 'after-change',
    actor: 'field-engineer',
    flag: 'comm',
    en: [
      'an unconfigured DTU connected to {listen} from {peer} and sent: {said}',
      'add a device with this `registration`, or correct the packet of the DTU',
    ],
    zh: ['未配置的数传终端从 {peer} 拨入 {listen}，其内容：{said}', '为其添加带相应 `registration` 的设备，或更正终端的注册包'],
  },
  CV_MODBUS_READ_ONLY: {
    stage: 'check', retry: 'never', actor: 'operator',
    en: ['{point} at {place} cannot be written', 'coils and whole holding registers can; one bit of a register cannot'],
    zh: ['{place} 处的测点 {point} 不可写', '可写的是线圈和整个保持寄存器，寄存器中的单个位不可写'],
  },
  CV_MODBUS_WRITE_VALUE: {
    stage: 'check', retry: 'never', actor: 'operator',
    en: ['{value} does not fit type {type} of {point}', 'check the value, and the `type` of the point'],
    zh: ['{point} 的类型 {type} 无法容纳 {value}', '检查数值和测点的 `type`'],
  },
  CV_MODBUS_VALUE_FORM: {
    stage: 'decode', retry: 'next', actor: 'field-engineer', flag: 'sensor',
    en: ['{point} has no valid {type}: {detail}', 'check `type`, `wordOrder` and `byteOrder` of the point'],
    zh: ['{point} 的内容不是 {type}：{detail}', '检查测点的 `type`、`wordOrder` 和 `byteOrder`'],
  },
});

declare module '../../core/faults.ts' {
  interface FaultTables { modbus: typeof MODBUS_FAULTS }
}
