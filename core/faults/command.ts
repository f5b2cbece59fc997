import type { FaultRow } from './row.ts';

/** Commands from the centre: on the edge, on the way, and at the gateway's API. */
export const COMMAND_FAULTS = {
  CV_COMMAND_SHAPE: {
    stage: 'command', retry: 'never', actor: 'developer', status: 400,
    en: ['the command is malformed: {detail}', 'compare with docs/commands.md'],
    zh: ['命令格式错误：{detail}', '对照 docs/commands.zh-CN.md'],
  },
  CV_COMMAND_EXPIRED: {
    stage: 'command', retry: 'never', actor: 'operator',
    en: ['the command expired {lateMs} ms before it could be carried out; nothing was done', 'give it again if still needed; a slow bus or link needs a longer lifetime'],
    zh: ['命令在执行前 {lateMs} 毫秒已过期；未执行任何操作', '如仍需要请重新下达；总线或链路较慢时应延长有效期'],
  },
  CV_COMMAND_LIFE: {
    stage: 'command', retry: 'never', actor: 'developer', status: 400,
    en: ['the lifetime of a command is at most {maxMs} ms, and must end after it was issued', 'give a shorter lifetime'],
    zh: ['命令有效期最长 {maxMs} 毫秒，且必须晚于下达时间', '请缩短有效期'],
  },
  CV_COMMAND_DEVICE: {
    stage: 'command', retry: 'after-change', actor: 'operator',
    en: ['edge {edge} has no device {device}', 'see /api/v1/devices'],
    zh: ['边缘节点 {edge} 没有设备 {device}', '见 /api/v1/devices'],
  },
  CV_COMMAND_POINT: {
    stage: 'command', retry: 'after-change', actor: 'operator',
    en: ['{device} has no point {point}', 'its points are in the configuration of its edge'],
    zh: ['{device} 没有测点 {point}', '其测点见边缘节点配置'],
  },
  CV_COMMAND_NOT_OFFERED: {
    stage: 'command', retry: 'never', actor: 'operator',
    en: ['{device} (driver {driver}) does not support {kind}', 'write needs a driver that can write, snapshot needs a camera: see `cityvitals drivers`'],
    zh: ['{device}（驱动 {driver}）不支持 {kind}', 'write 需要可写的驱动，snapshot 需要摄像机：见 `cityvitals drivers`'],
  },
  CV_COMMAND_NOT_ALLOWED: {
    stage: 'command', retry: 'after-change', actor: 'field-engineer',
    en: ['point {point} of {device} may not be written from the centre', 'whoever is responsible for the device may allow it: `write: { allow: true }` at the point, in the edge\'s configuration'],
    zh: ['不允许从中心写入 {device} 的测点 {point}', '设备责任人可在边缘节点配置中对该测点设置 `write: { allow: true }`'],
  },
  CV_COMMAND_VALUE: {
    stage: 'command', retry: 'never', actor: 'operator',
    en: ['{value} cannot be written to {point}: {detail}', 'give a value of the point\'s type and within its `write.range`'],
    zh: ['不能将 {value} 写入 {point}：{detail}', '请给出符合测点类型且在其 `write.range` 之内的值'],
  },
  CV_COMMAND_CONDITION: {
    stage: 'command', retry: 'backoff', actor: 'operator',
    en: ['{what} is not met: {condition}, but it is {value}', 'bring the device into that state first'],
    zh: ['{what}不满足：要求 {condition}，实际为 {value}', '请先使设备满足该状态'],
  },
  CV_COMMAND_CONDITION_UNKNOWN: {
    stage: 'command', retry: 'backoff', actor: 'operator',
    en: ['{what} cannot be checked: {condition}, and there is no good, recent value ({detail})', 'check the device of that point'],
    zh: ['{what}无法判断：要求 {condition}，但没有可信的新值（{detail}）', '请检查该测点的设备'],
  },
  CV_COMMAND_READ_BACK: {
    stage: 'command', retry: 'never', actor: 'operator',
    en: ['{point} was set to {want}, but reads {got}', 'check the device: it may be under local control, or limit the values it accepts'],
    zh: ['{point} 已写入 {want}，但回读为 {got}', '请检查设备：可能处于就地控制，或对写入值有限制'],
  },
  CV_COMMAND_UNCONFIRMED: {
    stage: 'command', retry: 'never', actor: 'operator',
    en: ['it is not known whether {point} was set: {detail}', 'check on site before giving the command again'],
    zh: ['无法确认 {point} 是否已写入：{detail}', '请先核实现场，再决定是否重新下达'],
  },
  CV_COMMAND_INTERRUPTED: {
    stage: 'command', retry: 'never', actor: 'operator',
    en: ['the edge stopped while executing the command; the outcome is unknown, and it is not executed again', 'check on site before giving the command again'],
    zh: ['边缘节点在执行命令时停止，结果未知；不会再次执行', '请先核实现场，再决定是否重新下达'],
  },
  CV_COMMAND_FORGOTTEN: {
    stage: 'command', retry: 'never', actor: 'operator',
    en: ['the record of commands was damaged, and this one was issued before that: it may have been executed, and is not executed again', 'check on site before giving the command again; see `cityvitals audit verify`'],
    zh: ['命令记录曾损坏，而本命令在此之前下达：可能已执行，不再执行', '请先核实现场，再决定是否重新下达；参见 `cityvitals audit verify`'],
  },
  CV_COMMAND_UNRECORDED: {
    stage: 'command', retry: 'backoff', actor: 'operator', status: 503,
    en: ['the command cannot be recorded, so it is not executed: {detail}', 'check space and permissions of {path}'],
    zh: ['无法记录命令，因此不予执行：{detail}', '检查 {path} 的空间和权限'],
  },
  CV_COMMAND_BUSY: {
    stage: 'command', retry: 'backoff', actor: 'operator', status: 503,
    en: ['{count} commands are already waiting', 'wait for their answers'],
    zh: ['已有 {count} 条命令在等待', '请等待其应答'],
  },
  CV_COMMAND_PICTURE: {
    stage: 'command', retry: 'backoff', actor: 'operator',
    en: ['{device} has no picture to send: {detail}', 'check that the camera delivers pictures'],
    zh: ['{device} 没有可发送的画面：{detail}', '请检查摄像机是否有画面'],
  },
  CV_COMMAND_ANSWER: {
    stage: 'command', retry: 'never', actor: 'operator',
    en: ['the values have {bytes} bytes, more than the {maxBytes} of an answer', 'read fewer points at a time'],
    zh: ['数值共 {bytes} 字节，超过应答上限 {maxBytes}', '请减少一次读取的测点'],
  },
  CV_COMMAND_UNDELIVERED: {
    stage: 'command', retry: 'backoff', actor: 'operator',
    en: ['edge {edge} was offline until the command expired, and did not receive it', 'find out why the edge is offline; give the command again when it is back'],
    zh: ['边缘节点 {edge} 在命令过期前一直离线，未收到命令', '检查节点离线原因；恢复后重新下达'],
  },
  CV_COMMAND_NO_ANSWER: {
    stage: 'command', retry: 'backoff', actor: 'operator',
    en: ['the command was sent to edge {edge}, which has not answered; it is asked again when it is back', 'check on site before giving the command again'],
    zh: ['命令已发给边缘节点 {edge}，但尚无应答；节点恢复后会再次询问', '请先核实现场，再决定是否重新下达'],
  },
  CV_COMMAND_UNSIGNED: {
    stage: 'command', retry: 'backoff', actor: 'operator',
    en: ['the command is not signed, and edge {edge} executes signed commands only', 'if the gateway is older than the edge, update it; if not, somebody else is sending commands: see who may publish on the broker'],
    zh: ['命令未签名，而边缘节点 {edge} 只执行已签名的命令', '若网关版本低于边缘节点，请升级网关；否则有人在冒充网关下达命令：请检查消息服务器的发布权限'],
  },
  CV_COMMAND_SIGNATURE: {
    stage: 'command', retry: 'backoff', actor: 'operator',
    en: ['the signature of the command does not match the key that edge {edge} trusts ({key})', 'if the gateway has a new key, enrol the edge again or give it that key; if not, somebody changed the command on its way, or sends in place of the gateway'],
    zh: ['命令签名与边缘节点 {edge} 所信任的公钥（{key}）不符', '若网关已更换密钥，请让该节点重新入网或配置新公钥；否则命令在途中被篡改，或有人冒充网关'],
  },
  CV_COMMAND_REPLAYED: {
    stage: 'command', retry: 'backoff', actor: 'operator',
    en: ['the counter of the command is {counter}, and edge {edge} has seen {highest} before: an old message', 'a single one may be the broker\'s; if it recurs, somebody repeats recorded messages, or the clock of the gateway was set back and its log lost'],
    zh: ['命令计数器为 {counter}，而边缘节点 {edge} 已见过 {highest}：属于旧消息', '偶发可能是消息服务器乱序；若反复出现，则有人在重放录下的消息，或网关时钟曾被调回且日志丢失'],
  },
  CV_COMMAND_KEY_UNREADABLE: {
    stage: 'command', retry: 'after-change', actor: 'field-engineer',
    en: ['edge {edge} executes no commands: {path} holds no key of its gateway: {detail}', 'put the public key of the gateway there (its command-key.pub.pem), or enrol again'],
    zh: ['边缘节点 {edge} 不执行任何命令：{path} 中没有网关公钥：{detail}', '请放入网关的公钥（网关的 command-key.pub.pem），或重新入网'],
  },
  CV_COMMAND_KEY_UNUSABLE: {
    stage: 'command', retry: 'after-change', actor: 'operator', status: 503,
    en: ['commands cannot be signed: {path} cannot be used: {detail}', 'put the file back from a backup; only where there is none, delete it and command-key.pub.pem: a new key is made, and every edge that verifies commands has to be given it'],
    zh: ['无法签署命令：{path} 无法使用：{detail}', '请从备份恢复该文件；仅在没有备份时才将其与 command-key.pub.pem 一并删除：将生成新密钥，且须下发给所有校验命令的边缘节点'],
  },
  CV_COMMAND_KEY_OTHER: {
    stage: 'command', retry: 'after-change', actor: 'operator', status: 409,
    en: ['edge {edge} trusts the command key {theirs}, and the key of this gateway is {ours}', 'enrol the edge again, or put the key of this gateway into its `commands.key`; until then it refuses commands'],
    zh: ['边缘节点 {edge} 信任的命令公钥为 {theirs}，而本网关为 {ours}', '请让该节点重新入网，或将本网关公钥写入其 `commands.key`；在此之前它拒绝命令'],
  },
  CV_COMMANDS_CLOSED: {
    stage: 'api', retry: 'after-change', actor: 'operator', status: 403,
    en: ['this gateway accepts no commands: no operators are configured', 'list them in its configuration: operators: [{ name, token }]'],
    zh: ['本网关不接受命令：未配置操作员', '在网关配置中列出：operators: [{ name, token }]'],
  },
  CV_API_UNAUTHORISED: {
    stage: 'api', retry: 'never', actor: 'operator', status: 401,
    en: ['no operator has this token', 'send `Authorization: Bearer <token>` with a token of `operators` in the gateway\'s configuration'],
    zh: ['令牌不属于任何操作员', '请发送 `Authorization: Bearer <令牌>`，令牌须为网关配置 `operators` 中的一个'],
  },
  CV_COMMAND_TOO_MANY: {
    stage: 'api', retry: 'backoff', actor: 'operator', status: 429,
    en: ['more than {limit} requests of this kind a minute from {who}', 'wait {waitSeconds} s'],
    zh: ['{who} 每分钟此类请求超过 {limit} 次', '请等待 {waitSeconds} 秒'],
  },
  CV_COMMAND_ID_TAKEN: {
    stage: 'api', retry: 'never', actor: 'developer', status: 409,
    en: ['the id {id} is used by another command', 'give each command its own id, or none'],
    zh: ['编号 {id} 已属于另一条命令', '每条命令使用各自的编号，或不指定'],
  },
  CV_COMMAND_REFUSED: {
    stage: 'cli', retry: 'never', actor: 'operator',
    en: ['{gateway} did not accept the command: {status} {detail}', '{advice}'],
    zh: ['{gateway} 未接受命令：{status} {detail}', '{advice}'],
  },
  CV_AUDIT_BROKEN: {
    stage: 'command', retry: 'never', actor: 'operator',
    en: ['{file}, line {line}: {detail}', 'the record was changed, or damaged by the disk: compare with the record of the other side'],
    zh: ['{file} 第 {line} 行：{detail}', '记录被修改或磁盘损坏：请与另一侧的记录核对'],
  },
} as const satisfies Record<`CV_${string}`, FaultRow>;
