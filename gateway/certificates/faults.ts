/** Faults of certificates: the CA, enrolment, renewal, revocation. */
import { defineFaults } from '../../core/faults.ts';

const CERTIFICATE_FAULTS = defineFaults({
  CV_AUTHORITY_UNUSABLE: {
    stage: 'open',
    retry: 'after-change',
    actor: 'operator',
    en: [
      'the certificate authority in {dir} cannot be used: {detail}',
      'bring the folder back from a backup; with a new CA each edge would have to be enrolled again, so none is made by itself. Edges with tokens go on',
    ],
    zh: ['无法使用 {dir} 中的证书颁发机构：{detail}', '请从备份恢复该目录；更换 CA 后所有边缘节点须重新入网，因此系统不会自行新建。使用令牌的边缘节点不受影响'],
  },
  CV_CERTIFICATES_UNSAVED: {
    stage: 'api',
    retry: 'backoff',
    actor: 'operator',
    status: 503,
    en: ['certificates.db cannot be used: {detail}', 'look at the disk of the gateway and the rights of certificates.db'],
    zh: ['无法使用 certificates.db：{detail}', '请检查网关磁盘及 certificates.db 的权限'],
  },
  CV_ENROLMENT_CLOSED: {
    stage: 'api',
    retry: 'after-change',
    actor: 'operator',
    status: 404,
    en: [
      'this gateway issues no certificates: it listens on its own machine alone',
      'set http.host and broker.host to an address of the network, or tls.loopback: true; then start it again',
    ],
    zh: ['本网关不颁发证书：仅监听本机', '请将 http.host 和 broker.host 设为网络地址，或设置 tls.loopback: true，然后重启网关'],
  },
  CV_ENROLMENT_CODE_UNKNOWN: {
    stage: 'api',
    retry: 'after-change',
    actor: 'field-engineer',
    status: 403,
    en: ['this enrolment code is none of this gateway, or has ended', 'ask the centre for a new code'],
    zh: ['入网码不属于本网关，或已过期', '请向中心索取新的入网码'],
  },
  CV_ENROLMENT_CODE_USED: {
    stage: 'api',
    retry: 'after-change',
    actor: 'field-engineer',
    status: 403,
    en: [
      'this enrolment code was used by another box',
      'if that was not you, tell the centre at once: it revokes that certificate. Then ask for a new code',
    ],
    zh: ['该入网码已被另一台设备使用', '如非本人操作，请立即通知中心吊销相应证书；然后索取新的入网码'],
  },
  CV_ENROLMENT_CODE_EDGE: {
    stage: 'api',
    retry: 'after-change',
    actor: 'field-engineer',
    status: 403,
    en: ['this enrolment code is not for {edge}, or not for this way: {detail}', 'compare the id in the file and --replaces with what the centre has'],
    zh: ['该入网码不适用于 {edge} 或此操作：{detail}', '请核对配置文件中的编号及 --replaces 是否与中心一致'],
  },
  CV_SIGNING_REQUEST: {
    stage: 'api',
    retry: 'after-change',
    actor: 'developer',
    status: 400,
    en: ['the certificate request cannot be used: {detail}', 'send a PKCS #10 request in PEM with a P-256 key, signed by it, whose common name is the id of the edge'],
    zh: ['证书请求不可用：{detail}', '请发送 PEM 格式的 PKCS #10 请求：P-256 密钥、自签名、通用名为边缘节点编号'],
  },
  CV_CERTIFICATE_REFUSED: {
    stage: 'api',
    retry: 'after-change',
    actor: 'field-engineer',
    status: 403,
    en: ['the certificate of {edge} is not accepted: {detail}', 'enrol this box again, with a new code of the centre'],
    zh: ['不接受 {edge} 的证书：{detail}', '请用中心提供的新入网码重新入网'],
  },
  CV_CERTIFICATES_TOO_MANY: {
    stage: 'api',
    retry: 'backoff',
    actor: 'operator',
    status: 429,
    en: [
      '{edge} asks for certificates again and again ({count} within a day)',
      'look for two boxes with one identity, or for a folder that cannot be written; then revoke and enrol again',
    ],
    zh: ['{edge} 反复申请证书（一天内 {count} 次）', '请检查是否有两台设备共用一个身份，或身份目录无法写入；然后吊销并重新入网'],
  },
  CV_CERTIFICATE_COPIED: {
    stage: 'accept',
    retry: 'never',
    actor: 'operator',
    en: [
      'the certificate that {edge} had before is in use again, though it has a newer one: most likely its card was copied',
      'look at the box; revoke the certificates of {edge}, then enrol it again',
    ],
    zh: ['{edge} 已有新证书，却又使用旧证书：很可能存储卡被复制', '请检查该设备；吊销 {edge} 的证书，然后重新入网'],
  },
});

declare module '../../core/faults.ts' {
  interface FaultTables {
    certificates: typeof CERTIFICATE_FAULTS;
  }
}
