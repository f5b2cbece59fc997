import { defineFaults } from '../../core/faults.ts';

/** Devices behind an MQTT broker. */
const MQTT_IN_FAULTS = defineFaults({
  CV_MQTT_IN_REFUSED: {
    stage: 'open', retry: 'backoff', actor: 'field-engineer', flag: 'config',
    en: ['the broker {address} does not let us in: {detail}', 'check `user`, `password` and `clientId`; the broker\'s own log says which of them'],
    zh: ['消息服务器 {address} 拒绝连接：{detail}', '检查 `user`、`password` 和 `clientId`；服务器日志会说明是哪一项'],
  },
  CV_MQTT_IN_TLS: {
    stage: 'open', retry: 'backoff', actor: 'field-engineer', flag: 'config',
    en: ['no secure connection to the broker {address}: {detail}', 'check `tls.ca`, that the certificate names this host, both clocks, and `cert` and `key` where the broker wants them'],
    zh: ['无法与消息服务器 {address} 建立安全连接：{detail}', '检查 `tls.ca`、证书中的主机名、双方时钟，以及服务器要求时的 `cert` 和 `key`'],
  },
  CV_MQTT_IN_UNVERIFIED: {
    stage: 'open', retry: 'after-change', actor: 'field-engineer',
    en: ['the certificate of the broker {address} is not checked: anybody on the way can read and change what is said', 'give its CA under `tls.ca` and take `verify: false` out'],
    zh: ['未校验消息服务器 {address} 的证书：途中任何人都可读取和篡改', '在 `tls.ca` 中给出其 CA，并去掉 `verify: false`'],
  },
  CV_MQTT_IN_SUBSCRIBE: {
    stage: 'open', retry: 'backoff', actor: 'field-engineer', flag: 'config',
    en: ['the broker {address} does not let us read {topic}', 'allow it for this user in the broker\'s access rules'],
    zh: ['消息服务器 {address} 不允许订阅 {topic}', '在服务器的访问规则中为该用户放行'],
  },
  CV_MQTT_IN_UNKNOWN: {
    stage: 'read', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['{address}: nobody is configured for topic {topic}, which says {said}', 'add a device for it, or take it out of the subscription kept at the broker'],
    zh: ['{address}：主题 {topic} 没有对应的设备，内容为 {said}', '为其添加设备，或清除服务器上保留的订阅'],
  },
  CV_MQTT_IN_PAYLOAD: {
    stage: 'decode', retry: 'next', actor: 'field-engineer', flag: 'comm',
    en: ['{topic}: {detail}: {said}', 'check `profile` and what is published on this topic'],
    zh: ['{topic}：{detail}：{said}', '检查 `profile` 以及该主题发布的内容'],
  },
  CV_MQTT_IN_VALUE: {
    stage: 'decode', retry: 'next', actor: 'field-engineer', flag: 'config',
    en: ['{point}: no {type} but {said}', 'check path and type of the point'],
    zh: ['{point}：不是 {type}，而是 {said}', '检查测点的路径和类型'],
  },
  CV_MQTT_IN_EXPRESSION: {
    stage: 'decode', retry: 'next', actor: 'field-engineer', flag: 'config',
    en: ['{point}: its expression gives nothing for this message: {detail}', 'check `path` of the point; `cityvitals decode mqtt-in` shows what it gives'],
    zh: ['{point}：表达式对此消息无法求值：{detail}', '检查测点的 `path`；`cityvitals decode mqtt-in` 可查看结果'],
  },
  CV_MQTT_IN_TIME: {
    stage: 'decode', retry: 'next', actor: 'field-engineer', flag: 'device',
    en: ['{topic}: no time but {said}; the time of arrival is used', 'check `time`: seconds or ms since 1970, or ISO 8601'],
    zh: ['{topic}：时间无效：{said}；改用到达时间', '检查 `time`：1970 年起的秒或毫秒，或 ISO 8601'],
  },
  CV_MQTT_IN_DEAD: {
    stage: 'read', retry: 'backoff', actor: 'field-engineer', flag: 'comm',
    en: ['{device} has gone, says the broker', 'check its power and network; it comes back by itself'],
    zh: ['消息服务器告知 {device} 已离线', '检查其供电和网络；它会自行恢复'],
  },
  CV_MQTT_IN_UNBORN: {
    stage: 'decode', retry: 'next', actor: 'nobody', flag: 'comm',
    en: ['{device} sends metrics by alias {alias}, which no birth has named; a new birth is asked for', 'nothing, where `rebirth` is on; else restart the node'],
    zh: ['{device} 以别名 {alias} 发送指标，但上线消息中没有；已请求其重新上线', '`rebirth` 打开时无需处理，否则请重启该节点'],
  },
  CV_MQTT_IN_GAP: {
    stage: 'read', retry: 'next', actor: 'field-engineer', flag: 'comm',
    en: ['messages of {device} were lost; a new birth is asked for', 'if it repeats, the link between node and broker loses messages, or two nodes go by this name'],
    zh: ['{device} 的消息有缺失；已请求其重新上线', '若反复出现，说明节点与服务器之间丢包，或有两个节点同名'],
  },
  CV_MQTT_IN_UNKEPT: {
    stage: 'read', retry: 'backoff', actor: 'operator', flag: 'comm',
    en: ['{address}: messages wait for the disk since {seconds} s; the broker is dialled anew, so that it sends them again', 'look for faults `CV_LOG_…`; without `session: kept` the broker has them no more'],
    zh: ['{address}：消息等待落盘已 {seconds} 秒；将重新连接，让服务器重发', '查看 `CV_LOG_…` 类故障；未设 `session: kept` 时服务器不再保留这些消息'],
  },
});

declare module '../../core/faults.ts' {
  interface FaultTables { 'mqtt-in': typeof MQTT_IN_FAULTS }
}
