import { defineFaults } from '../../core/faults.ts';

/** Faults of OPC UA: certificates, users, subscriptions, writes. */
const OPCUA_FAULTS = defineFaults({
  CV_OPCUA_POLICY: {
    stage: 'open', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['{address} does not offer {asked}; it offers {offered}', 'use one of these in `security`, or enable {asked} at the server'],
    zh: ['{address} 不提供 {asked}；它提供 {offered}', '在 `security` 中改用其中之一，或在服务器上启用 {asked}'],
  },
  CV_OPCUA_CERTIFICATE_UNKNOWN: {
    stage: 'open',
    retry: 'after-change',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      '{address} is not trusted yet: {subject}, thumbprint {thumbprint}, valid {from} to {to}',
      'compare the thumbprint with the one shown by the server; if they match: {command} and trust {own} at the server',
    ],
    zh: [
      '尚未信任 {address}：{subject}，指纹 {thumbprint}，有效期 {from} 至 {to}',
      '与服务器上显示的指纹核对，一致时执行：{command} ；同时在服务器上信任 {own}',
    ],
  },
  CV_OPCUA_CERTIFICATE_TIME: {
    stage: 'open',
    retry: 'after-change',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      'the certificate of {address} is valid {from} to {to}; the clock of this machine shows {now}',
      'check the clock of this machine; if it is right, renew the certificate at the server ({subject}) and trust the new one',
    ],
    zh: [
      '{address} 的证书有效期为 {from} 至 {to}，本机时钟为 {now}',
      '先确认本机时钟是否正确；若正确，请在服务器上更新证书（{subject}）并重新信任',
    ],
  },
  CV_OPCUA_CERTIFICATE_HOST: {
    stage: 'open',
    retry: 'after-change',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      'the certificate of {address} is not for {host}: it names {names}',
      'connect with a name in the certificate, issue a certificate for {host}, or set `certificates: { checkHost: false }` if you are sure',
    ],
    zh: [
      '{address} 的证书不是为 {host} 签发的：其中写的是 {names}',
      '用证书中的名称连接，或为服务器签发包含 {host} 的证书；确认无误时可设 `certificates: { checkHost: false }`',
    ],
  },
  CV_OPCUA_CERTIFICATE_BROKEN: {
    stage: 'open', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['{address} presents an invalid certificate: {detail}', 'give the server a new certificate'],
    zh: ['{address} 出示的不是有效证书：{detail}', '请为服务器更换证书'],
  },
  CV_OPCUA_CERTIFICATE_FOLDER: {
    stage: 'open',
    retry: 'after-change',
    actor: 'operator',
    flag: 'config',
    en: [
      'the certificate folder {dir} cannot be used: {detail}',
      'check its permissions and the disk, or set another one in `certificates: { dir }`',
    ],
    zh: ['证书目录 {dir} 无法使用：{detail}', '检查权限和磁盘，或在 `certificates: { dir }` 中指定其他目录'],
  },
  CV_OPCUA_UNTRUSTED_THERE: {
    stage: 'open',
    retry: 'backoff',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      '{address} rejects the certificate of this machine: {status}',
      'add {certificate} to the trust list of the server; BadCertificateTimeInvalid: one of the two clocks is wrong',
    ],
    zh: ['{address} 不接受本机证书：{status}', '将 {certificate} 加入服务器的信任列表；若为 BadCertificateTimeInvalid：双方之一的时钟不对'],
  },
  CV_OPCUA_RENEWED: {
    stage: 'open',
    retry: 'after-change',
    actor: 'field-engineer',
    en: [
      '{address} does not trust the renewed certificate of this machine yet; the previous one is still in use',
      'add {certificate} to the trust list of the server before the old one expires',
    ],
    zh: ['{address} 尚未信任本机更新后的证书，目前仍使用旧证书', '请在旧证书到期前将 {certificate} 加入服务器的信任列表'],
  },
  CV_OPCUA_LOGIN: {
    stage: 'open',
    retry: 'after-change',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      '{address} refuses the user: {status}',
      'check `user` and `password`, and that the user may open a session; many servers lock a user after a few attempts',
    ],
    zh: ['{address} 拒绝该用户：{status}', '检查 `user` 和 `password` 以及用户权限；不少服务器在多次失败后会锁定用户'],
  },
  CV_OPCUA_LOGIN_KIND: {
    stage: 'open',
    retry: 'after-change',
    actor: 'field-engineer',
    flag: 'config',
    en: [
      '{address} accepts no {kind} login with this policy',
      'set `user` and `password` if anonymous login is refused, or allow it at the server',
    ],
    zh: ['{address} 在该安全策略下不接受{kind}登录', '服务器不允许匿名时请填写 `user` 和 `password`，或在服务器上允许该方式'],
  },
  CV_OPCUA_PASSWORD_PLAIN: {
    stage: 'open', retry: 'after-change', actor: 'field-engineer', flag: 'config',
    en: ['{address} requires an unencrypted password', 'set `security.mode` to SignAndEncrypt'],
    zh: ['{address} 会让密码以明文发送', '将 `security.mode` 设为 SignAndEncrypt'],
  },
  CV_OPCUA_NO_SUBSCRIPTIONS: {
    stage: 'open',
    retry: 'after-change',
    actor: 'field-engineer',
    en: [
      '{address} refuses a subscription ({status}); its points are polled at `sampleEvery` instead',
      'set `mode: poll` explicitly, or raise the limit of subscriptions at the server',
    ],
    zh: ['{address} 不提供订阅（{status}）；改为按 `sampleEvery` 读取', '可明确设置 `mode: poll`，或在服务器上提高订阅数上限'],
  },
  CV_OPCUA_SLOW_SAMPLING: {
    stage: 'open',
    retry: 'after-change',
    actor: 'field-engineer',
    en: [
      'node {node} is sampled every {revisedMs} ms by the server, not every {askedMs} ms as requested',
      'lower the sampling limit at the server, or request what it supports',
    ],
    zh: ['服务器对节点 {node} 的采样间隔为 {revisedMs} 毫秒，而不是所要求的 {askedMs} 毫秒', '在服务器上降低采样间隔下限，或按其能力设置'],
  },
  CV_OPCUA_DEADBAND: {
    stage: 'open',
    retry: 'after-change',
    actor: 'field-engineer',
    en: [
      'the server does not support this deadband for node {node} ({status}); it is not used',
      'use an absolute serverDeadband, or set the range (EURange) of the node at the server',
    ],
    zh: ['服务器不支持节点 {node} 的该死区（{status}），已不使用', '改用绝对值 serverDeadband，或在服务器上设置该节点的量程（EURange）'],
  },
  CV_OPCUA_WRITE: {
    stage: 'read',
    retry: 'never',
    actor: 'operator',
    flag: 'other',
    en: [
      'node {node} was not written: {status}',
      'BadNotWritable and BadUserAccessDenied: the node or the user has no write permission; BadTypeMismatch, BadOutOfRange: check the value',
    ],
    zh: [
      '节点 {node} 未写入：{status}',
      'BadNotWritable、BadUserAccessDenied：节点或用户无写权限；BadTypeMismatch、BadOutOfRange：请检查数值',
    ],
  },
});

declare module '../../core/faults.ts' {
  interface FaultTables { opcua: typeof OPCUA_FAULTS }
}
