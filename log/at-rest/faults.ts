import { defineFaults } from '../../core/faults.ts';

/** Files that are encrypted on disk. */
const AT_REST_FAULTS = defineFaults({
  CV_AT_REST_KEY: {
    stage: 'keep',
    retry: 'after-change',
    actor: 'operator',
    status: 503,
    en: [
      '{path}: what is encrypted with the key {key} cannot be read (files: {count}): the configuration does not have it; nothing is deleted for that',
      'put that key back, as atRest.key or into the list atRest.oldKeys, and restart',
    ],
    zh: [
      '{path}：以密钥 {key} 加密的内容无法读取（文件数：{count}）：配置中没有该密钥；不会因此删除任何内容',
      '将该密钥写回 atRest.key，或加入 atRest.oldKeys，然后重启',
    ],
  },
  CV_AT_REST_DAMAGED: {
    stage: 'keep',
    retry: 'never',
    actor: 'operator',
    status: 500,
    en: [
      '{path} is not what was encrypted with the key {key}: {detail}; nothing of it is used',
      'the disk has damaged it, or somebody has changed, cut, swapped or renamed it: look who writes there, and take the file from a backup',
    ],
    zh: [
      '{path} 与以密钥 {key} 加密时的内容不符：{detail}；其内容一概不用',
      '可能是磁盘损坏，或有人改动、截断、调换、改名：请查明谁可写入该目录，并从备份恢复该文件',
    ],
  },
  CV_AT_REST_ALGORITHM: {
    stage: 'setup',
    retry: 'after-change',
    actor: 'field-engineer',
    en: [
      '{algorithm} is not in the OpenSSL of this Node.js: {missing}',
      'set atRest.algorithm to aes-256-gcm, or run the Node.js that comes with the package',
    ],
    zh: ['本机 Node.js 的 OpenSSL 不支持 {algorithm}：缺少 {missing}', '将 atRest.algorithm 设为 aes-256-gcm，或使用随包提供的 Node.js'],
  },
});

declare module '../../core/faults.ts' {
  interface FaultTables { atRest: typeof AT_REST_FAULTS }
}
