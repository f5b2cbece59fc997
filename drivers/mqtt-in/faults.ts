import { defineFaults } from '../../core/faults.ts';

/** Devices behind an MQTT broker. */
const MQTT_IN_FAULTS = defineFaults({
  CV_MQTT_IN_REFUSED: {
    stage: 'open',
    retry: 'backoff',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      'the broker {address} refuses the connection: {detail}',
      'check `user`, `password` and `clientId`; the log of the broker shows which one is wrong',
    ],
    zh: ['消息服务器 {address} 拒绝连接：{detail}', '检查 `user`、`password` 和 `clientId`；服务器日志会说明是哪一项'],
  },
  CV_MQTT_IN_TLS: {
    stage: 'open',
    retry: 'backoff',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      'no secure connection to the broker {address}: {detail}',
      'check `tls.ca`, that the certificate names this host, both clocks, and `cert` and `key` if the broker requires them',
    ],
    zh: [
      '无法与消息服务器 {address} 建立安全连接：{detail}',
      '检查 `tls.ca`、证书中的主机名、双方时钟，以及服务器要求时的 `cert` 和 `key`',
    ],
  },
  CV_MQTT_IN_UNVERIFIED: {
    stage: 'open',
    retry: 'after-change',
    actor: 'field-engineer',
    en: [
      'the certificate of the broker {address} is not verified: the connection can be read and changed by third parties',
      'set its CA in `tls.ca` and remove `verify: false`',
    ],
    zh: ['未校验消息服务器 {address} 的证书：途中任何人都可读取和篡改', '在 `tls.ca` 中给出其 CA，并去掉 `verify: false`'],
  },
  CV_MQTT_IN_SUBSCRIBE: {
    stage: 'open', retry: 'backoff', actor: 'field-engineer', flag: 'config',
    en: ['the broker {address} refuses the subscription to {topic}', 'allow it for this user in the broker\'s access rules'],
    zh: ['消息服务器 {address} 不允许订阅 {topic}', '在服务器的访问规则中为该用户放行'],
  },
  CV_MQTT_IN_UNKNOWN: {
    stage: 'read',
    retry: 'after-change',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      '{address}: no device is configured for topic {topic}: {said}',
      'add a device for it, or remove it from the subscriptions kept at the broker',
    ],
    zh: ['{address}：主题 {topic} 没有对应的设备，内容为 {said}', '为其添加设备，或清除服务器上保留的订阅'],
  },
  CV_MQTT_IN_PAYLOAD: {
    stage: 'decode', retry: 'next', actor: 'field-engineer', flag: 'comm',
    en: ['{topic}: {detail}: {said}', 'check `profile` and what is published on this topic'],
    zh: ['{topic}：{detail}：{said}', '检查 `profile` 以及该主题发布的内容'],
  },
  CV_MQTT_IN_VALUE: {
    stage: 'decode', retry: 'next', actor: 'field-engineer', flag: 'config',
    en: ['{point}: expected {type}, got {said}', 'check path and type of the point'],
    zh: ['{point}：不是 {type}，而是 {said}', '检查测点的路径和类型'],
  },
  CV_MQTT_IN_EXPRESSION: {
    stage: 'decode',
    retry: 'next',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      '{point}: the expression failed for this message: {detail}',
      'check `path` of the point; `cityvitals decode mqtt-in` shows the result',
    ],
    zh: ['{point}：表达式对此消息无法求值：{detail}', '检查测点的 `path`；`cityvitals decode mqtt-in` 可查看结果'],
  },
  CV_MQTT_IN_TIME: {
    stage: 'decode', retry: 'next', actor: 'field-engineer', flag: 'device',
    en: ['{topic}: invalid time {said}; the arrival time is used', 'check `time`: seconds or ms since 1970, or ISO 8601'],
    zh: ['{topic}：时间无效：{said}；改用到达时间', '检查 `time`：1970 年起的秒或毫秒，或 ISO 8601'],
  },
  CV_MQTT_IN_DEAD: {
    stage: 'read', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['the broker reports that {device} is offline', 'check its power and network; it reconnects by itself'],
    zh: ['消息服务器告知 {device} 已离线', '检查其供电和网络；它会自行恢复'],
  },
  CV_MQTT_IN_UNBORN: {
    stage: 'decode',
    retry: 'next',
    actor: 'nobody',
    flag: 'comm',
    en: [
      '{device} sends metrics with alias {alias}, which is in no birth message; a new birth is requested',
      'nothing to do if `rebirth` is on; else restart the node',
    ],
    zh: ['{device} 以别名 {alias} 发送指标，但上线消息中没有；已请求其重新上线', '`rebirth` 打开时无需处理，否则请重启该节点'],
  },
  CV_MQTT_IN_GAP: {
    stage: 'read',
    retry: 'next',
    actor: 'field-engineer',
    flag: 'comm',
    en: [
      'messages of {device} were lost; a new birth is requested',
      'if frequent, the network between node and broker loses messages, or two nodes have the same name',
    ],
    zh: ['{device} 的消息有缺失；已请求其重新上线', '若反复出现，说明节点与服务器之间丢包，或有两个节点同名'],
  },
  CV_MQTT_IN_UNKEPT: {
    stage: 'read',
    retry: 'backoff',
    actor: 'operator',
    flag: 'comm',
    en: [
      '{address}: messages have waited {seconds} s for the disk; reconnecting, so that the broker resends them',
      'look for `CV_LOG_…` faults; without `session: kept` the broker no longer has them',
    ],
    zh: [
      '{address}：消息等待落盘已 {seconds} 秒；将重新连接，让服务器重发',
      '查看 `CV_LOG_…` 类故障；未设 `session: kept` 时服务器不再保留这些消息',
    ],
  },
});

declare module '../../core/faults.ts' {
  interface FaultTables { 'mqtt-in': typeof MQTT_IN_FAULTS }
}
