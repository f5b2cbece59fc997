/** Faults of TLS: where it is needed, and what it is opened with. */
import { defineFaults } from '../../core/faults.ts';

const TLS_FAULTS = defineFaults({
  CV_TLS_REQUIRED: {
    stage: 'accept',
    retry: 'after-change',
    actor: 'field-engineer',
    status: 403,
    en: [
      '{client} at {address} speaks plaintext; from beyond its own machine this gateway takes TLS alone',
      'write mqtts:// or https:// in place of mqtt:// or http://, and enrol the edge; an old box that cannot yet: tls.plaintextUntil in the configuration of the gateway',
    ],
    zh: [
      '{address} 的 {client} 使用明文连接；本机以外的连接必须使用 TLS',
      '请将 mqtt:// 或 http:// 改为 mqtts:// 或 https://，并完成边缘节点入网；暂时无法升级的旧设备，可在网关配置 tls.plaintextUntil 中放宽',
    ],
  },
  CV_TLS_CERTIFICATE: {
    stage: 'open',
    retry: 'after-change',
    actor: 'operator',
    en: [
      '{certificate} cannot be used as a certificate: {detail}',
      'tls.certificate and tls.key: PEM, with its chain, made for each other and in force, or leave both out: the gateway makes its own. broker.ca: PEM of a CA',
    ],
    zh: [
      '{certificate} 不能用作证书：{detail}',
      'tls.certificate（含证书链）和 tls.key 须为 PEM 格式、彼此匹配且在有效期内，也可都不写，由网关自行生成；broker.ca 须为 CA 的 PEM 文件',
    ],
  },
});

declare module '../../core/faults.ts' {
  interface FaultTables {
    tls: typeof TLS_FAULTS;
  }
}
