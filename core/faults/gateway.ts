import type { FaultRow } from './row.ts';

export const GATEWAY_FAULTS = {
  CV_UNIT_UNCONVERTIBLE: {
    stage: 'store', retry: 'after-change', actor: 'field-engineer',
    en: ['{point} sends {indicator} in "{unit}", which cannot be converted to "{wanted}"', 'correct the unit of the point; until then its values are uncertain, flagged "unit", and no threshold rule counts them'],
    zh: ['{point} 以“{unit}”上报 {indicator}，无法换算为“{wanted}”', '更正该测点的单位；更正前其数值为存疑并带 unit 标记，不参与阈值规则'],
  },
  CV_BROKER_LISTEN: {
    stage: 'broker', retry: 'after-change', actor: 'operator',
    en: ['the broker cannot listen on {host}:{port}: {detail}', 'stop the program that holds the port, or set another broker.embedded.port'],
    zh: ['内置消息服务器无法监听 {host}:{port}：{detail}', '停止占用该端口的程序，或修改 broker.embedded.port'],
  },
  CV_BROKER_FAILED: {
    stage: 'broker', retry: 'next', actor: 'developer',
    en: ['the embedded broker failed at something: {detail}', 'report this with the log of the gateway'],
    zh: ['内置消息服务器内部出错：{detail}', '请附上网关运行日志反馈'],
  },
  CV_BROKER_UNREACHABLE: {
    stage: 'broker', retry: 'backoff', actor: 'operator',
    en: ['the broker at {url} cannot be reached: {detail}', 'check broker.url, user and password, and that the broker runs'],
    zh: ['无法连接消息服务器 {url}：{detail}', '检查 broker.url、用户名和密码，以及消息服务器是否运行'],
  },
  CV_BROKER_BEHIND: {
    stage: 'broker', retry: 'backoff', actor: 'operator',
    en: ['more than {maxBytes} bytes wait for the gateway itself; what comes is left to its sender, which sends it again', 'look at the faults of the log: it is full or its disk is slow'],
    zh: ['等待网关自身处理的数据超过 {maxBytes} 字节；新到数据暂不接收，由发送方重发', '查看事件日志相关故障：事件日志已满或磁盘过慢'],
  },
  CV_CLIENT_REFUSED: {
    stage: 'broker', retry: 'after-change', actor: 'field-engineer',
    en: ['client "{client}" from {address} was refused: {detail}', 'compare id and token with broker.embedded.edges, or user and password with broker.embedded.consumers'],
    zh: ['拒绝来自 {address} 的客户端“{client}”：{detail}', '与 broker.embedded.edges 中的编号和令牌，或 broker.embedded.consumers 中的用户和密码核对'],
  },
  CV_CLIENT_STALLED: {
    stage: 'broker', retry: 'backoff', actor: 'operator',
    en: ['client {client} does not read what it subscribed to, and was disconnected so that it delays no other', 'make that client faster, or subscribe to less; it catches up with events?after='],
    zh: ['客户端 {client} 不读取其订阅的数据，为不影响其他客户端已断开', '请加快该客户端或减少订阅；可用 events?after= 补齐'],
  },
  CV_CLIENT_UNACKNOWLEDGED: {
    stage: 'broker', retry: 'backoff', actor: 'operator',
    en: ['client {client} left more than 1000 messages unacknowledged, and was disconnected', 'make that client acknowledge (PUBACK), or subscribe with QoS 0; it catches up with events?after='],
    zh: ['客户端 {client} 未确认的消息超过 1000 条，已断开', '该客户端应发送确认（PUBACK）或以 QoS 0 订阅；可用 events?after= 补齐'],
  },
  CV_PACKET_TOO_LARGE: {
    stage: 'broker', retry: 'never', actor: 'developer',
    en: ['client {client} sent a {detail} and was disconnected', 'send smaller batches (at most 8 MB)'],
    zh: ['客户端 {client} 发送过大的数据包（{detail}），已断开', '请减小批次（最大 8 MB）'],
  },
  CV_TOPIC_DENIED: {
    stage: 'broker', retry: 'after-change', actor: 'field-engineer',
    en: ['client {client} may not use topic {topic}: {detail}', 'an edge uses cv/v1/in/<centre>/<its id>/…, a consumer reads cv/v1/out/…'],
    zh: ['客户端 {client} 无权使用主题 {topic}：{detail}', '边缘节点使用 cv/v1/in/<中心>/<自身编号>/…，消费者只读 cv/v1/out/…'],
  },
  CV_MQTT_UNSUPPORTED: {
    stage: 'broker', retry: 'after-change', actor: 'developer',
    en: ['client {client} asks for {what}, which the embedded broker does not offer', 'use MQTT 3.1.1 without it, or give the gateway another broker (broker.url)'],
    zh: ['客户端 {client} 请求内置消息服务器不支持的功能：{what}', '请使用不含该功能的 MQTT 3.1.1，或为网关配置其他代理（broker.url）'],
  },
  CV_CONNECTION_LIMIT: {
    stage: 'broker', retry: 'backoff', actor: 'operator',
    en: ['connection limit reached ({limit} clients)', 'raise broker.embedded.maxConnections if they are all expected'],
    zh: ['已有 {limit} 个客户端连接，不再接受新连接', '若均为正常客户端，请调大 broker.embedded.maxConnections'],
  },
  CV_EDGE_CLONED: {
    stage: 'broker', retry: 'after-change', actor: 'field-engineer',
    en: ['edge {edge} switched between {first} and {second} {changes} times within a minute: two machines use one id', 'find the copy, and give it its own id and token'],
    zh: ['边缘节点 {edge} 一分钟内在 {first} 与 {second} 之间切换 {changes} 次：两台设备使用了同一编号', '找到被复制的设备，为其设置独立的编号和令牌'],
  },
  CV_STATE_INVALID: {
    stage: 'accept', retry: 'never', actor: 'developer', status: 400,
    en: ['the state of edge {edge} is malformed: {detail}', 'compare with docs/events.md'],
    zh: ['边缘节点 {edge} 的状态消息格式错误：{detail}', '对照 docs/events.zh-CN.md'],
  },
  CV_EVENT_ORIGIN: {
    stage: 'accept', retry: 'never', actor: 'operator', status: 400,
    en: ['event origin {origin} is not accepted by this gateway', 'add it to `accepts`, or run the gateway in exercise mode; the event is in quarantine'],
    zh: ['事件来源 {origin} 不被本网关接受', '将其加入 `accepts`，或以演练模式运行；该事件已隔离'],
  },
  CV_EDGE_TOO_FAST: {
    stage: 'accept', retry: 'backoff', actor: 'field-engineer',
    en: ['edge {edge} sends more than {maxBatches} batches or {maxBytes} bytes a second; the rest is not acknowledged, and will be resent', 'look for a program that sends in a loop under the id of this edge'],
    zh: ['边缘节点 {edge} 每秒发送超过 {maxBatches} 个批次或 {maxBytes} 字节；超出部分不予应答', '检查是否有程序以该编号循环发送'],
  },
  CV_EDGE_WINDOW: {
    stage: 'accept', retry: 'backoff', actor: 'field-engineer',
    en: ['more than {maxBatches} batches or {maxBytes} bytes of edge {edge} wait for a failed write or for the quarantine; the rest is not acknowledged, and will be resent', 'see the other faults of this edge; if there are none, look for a program that sends in a loop under its id'],
    zh: ['边缘节点 {edge} 有超过 {maxBatches} 个批次或 {maxBytes} 字节在等待失败的写入或隔离区；超出部分不予应答，由发送方重发', '查看该节点的其他故障；若没有，检查是否有程序以该编号循环发送'],
  },
  CV_DEVICE_FOREIGN: {
    stage: 'accept', retry: 'after-change', actor: 'operator',
    en: ['edge {edge} sent data of device {device}, which belongs to {owner}: refused', 'if the device has moved: cityvitals devices bind {device} {edge}, or name all its edges under bindings; if not, check edge {edge}: its token may be known to others'],
    zh: ['边缘节点 {edge} 上送了属于 {owner} 的设备 {device} 的数据，未采用', '如设备已迁移，请执行 cityvitals devices bind {device} {edge}，或在 bindings 中列出其全部节点；否则请检查节点 {edge}，其令牌可能已泄露'],
  },
  CV_CENTRE_FOREIGN: {
    stage: 'accept', retry: 'after-change', actor: 'operator',
    en: ['edge {edge} sent data for centre {centre}, but belongs to {own}: refused', 'correct centre in the configuration of the edge, or move it: cityvitals devices move {edge} {centre}; an edge of several centres has them under edges, centres, in the broker part of the gateway configuration'],
    zh: ['边缘节点 {edge} 以中心 {centre} 的名义上送数据，但其属于 {own}，未采用', '更正该节点配置中的 centre，或执行 cityvitals devices move {edge} {centre}；代表多个中心的节点在网关配置 broker 的 edges 中用 centres 列出'],
  },
  CV_BINDING_CONFIGURED: {
    stage: 'api', retry: 'after-change', actor: 'operator', status: 409,
    en: ['{what} is bound to {owner} in the configuration of the gateway, which takes precedence', 'change {key} there; a running gateway applies it at once'],
    zh: ['{what} 已由网关配置绑定到 {owner}，以配置为准', '请修改网关配置中的 {key}；运行中的网关会立即采用'],
  },
  CV_BINDINGS_UNSAVED: {
    stage: 'accept', retry: 'backoff', actor: 'operator', status: 503,
    en: ['device bindings cannot be saved to {path}: {detail}', 'free space on the disk, and check that the gateway may write there; until then data of new devices is not acknowledged, and will be resent'],
    zh: ['无法将设备绑定保存到 {path}：{detail}', '请清理磁盘并确认网关可写该目录；在此之前新设备的数据不予确认，由边缘节点重发'],
  },
  CV_EDGE_DEVICES: {
    stage: 'accept', retry: 'never', actor: 'operator',
    en: ['edge {edge} has more than {max} devices, or the list of the gateway is full; further devices are not listed, their data is kept', 'divide the devices among several edges; if there are fewer, look for a program that invents them under the id of this edge'],
    zh: ['边缘节点 {edge} 的设备超过 {max} 台，或网关列表已满；其余设备不列出，其数据仍保存', '将设备分配到多个边缘节点；若实际没有这么多，检查是否有程序以该编号虚构设备'],
  },
  CV_EDGE_HOLES: {
    stage: 'accept', retry: 'backoff', actor: 'field-engineer',
    en: ['what edge {edge} sends of {stream} has more than {maxRanges} holes; further batches wait until holes close', 'nothing is lost; if it lasts, look at the log of that edge'],
    zh: ['边缘节点 {edge} 的 {stream} 流缺口超过 {maxRanges} 处；后续批次等待缺口补齐', '数据未丢失；若持续，请检查该节点的运行日志'],
  },
  CV_ACCEPT_FAILED: {
    stage: 'accept', retry: 'backoff', actor: 'developer',
    en: ['a batch failed: {detail}; it was not acknowledged and will be resent', 'report this with the quarantine and the log of the gateway'],
    zh: ['批次处理失败：{detail}；未予应答，将由发送方重发', '请附上网关隔离区和运行日志反馈'],
  },
  CV_REGISTRY_UNSAVED: {
    stage: 'accept', retry: 'backoff', actor: 'operator',
    en: ['the list of edges and devices cannot be saved to {path}: {detail}', 'check space and permissions of log.dir'],
    zh: ['无法将边缘节点和设备清单保存到 {path}：{detail}', '检查 log.dir 的空间和权限'],
  },
  CV_REGISTRY_SALVAGED: {
    stage: 'accept', retry: 'never', actor: 'operator',
    en: ['{path} was damaged ({detail}): {edges} edges and {devices} devices of it are saved in a new file, the damaged one lies aside as {aside}', 'nothing to do for edges that are online: they report their devices again; look at the disk, and delete the file aside when nobody needs it'],
    zh: ['{path} 已损坏（{detail}）：{edges} 个边缘节点和 {devices} 台设备已存入新文件，损坏的文件另存为 {aside}', '在线的边缘节点会重新上报设备，无需处理；请检查磁盘，另存文件不再需要时可删除'],
  },
  CV_QUARANTINE_FAILED: {
    stage: 'accept', retry: 'backoff', actor: 'operator', status: 503,
    en: ['refused data cannot be quarantined: {detail}', 'check space and permissions of log.dir; until then it stays with its sender'],
    zh: ['无法保存被拒收的数据：{detail}', '检查 log.dir 的空间和权限；在此之前数据保留在发送方'],
  },
  CV_CONSUMER_FAILED: {
    stage: 'store', retry: 'backoff', actor: 'operator',
    en: ['{consumer} could not take events: {detail}; they come again in {waitMs} ms', 'if it lasts: look at the disk of store.dir, else report it'],
    zh: ['{consumer} 处理事件失败：{detail}；{waitMs} 毫秒后重试', '若持续：检查 store.dir 所在磁盘，否则请反馈'],
  },
  CV_CONSUMER_OVERRUN: {
    stage: 'store', retry: 'never', actor: 'operator',
    en: ['{consumer} was too slow or its target too long away: the log was full and let go of {count} events between {from} and {to}', 'see that its target takes what it is sent, or raise log.maxBytes for longer outages'],
    zh: ['{consumer} 过慢或其目标中断过久：事件日志已满，舍弃了 {from} 至 {to} 之间的 {count} 条事件', '确认其目标能正常接收；如需承受更长中断请调大 log.maxBytes'],
  },
  CV_CONSUMER_AHEAD: {
    stage: 'store', retry: 'never', actor: 'operator',
    en: ['{consumer} has taken up to {cursor}, but the log ends at {head}: the log was set back', 'nothing to do here; edges that still hold the rest send it again'],
    zh: ['{consumer} 已处理到 {cursor}，但事件日志止于 {head}：其曾被回退', '无需处理；仍保有其余数据的边缘节点会重新发送'],
  },
  CV_RULE_TWICE: {
    stage: 'check', retry: 'after-change', actor: 'operator',
    en: ['the rule id "{id}" is taken already, by {first}', 'give each rule its own id'],
    zh: ['规则编号“{id}”已被 {first} 使用', '每条规则使用各自的编号'],
  },
  CV_STORE_FAILED: {
    stage: 'store', retry: 'backoff', actor: 'operator',
    en: ['{path} cannot be used: {detail}', 'check space and permissions of store.dir; nothing is lost meanwhile, the log holds it'],
    zh: ['{path} 无法使用：{detail}', '检查 store.dir 的空间和权限；期间数据由事件日志保存，不会丢失'],
  },
  CV_STORE_BUSY: {
    stage: 'store', retry: 'after-change', actor: 'operator',
    en: ['{path} is held by another process', 'stop the other gateway, or give this one a store.dir of its own'],
    zh: ['{path} 被其他进程占用', '停止另一个网关，或为本网关设置单独的 store.dir'],
  },
  CV_STORE_DAMAGED: {
    stage: 'store', retry: 'after-change', actor: 'operator',
    en: ['{path} is damaged: {detail}', 'start the gateway (again): it puts the file aside, saves what can be read of it, and takes the rest from its log; where that does not help, look at the disk'],
    zh: ['{path} 已损坏：{detail}', '（重新）启动网关：会自动另存该文件、保存可读部分，其余由事件日志补回；若无效，请检查磁盘'],
  },
  CV_STORE_SALVAGED: {
    stage: 'store', retry: 'never', actor: 'operator',
    en: ['{path} was damaged ({detail}): {points} values of it are saved in a new file, the damaged one lies aside as {aside}', 'what could not be saved comes back from the log, as far back as that goes (where it was found while running, with the next start); look at the disk, replace it if this repeats, and delete the file aside when nobody needs it'],
    zh: ['{path} 已损坏（{detail}）：其中 {points} 个值已存入新文件，损坏的文件另存为 {aside}', '未能保存的值将由事件日志补回，范围以日志所存为限（运行中发现的在下次启动时补回）；请检查磁盘，反复出现请更换，另存文件不再需要时可删除'],
  },
  CV_STATE_SALVAGED: {
    stage: 'store', retry: 'never', actor: 'operator',
    en: ['{path} was damaged ({detail}): {warnings} warnings and {memories} memories of rules are saved in a new file, the damaged one lies aside as {aside}', 'compare the open warnings with what is known of them: what could not be saved is raised again where it still stands; look at the disk, replace it if this repeats, and delete the file aside when nobody needs it'],
    zh: ['{path} 已损坏（{detail}）：{warnings} 条预警和 {memories} 条规则状态已存入新文件，损坏的文件另存为 {aside}', '请核对未关闭的预警：未能保存而条件仍成立的会再次发出；请检查磁盘，反复出现请更换，另存文件不再需要时可删除'],
  },
  CV_STORE_NEWER: {
    stage: 'store', retry: 'after-change', actor: 'operator',
    en: ['{path} was written by a later version (form {detail})', 'install that version again, or put the copy from before the upgrade ({path}.before-v…) in its place, if it is still there; it lacks what was written since'],
    zh: ['{path} 由更新的版本写入（格式 {detail}）', '请重新安装该版本；如果升级前的副本（{path}.before-v…）仍在，也可用它替换，但其中不含升级后写入的内容'],
  },
  CV_STORE_MIGRATION: {
    stage: 'store', retry: 'after-change', actor: 'operator',
    en: ['{path} of an earlier version cannot be converted: {detail}', 'nothing is lost: the earlier version still opens it. Free as much space as the file takes, then start again; if that does not help, report it'],
    zh: ['无法转换旧版本的 {path}：{detail}', '数据未丢失，旧版本仍可打开。请腾出与该文件大小相当的空间后重新启动；若仍失败，请反馈'],
  },
  CV_STORE_CHUNK_DAMAGED: {
    stage: 'store', retry: 'never', actor: 'operator',
    en: ['values of {series} from {from} to {to} in {path} are damaged', 'look at the disk; the rest stays readable, and what the log still holds can be read there'],
    zh: ['{path} 中 {series} 自 {from} 至 {to} 的数据已损坏', '检查磁盘；其余数据仍可读取，事件日志中尚存的部分可从中读取'],
  },
} as const satisfies Record<`CV_${string}`, FaultRow>;
