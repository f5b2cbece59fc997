import { defineFaults } from '../core/faults.ts';

/** Graphs on their way to this machine. */
const MODEL_FAULTS = defineFaults({
  CV_PULL_SOURCE: {
    stage: 'cli', retry: 'never', actor: 'operator',
    en: ['it is not said where the graph of model {model} can be had', 'name a place with --from: a URL, a file, a folder or a .tar'],
    zh: ['未说明模型 {model} 的模型文件从何处获取', '用 --from 指定来源：网址、文件、目录或 .tar'],
  },
  CV_PULL_REFUSED: {
    stage: 'cli',
    retry: 'after-change',
    actor: 'operator',
    en: [
      '{url} does not give the graph: {detail}',
      'look whether the address is right and can be reached from here; on a machine without a network use --from with a file',
    ],
    zh: ['无法从 {url} 获取模型文件：{detail}', '检查网址是否正确、本机能否访问；无网络的机器可用 --from 指定文件'],
  },
  CV_PULL_BROKEN: {
    stage: 'cli', retry: 'next', actor: 'operator',
    en: ['fetching {url} was broken off after {bytes} bytes: {detail}', 'run it again: it goes on where it stopped'],
    zh: ['下载 {url} 在 {bytes} 字节处中断：{detail}', '重新运行即可从中断处继续'],
  },
  CV_PULL_OTHER: {
    stage: 'cli',
    retry: 'never',
    actor: 'operator',
    en: [
      'what {url} gives is not the graph of model {model}: SHA-256 {got}, {want} wanted; nothing was kept',
      'the file there was replaced or damaged: look for the version that the description names',
    ],
    zh: [
      '{url} 提供的不是模型 {model} 的模型文件：SHA-256 为 {got}，应为 {want}；未保留任何内容',
      '该文件已被更换或损坏：请寻找说明中所写的版本',
    ],
  },
  CV_PULL_NOT_WRITTEN: {
    stage: 'cli', retry: 'after-change', actor: 'operator',
    en: ['{path} cannot be written: {detail}', 'make room on the disk, or name a folder that you may write to with --dir'],
    zh: ['无法写入 {path}：{detail}', '清理磁盘空间，或用 --dir 指定可写的目录'],
  },
  CV_PULL_NOT_THERE: {
    stage: 'cli',
    retry: 'after-change',
    actor: 'operator',
    en: [
      'the graph of model {model} (SHA-256 {want}) is not in {path}: {detail}',
      'look whether it is the right file, folder or .tar, and whole',
    ],
    zh: ['{path} 中没有模型 {model} 的模型文件（SHA-256 {want}）：{detail}', '确认文件、目录或 .tar 正确且完整'],
  },
  CV_IMPORT_UNCLEAR: {
    stage: 'cli', retry: 'after-change', actor: 'operator',
    en: ['{path} cannot be described: {problem}', 'say what it is: --family, --classes; its outputs are {outputs}'],
    zh: ['无法生成 {path} 的说明：{problem}', '请指明：--family、--classes；其输出为 {outputs}'],
  },
});

declare module '../core/faults.ts' {
  interface FaultTables { models: typeof MODEL_FAULTS }
}
