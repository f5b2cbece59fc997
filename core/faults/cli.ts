import type { FaultRow } from './row.ts';

/** The command line itself. */
export const CLI_FAULTS = {
  CV_COMMAND_FAILED: {
    stage: 'cli', retry: 'after-change', actor: 'developer',
    en: ['the command failed: {detail}', 'run again with CITYVITALS_DEBUG=1 and report what it prints'],
    zh: ['命令执行失败：{detail}', '设置 CITYVITALS_DEBUG=1 后重试，并报告其输出'],
  },
  CV_DEMO_FAILED: {
    stage: 'cli', retry: 'after-change', actor: 'developer',
    en: ['the demo ended: {detail}', 'its logs lie in the demo\'s folder (edge.log, gateway.log); delete the folder and start again, and report them if it repeats'],
    zh: ['演示已终止：{detail}', '日志位于演示目录（edge.log、gateway.log）;可删除该目录后重试，若重复出现请附日志报告'],
  },
  CV_DEMO_FOLDER: {
    stage: 'cli', retry: 'after-change', actor: 'operator',
    en: ['the demo cannot keep its data in {dir}: {why}', 'give it another folder: --dir FOLDER; one that exists is taken only if a demo made it'],
    zh: ['演示数据无法放在 {dir}:{why}', '请用 --dir 指定其他目录；已存在的目录只有由演示创建的才会使用'],
  },
  CV_INPUT_INVALID: {
    stage: 'cli', retry: 'never', actor: 'operator',
    en: ['{key} cannot be "{given}"', 'see the command\'s --help'],
    zh: ['{key} 不能为“{given}”', '请查看该命令的 --help'],
  },
  CV_INPUT_UNREADABLE: {
    stage: 'cli', retry: 'after-change', actor: 'field-engineer',
    en: ['{place} cannot be read: {detail}', 'give hex digits (spaces are allowed), one frame a line; for drivers whose cases are frames, one JSON object a line'],
    zh: ['{place} 无法读取：{detail}', '请给出十六进制数字（可含空格）,每行一帧；以帧为单位的驱动则每行一个 JSON 对象'],
  },
  CV_DISCOVER_NOT_OFFERED: {
    stage: 'cli', retry: 'never', actor: 'operator',
    en: ['{device} names no device whose driver can look for points', 'name another device of the configuration; `cityvitals drivers` shows which drivers discover'],
    zh: ['{device} 中没有支持浏览测点的设备', '请指定配置中的其他设备；`cityvitals drivers` 可查看哪些驱动支持浏览'],
  },
  CV_DECODE_NOT_OFFERED: {
    stage: 'cli', retry: 'never', actor: 'nobody',
    en: ['frames of {driver} cannot be given by hand', ''],
    zh: ['{driver} 的帧无法手工给出', ''],
  },
  CV_STATUS_UNREACHABLE: {
    stage: 'check', retry: 'next', actor: 'operator',
    en: ['nothing answers at {url} ({detail})', 'is it running? start it with `cityvitals edge` or `cityvitals gateway`, or give its address with --url'],
    zh: ['{url} 无应答（{detail}）', '是否已运行？用 `cityvitals edge` 或 `cityvitals gateway` 启动，或用 --url 指定地址'],
  },
  CV_STATUS_NO_ADDRESS: {
    stage: 'check', retry: 'after-change', actor: 'operator',
    en: ['{path} does not say at which port it can be asked', 'set http.port in it, or give the address that it printed at its start with --url'],
    zh: ['{path} 未写明可查询的端口', '设置 http.port，或用 --url 指定启动时显示的地址'],
  },
} as const satisfies Record<`CV_${string}`, FaultRow>;
