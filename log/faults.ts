import { defineFaults } from '../core/faults.ts';

/** The durable log of edge and gateway. */
const LOG_FAULTS = defineFaults({
  CV_LOG_LOCKED: {
    stage: 'open', retry: 'after-change', actor: 'operator',
    en: ['the log folder {dir} is in use by another process', 'stop the other process, or give this one a folder of its own (`log.dir`)'],
    zh: ['事件日志目录 {dir} 正被另一个进程使用', '停止另一个进程，或为本进程另设目录（`log.dir`）'],
  },
  CV_LOG_UNUSABLE: {
    stage: 'open',
    retry: 'after-change',
    actor: 'operator',
    en: [
      'the log folder {dir} cannot be used: {detail}',
      'check that the folder exists on a writable disk with free space and belongs to this user',
    ],
    zh: ['事件日志目录 {dir} 无法使用：{detail}', '确认目录位于可写且有剩余空间的磁盘上，并归当前用户所有'],
  },
  CV_LOG_CLOSED: {
    stage: 'keep', retry: 'never', actor: 'nobody', status: 503,
    en: ['the log is closed', ''],
    zh: ['事件日志已关闭', ''],
  },
  CV_LOG_FAILED: {
    stage: 'keep',
    retry: 'backoff',
    actor: 'operator',
    status: 503,
    en: [
      'the log could not write: {detail}',
      'look at free space and health of the disk under `log.dir`; writing goes on by itself when the disk does',
    ],
    zh: ['事件日志写入失败：{detail}', '检查 `log.dir` 所在磁盘的剩余空间和健康状况；磁盘恢复后自动继续写入'],
  },
  CV_LOG_FULL: {
    stage: 'keep', retry: 'backoff', actor: 'operator', status: 503,
    en: ['the log is full: {bytes} of {maxBytes} bytes, held by {holder}', 'restore what is holding it back, or raise `log.maxBytes`'],
    zh: ['事件日志已满：{bytes} / {maxBytes} 字节，占用方：{holder}', '恢复占用方的运行，或调大 `log.maxBytes`'],
  },
  CV_LOG_DISK_FULL: {
    stage: 'keep',
    retry: 'backoff',
    actor: 'operator',
    status: 503,
    en: [
      'the disk under the log is full: {detail}',
      'free space on that disk, or give the log one of its own (`log.dir`); the log keeps what still fits, lets go of its oldest where that is its policy (each loss has its gap record), and goes on by itself when there is room',
    ],
    zh: [
      '事件日志所在磁盘已满：{detail}',
      '释放该磁盘空间，或为事件日志另设磁盘（`log.dir`）；事件日志继续保存尚能写下的内容，按策略舍弃最旧的记录（每次损失都有缺口记录），有空间后自动恢复',
    ],
  },
  CV_LOG_READ_ONLY: {
    stage: 'keep',
    retry: 'backoff',
    actor: 'operator',
    status: 503,
    en: [
      'nothing can be written under `log.dir`: {detail}',
      'look whether the disk was mounted read-only after an error (`dmesg`), whether the folder is still there and belongs to this user; the log opens a new file by itself when it can be written again',
    ],
    zh: [
      '`log.dir` 下无法写入：{detail}',
      '检查磁盘是否因出错被挂载为只读（`dmesg`），目录是否仍存在并归当前用户所有；可写后事件日志自动新建文件并继续',
    ],
  },
  CV_LOG_SALVAGED: {
    stage: 'keep',
    retry: 'never',
    actor: 'operator',
    en: [
      'the log file {file} was damaged ({detail}): {count} events of it are saved, the damaged file lies aside as {aside}',
      'what could not be saved is named by `CV_LOG_DAMAGED` and gap records; replace the disk or card if it repeats',
    ],
    zh: [
      '事件日志文件 {file} 已损坏（{detail}）：已从中救回 {count} 个事件，损坏的文件另存为 {aside}',
      '未能救回的内容由 `CV_LOG_DAMAGED` 和缺口记录说明；若重复出现请更换磁盘或存储卡',
    ],
  },
  CV_LOG_DAMAGED: {
    stage: 'keep',
    retry: 'never',
    actor: 'operator',
    en: [
      'the log file {file} is damaged: numbers {fromSeq} to {toSeq} of epoch {epoch} cannot be read ({detail})',
      'replace the disk or card if it repeats; a gap record tells the gateway what is missing',
    ],
    zh: [
      '事件日志文件 {file} 已损坏：epoch {epoch} 的编号 {fromSeq} 至 {toSeq} 无法读取（{detail}）',
      '若重复出现请更换磁盘或存储卡；缺失内容已通过缺口记录告知网关',
    ],
  },
  CV_LOG_REWOUND: {
    stage: 'keep',
    retry: 'never',
    actor: 'operator',
    en: [
      'the log ends before what {witness} knows of it: numbers {fromSeq} to {toSeq} of epoch {epoch} of {stream} are lost',
      'a power cut, a damaged card or a restored copy; look at the disk if it repeats',
    ],
    zh: [
      '事件日志末尾早于 {witness} 已知的位置：{stream} 流 epoch {epoch} 的编号 {fromSeq} 至 {toSeq} 已丢失',
      '可能由断电、存储卡损坏或恢复旧副本引起；若重复出现请检查磁盘',
    ],
  },
  CV_LOG_OVERRUN: {
    stage: 'store',
    retry: 'next',
    actor: 'operator',
    en: [
      'the log was full and went past {consumer}: {count} events that it had not taken',
      'speed the consumer up or raise `log.maxBytes`',
    ],
    zh: ['事件日志已满，越过了 {consumer} 尚未取走的 {count} 个事件', '提高该下游的速度，或调大 `log.maxBytes`'],
  },
  CV_VERIFY_LOG_MISSING: {
    stage: 'check',
    retry: 'never',
    actor: 'operator',
    en: [
      '{file}: numbers {fromSeq} to {toSeq} of epoch {epoch} ({count} events) cannot be read: {detail}',
      'start it (again): the damaged file is put aside, all that can be read of it goes on, and a gap record names these numbers; look at the disk or card, and replace it if this repeats',
    ],
    zh: [
      '{file}：epoch {epoch} 的编号 {fromSeq} 至 {toSeq}（{count} 个事件）无法读取：{detail}',
      '（重新）启动：损坏的文件会另存，可读部分继续使用，缺口记录会说明这些编号；请检查磁盘或存储卡，若重复出现请更换',
    ],
  },
  CV_VERIFY_LOG_PAGES: {
    stage: 'check',
    retry: 'never',
    actor: 'operator',
    en: [
      '{file} is damaged ({detail}), but all its {count} events can still be read page by page',
      'nothing is lost yet: a sound copy takes its place when it is read next; look at the disk or card',
    ],
    zh: ['{file} 已损坏（{detail}），但其全部 {count} 个事件仍可逐页读出', '尚无损失：下次读取时会以完好的副本替换；请检查磁盘或存储卡'],
  },
  CV_VERIFY_LOG_STATE: {
    stage: 'check',
    retry: 'never',
    actor: 'operator',
    en: [
      '{file}: what is settled cannot be read',
      'nothing is lost: marks are taken from the file before it, and what was settled since is sent or taken in once more',
    ],
    zh: ['{file}：已确认范围的记录无法读取', '数据未丢失：将改用前一个文件中的记录，其后已确认的内容会重发或重收'],
  },
  CV_VERIFY_LOG_UNMARKED: {
    stage: 'check',
    retry: 'never',
    actor: 'developer',
    en: [
      '{file}: numbers {fromSeq} to {toSeq} of {sender}, {stream}, epoch {epoch} were taken in, and the marks do not have them',
      'if they are sent again they count twice; report it with the folder of the log',
    ],
    zh: [
      '{file}：{sender} 的 {stream} 流 epoch {epoch} 编号 {fromSeq} 至 {toSeq} 已接收，但确认记录中没有',
      '若重发会重复计入；请附事件日志目录反馈',
    ],
  },
});

declare module '../core/faults.ts' {
  interface FaultTables { log: typeof LOG_FAULTS }
}
