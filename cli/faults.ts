import { defineFaults } from '../core/faults.ts';

/** The command line itself. */
const CLI_FAULTS = defineFaults({
  CV_COMMAND_FAILED: {
    stage: 'cli', retry: 'after-change', actor: 'developer',
    en: ['the command failed: {detail}', 'run again with CITYVITALS_DEBUG=1 and report what it prints'],
    zh: ['命令执行失败：{detail}', '设置 CITYVITALS_DEBUG=1 后重试，并报告其输出'],
  },
  CV_PROCESS_EXCEPTION: {
    stage: 'cli',
    retry: 'next',
    actor: 'developer',
    en: [
      'an error that nothing has dealt with: {detail}',
      'the process goes on, and ends only when there are very many; report it with what the process log says beside it',
    ],
    zh: ['未被处理的异常：{detail}', '进程继续运行，仅在异常过多时退出；请连同前后的运行日志一并反馈'],
  },
  CV_DEMO_FAILED: {
    stage: 'cli',
    retry: 'after-change',
    actor: 'developer',
    en: [
      'the demo ended: {detail}',
      "its logs lie in the demo's folder (edge.log, gateway.log); delete the folder and start again, and report them if it repeats",
    ],
    zh: ['演示已终止：{detail}', '运行日志位于演示目录（edge.log、gateway.log）；可删除该目录后重试，若重复出现请附运行日志反馈'],
  },
  CV_DEMO_FOLDER: {
    stage: 'cli',
    retry: 'after-change',
    actor: 'operator',
    en: [
      'the demo cannot keep its data in {dir}: {why}',
      'give it another folder: --dir FOLDER; one that exists is taken only if a demo made it',
    ],
    zh: ['演示数据无法放在 {dir}：{why}', '请用 --dir 指定其他目录；已存在的目录只有由演示创建的才会使用'],
  },
  CV_INPUT_INVALID: {
    stage: 'cli', retry: 'never', actor: 'operator',
    en: ['{key} cannot be "{given}"', 'see the command\'s --help'],
    zh: ['{key} 不能为“{given}”', '请查看该命令的 --help'],
  },
  CV_INPUT_UNREADABLE: {
    stage: 'cli',
    retry: 'after-change',
    actor: 'field-engineer',
    en: [
      '{place} cannot be read: {detail}',
      'give hex digits (spaces are allowed), one frame a line; text as the device sends it: `--input text`; for drivers whose cases are frames, one JSON object a line',
    ],
    zh: [
      '{place} 无法读取：{detail}',
      '请给出十六进制数字（可含空格），每行一帧；设备原样文本用 `--input text`；以帧为单位的驱动则每行一个 JSON 对象',
    ],
  },
  CV_SECRET_LITERAL: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: [
      '{key} holds a secret in the file itself: who reads the file has it, in each copy',
      'write ${file:PATH} (a file with mode 600), ${credential:NAME} or ${env:NAME} in its place, and change the secret where others have read it',
    ],
    zh: [
      '{key} 的密钥直接写在配置文件中：能读取该文件或其副本者即可得到',
      '请改写为 ${file:PATH}（文件权限 600）、${credential:NAME} 或 ${env:NAME}；若他人可能已读到，请更换密钥',
    ],
  },
  CV_SECRET_EXPOSED: {
    stage: 'check', retry: 'after-change', actor: 'field-engineer',
    en: [
      '{path} holds a secret and is open to other users of this machine (mode {mode})',
      'chmod 600 {path}, owned by the user of the service, or hand it over as a credential of systemd; change the secret if others use this machine',
    ],
    zh: [
      '{path} 含有密钥，且对本机其他用户开放（权限 {mode}）',
      '请执行 chmod 600 {path}，属主为服务的用户，或改用 systemd 凭据；若本机有其他使用者，请更换密钥',
    ],
  },
  CV_DISCOVER_NOT_OFFERED: {
    stage: 'cli',
    retry: 'never',
    actor: 'operator',
    en: [
      '{device} names no device whose driver can look for points',
      'name another device of the configuration; `cityvitals drivers` shows which drivers discover. By its address alone: `cityvitals discover opcua opc.tcp://HOST:4840`',
    ],
    zh: [
      '{device} 中没有支持浏览测点的设备',
      '请指定配置中的其他设备；`cityvitals drivers` 可查看哪些驱动支持浏览。只凭地址浏览：`cityvitals discover opcua opc.tcp://HOST:4840`',
    ],
  },
  CV_DECODE_NOT_OFFERED: {
    stage: 'cli', retry: 'never', actor: 'nobody',
    en: ['frames of {driver} cannot be given by hand', ''],
    zh: ['{driver} 的帧无法手工给出', ''],
  },
  CV_STATUS_UNREACHABLE: {
    stage: 'check',
    retry: 'next',
    actor: 'operator',
    en: [
      'nothing answers at {url} ({detail})',
      'is it running? start it with `cityvitals edge` or `cityvitals gateway`, or give its address with --url',
    ],
    zh: ['{url} 无应答（{detail}）', '是否已运行？用 `cityvitals edge` 或 `cityvitals gateway` 启动，或用 --url 指定地址'],
  },
  CV_STATUS_NO_ADDRESS: {
    stage: 'check',
    retry: 'after-change',
    actor: 'operator',
    en: [
      '{path} does not say at which port it can be asked',
      'set http.port in it, or give the address that it printed at its start with --url',
    ],
    zh: ['{path} 未写明可查询的端口', '设置 http.port，或用 --url 指定启动时显示的地址'],
  },
  CV_VERIFY_NO_FOLDER: {
    stage: 'check',
    retry: 'after-change',
    actor: 'operator',
    en: [
      '{dir} is not there: nothing was ever kept in it',
      'is this the configuration that it runs with? relative paths in it are looked for beside it',
    ],
    zh: ['{dir} 不存在：从未保存过数据', '确认这是运行所用的配置；其中的相对路径以配置文件所在目录为准'],
  },
  CV_VERIFY_STORE_HELD: {
    stage: 'check',
    retry: 'after-change',
    actor: 'operator',
    en: [
      'a process holds {path}, and no gateway answers at {url} ({detail})',
      'is it still starting or stopping? else stop it, or set http.port of the configuration to where it listens',
    ],
    zh: [
      '{path} 正被某进程占用，而 {url} 没有网关应答（{detail}）',
      '可能仍在启动或停止；否则请停止该进程，或将配置中的 http.port 设为其监听端口',
    ],
  },
  CV_VERIFY_STORE_WRONG: {
    stage: 'check',
    retry: 'never',
    actor: 'operator',
    en: [
      '{path}: {detail}',
      'look at the disk; what keeps the gateway from reading or writing it mends by itself as it meets it; should this stay, stop it, move the file away and start again: it is built anew from the log, as far back as that goes',
    ],
    zh: [
      '{path}：{detail}',
      '请检查磁盘；影响读写的损坏会在网关遇到时自动修复；若仍存在，请停止网关、移走该文件后重启：将由事件日志重建，范围以日志所存为限',
    ],
  },
  CV_VERIFY_STATE_WRONG: {
    stage: 'check',
    retry: 'never',
    actor: 'operator',
    en: [
      '{path}: {detail}',
      'stop the gateway, move the file away and start again: the rules go over the log anew, and what stands is raised once more; warnings that were closed are only in the file; look at the disk',
    ],
    zh: [
      '{path}：{detail}',
      '停止网关、移走该文件后重启：规则将重新处理事件日志，仍成立的预警会再次发出；已关闭的预警仅存于该文件；请检查磁盘',
    ],
  },
});

declare module '../core/faults.ts' {
  interface FaultTables { cli: typeof CLI_FAULTS }
}
