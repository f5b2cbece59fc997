/** Faults of the audit record: writing it, and what its verification finds. */
import { defineFaults } from '../../core/faults.ts';

const COMPARE = 'keep this folder as it is, and compare it with a copy or with the seq and hash of the end that were noted before';
const COMPARE_ZH = '请保留该目录原样，并与此前的副本或记下的末行编号和哈希核对';

const AUDIT_FAULTS = defineFaults({
  CV_AUDIT_UNWRITTEN: {
    stage: 'keep',
    retry: 'backoff',
    actor: 'operator',
    en: [
      'the audit record in {dir} cannot be written: {detail}',
      'look at space and rights of that folder; the gateway goes on, keeps up to {max} entries in memory, and counts those beyond in the record',
    ],
    zh: [
      '审计记录无法写入 {dir}：{detail}',
      '请检查该目录的空间和权限；网关继续运行，期间暂存最多 {max} 条，超出的在恢复写入后计数记入审计记录',
    ],
  },
  CV_AUDIT_PLACE: {
    stage: 'keep',
    retry: 'backoff',
    actor: 'operator',
    en: [
      'how far the audit of edges was taken cannot be read or kept in {path}: {detail}',
      'look at space and rights of that folder; after a crash the log is looked through from further back, and nothing is lost',
    ],
    zh: ['无法读取或保存边缘节点审计的进度 {path}：{detail}', '请检查该目录的空间和权限；崩溃后将从更早处重读日志，不会丢失内容'],
  },
  CV_AUDIT_DAMAGED: {
    stage: 'open',
    retry: 'never',
    actor: 'operator',
    en: ['the audit record is not as it was left: {detail}', `run \`cityvitals audit verify\`; ${COMPARE}`],
    zh: ['审计记录与上次关闭时不一致：{detail}', `请运行 \`cityvitals audit verify\`；${COMPARE_ZH}`],
  },
  CV_AUDIT_CHANGED: {
    stage: 'check',
    retry: 'never',
    actor: 'operator',
    en: ['{file}, line {line}: {detail}', `the line before, or this one, was changed, or damaged by the disk; ${COMPARE}`],
    zh: ['{file} 第 {line} 行：{detail}', `上一行或本行被修改，或磁盘损坏；${COMPARE_ZH}`],
  },
  CV_AUDIT_MISSING: {
    stage: 'check',
    retry: 'never',
    actor: 'operator',
    en: ['{file}: lines {from} to {to} are missing', `they were removed, or lost with the disk; ${COMPARE}`],
    zh: ['{file}：缺少第 {from} 至 {to} 号记录', `记录被删除，或随磁盘丢失；${COMPARE_ZH}`],
  },
  CV_AUDIT_SIGNATURE: {
    stage: 'check',
    retry: 'never',
    actor: 'operator',
    en: [
      '{file}, line {line}: {detail}',
      `what stands before it may be forged; give the public key of this gateway with --key if another one was used; ${COMPARE}`,
    ],
    zh: ['{file} 第 {line} 行：{detail}', `此前的内容可能系伪造；若用错公钥，请以 --key 指定本网关的公钥；${COMPARE_ZH}`],
  },
  CV_AUDIT_REPORTED: {
    stage: 'check',
    retry: 'never',
    actor: 'operator',
    en: ['{file}, line {line}: when it was opened, the gateway found {what}', `the line says when; ${COMPARE}`],
    zh: ['{file} 第 {line} 行：网关打开记录时发现：{what}', `时间见该行；${COMPARE_ZH}`],
  },
  CV_AUDIT_NO_FOLDER: {
    stage: 'check',
    retry: 'after-change',
    actor: 'operator',
    en: [
      'no audit record in {dir}',
      'give its folder with --dir (<log.dir>/audit), or the configuration of the gateway with --config',
    ],
    zh: ['{dir} 中没有审计记录', '请用 --dir 指定其目录（<log.dir>/audit），或用 --config 指定网关配置文件'],
  },
  CV_AUDIT_NO_KEY: {
    stage: 'check',
    retry: 'after-change',
    actor: 'operator',
    en: [
      'no public key to verify with: {path}',
      'give the one of the gateway: --key <log.dir>/audit-key/ID.pub.pem',
    ],
    zh: ['缺少校验所需的公钥：{path}', '请指定该网关的公钥：--key <log.dir>/audit-key/ID.pub.pem'],
  },
});

declare module '../../core/faults.ts' {
  interface FaultTables {
    audit: typeof AUDIT_FAULTS;
  }
}
