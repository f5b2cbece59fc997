import { defineFaults } from '../../core/faults.ts';

/** The identity of an edge: enrolment, its folder, its certificate, and the certificate of the gateway. */
const IDENTITY_FAULTS = defineFaults({
  CV_IDENTITY_MISSING: {
    stage: 'open', retry: 'after-change', actor: 'field-engineer',
    en: ['{dir} holds no identity of an edge: {file} is missing', 'ask the centre for an enrolment code and run `cityvitals enrol` on this box'],
    zh: ['{dir} 中没有边缘节点的身份：缺少 {file}', '请向中心索取入网码，并在本机执行 `cityvitals enrol`'],
  },
  CV_IDENTITY_UNREADABLE: {
    stage: 'open', retry: 'after-change', actor: 'field-engineer',
    en: ['{path} cannot be used: {detail}', 'check that the user that runs the edge may read it; if the file is damaged, enrol again with a new code'],
    zh: ['{path} 无法使用：{detail}', '请确认运行边缘节点的用户有权读取；若文件已损坏，请用新的入网码重新入网'],
  },
  CV_IDENTITY_KEY: {
    stage: 'open', retry: 'after-change', actor: 'field-engineer',
    en: ['the key in {dir} does not belong to the certificate beside it', 'put both back from the same copy, or enrol again with a new code'],
    zh: ['{dir} 中的私钥与证书不匹配', '请从同一份备份恢复两者，或用新的入网码重新入网'],
  },
  CV_IDENTITY_FOREIGN: {
    stage: 'open', retry: 'after-change', actor: 'field-engineer',
    en: ['the identity in {dir} is that of edge {named}, and this edge is {edge}', 'correct `edge`, or enrol this edge with a code of its own: a copied card makes two boxes speak as one'],
    zh: ['{dir} 中的身份属于边缘节点 {named}，而本节点为 {edge}', '请更正 `edge`，或用本节点自己的入网码入网：复制存储卡会使两台设备使用同一身份'],
  },
  CV_IDENTITY_EXPIRED: {
    stage: 'forward', retry: 'backoff', actor: 'operator',
    en: ['the certificate of edge {edge} expired on {day}', 'it is renewed by itself as soon as {gateway} answers; if the gateway refuses, enrol again with a new code'],
    zh: ['边缘节点 {edge} 的证书已于 {day} 过期', '{gateway} 应答后将自动续期；若网关拒绝，请用新的入网码重新入网'],
  },
  CV_IDENTITY_NOT_YET: {
    stage: 'forward', retry: 'backoff', actor: 'field-engineer',
    en: ['by the clock of this box the certificate of edge {edge} is valid only from {day} on', 'see which clock is wrong, that of this box or that of the gateway, and set it by NTP'],
    zh: ['按本机时钟，边缘节点 {edge} 的证书自 {day} 起才有效', '请确认本机与网关哪一方时钟有误，并用 NTP 校准'],
  },
  CV_IDENTITY_EXPOSED: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: ['{path} can be read by other users of this machine (mode {mode})', 'chmod 600 {path}; if others use this machine, enrol again: the key may have been copied'],
    zh: ['{path} 可被本机其他用户读取（权限 {mode}）', '请执行 chmod 600 {path}；若本机有其他使用者，请重新入网：私钥可能已被复制'],
  },
  CV_IDENTITY_FOLDER: {
    stage: 'open', retry: 'after-change', actor: 'field-engineer',
    en: ['{dir} cannot be written, so the certificate could not be renewed: {detail}', 'move the folder to where the user that runs the edge may write, such as /var/lib/cityvitals, and name it in gateway.identity'],
    zh: ['{dir} 不可写，证书将无法续期：{detail}', '请将目录移至运行边缘节点的用户可写之处（如 /var/lib/cityvitals），并写入 gateway.identity'],
  },
  CV_SERVER_UNTRUSTED: {
    stage: 'forward', retry: 'backoff', actor: 'field-engineer',
    en: ['the certificate that {address} shows is not from the CA that this edge trusts: {detail}', 'somebody may be in between: nothing was sent; if the CA of the gateway was replaced, put the new one into the CA file, or enrol again'],
    zh: ['{address} 出示的证书不是由本节点信任的 CA 签发：{detail}', '可能有人居间：未发送任何内容；若网关已更换 CA，请将新 CA 加入 CA 文件，或重新入网'],
  },
  CV_SERVER_NAME: {
    stage: 'forward', retry: 'after-change', actor: 'field-engineer',
    en: ['the certificate of {address} is for other names: {names}', 'use one of these names in the address, or add the address to the names of the gateway\'s certificate (http.hosts of the gateway)'],
    zh: ['{address} 的证书用于其他名称：{names}', '请在地址中使用其中的名称，或将该地址加入网关证书的名称（网关的 http.hosts）'],
  },
  CV_SERVER_DATES: {
    stage: 'forward', retry: 'backoff', actor: 'operator',
    en: ['the certificate of {address} is valid from {from} to {to}, and it is {now} by the clock of this box', 'renew the certificate of the gateway; if the clock of this box is wrong, set it by NTP'],
    zh: ['{address} 的证书有效期为 {from} 至 {to}，而本机时间为 {now}', '请更新网关的证书；若本机时钟有误，请用 NTP 校准'],
  },
  CV_TLS_FAILED: {
    stage: 'forward', retry: 'backoff', actor: 'operator',
    en: ['no TLS connection to {address}: {detail}', 'check address, port and network, and that TLS is spoken on that port'],
    zh: ['无法与 {address} 建立 TLS 连接：{detail}', '请检查地址、端口和网络，并确认该端口使用 TLS'],
  },
  CV_ENROLMENT_CODE: {
    stage: 'cli', retry: 'after-change', actor: 'field-engineer',
    en: ['this is not a complete enrolment code: {detail}', 'copy the whole code as the gateway gave it: 16 characters, a dash, 26 characters'],
    zh: ['入网码不完整：{detail}', '请完整复制网关给出的入网码：16 个字符、短横线、26 个字符'],
  },
  CV_ENROLMENT_CA: {
    stage: 'cli', retry: 'after-change', actor: 'field-engineer',
    en: ['{address} is not the gateway that this code is for: nothing was sent', 'check --gateway; if it is right, somebody may be in between: use another network, and have the code withdrawn'],
    zh: ['{address} 不是该入网码对应的网关：未发送任何内容', '请核对 --gateway；若无误，则可能有人居间：请更换网络，并请中心作废该入网码'],
  },
  CV_ENROLMENT_REFUSED: {
    stage: 'cli', retry: 'after-change', actor: 'field-engineer',
    en: ['{address} refused: {detail}', '{advice}'],
    zh: ['{address} 已拒绝：{detail}', '{advice}'],
  },
  CV_ENROLMENT_ANSWER: {
    stage: 'cli', retry: 'backoff', actor: 'developer',
    en: ['{address} gave an answer that cannot be used: {detail}', 'update the older side; nothing was changed on this box'],
    zh: ['{address} 的应答无法使用：{detail}', '请升级较旧的一端；本机未作任何更改'],
  },
  CV_RENEWAL_FAILED: {
    stage: 'forward', retry: 'backoff', actor: 'operator',
    en: ['the certificate of edge {edge}, valid until {day}, could not be renewed: {detail}', 'it is tried again by itself; if the gateway goes on refusing, enrol again with a new code'],
    zh: ['边缘节点 {edge} 的证书（有效期至 {day}）续期失败：{detail}', '将自动重试；若网关持续拒绝，请用新的入网码重新入网'],
  },
});

declare module '../../core/faults.ts' {
  interface FaultTables { identity: typeof IDENTITY_FAULTS }
}
