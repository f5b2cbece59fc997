import { defineFaults } from '../../core/faults.ts';
import type { FaultRow } from '../../core/faults/row.ts';

const row = (en: FaultRow['en'], zh: FaultRow['zh']) =>
  ({ stage: 'setup', retry: 'after-change', actor: 'field-engineer', en, zh }) as const satisfies FaultRow;

/** What `cityvitals doctor` finds wrong with the machine an edge runs on. */
const DOCTOR_FAULTS = defineFaults({
  CV_DOCTOR_FOLDER: row(
    [
      '{dir} cannot be written: {detail}',
      'make the folder writable for the user that runs the edge; a disk that has become read-only is failing: replace it',
    ],
    ['{dir} 无法写入：{detail}', '请为运行边缘节点的用户开放写权限；若磁盘已变为只读，说明其即将损坏，请更换'],
  ),
  CV_DOCTOR_SPACE: row(
    ['{free} are free where {dir} lies, and the log may take {need} more', 'free some space, or set log.maxBytes lower'],
    ['{dir} 所在磁盘剩余 {free}，而事件日志还可能占用 {need}', '请清理磁盘，或调小 log.maxBytes'],
  ),
  CV_DOCTOR_WEAR: row(
    [
      'at this rate {disk} is worn out in about {years} years ({assumed})',
      'find what else writes to it (journald, swap, logs of containers) and stop that; use an industrial card, an eMMC or an SSD; give its real endurance by --endurance',
    ],
    [
      '按当前写入速度，{disk} 约 {years} 年后磨损殆尽（{assumed}）',
      '请查出并停止其他写入者（journald、交换分区、容器日志）；改用工业级存储卡、eMMC 或固态硬盘；用 --endurance 给出其实际写入寿命',
    ],
  ),
  CV_DOCTOR_LIFE: row(
    ['{disk} says that {used} % or more of its life is used', 'plan to replace it, and copy nothing important to it until then'],
    ['{disk} 报告其寿命已使用 {used} % 以上', '请安排更换，更换前不要存放重要数据'],
  ),
  CV_DOCTOR_CLOCK: row(
    [
      'the clock of this machine is not synchronized{detail}',
      'enable NTP (timedatectl set-ntp true) or connect a GNSS receiver; until then times are taken from the gateway',
    ],
    ['本机时钟未同步{detail}', '请启用 NTP（timedatectl set-ntp true）或接入卫星授时；在此之前时间以网关为准'],
  ),
  CV_DOCTOR_OFFSET: row(
    ['the clock of this machine is {seconds} s off the gateway\'s', 'see which of the two is right, and set the other by NTP'],
    ['本机时钟与网关相差 {seconds} 秒', '请确认哪一方正确，并用 NTP 校准另一方'],
  ),
  CV_DOCTOR_FILES: row(
    ['a process may open {limit} files, {need} are wanted', 'raise the limit: LimitNOFILE={need} in the service, or ulimit -n {need}'],
    ['每个进程最多打开 {limit} 个文件，至少需要 {need}', '请提高上限：服务中写 LimitNOFILE={need}，或执行 ulimit -n {need}'],
  ),
  CV_DOCTOR_WATCHES: row(
    [
      'the system lets each user watch {limit} files, {need} are wanted',
      'sysctl fs.inotify.max_user_watches={need}, and the same line in /etc/sysctl.d',
    ],
    ['系统允许每个用户监视 {limit} 个文件，至少需要 {need}', '请执行 sysctl fs.inotify.max_user_watches={need}，并写入 /etc/sysctl.d'],
  ),
  CV_DOCTOR_HEAT: row(
    ['it is {celsius} °C hot', 'give it air or a heat sink, and keep it out of the sun; from about 80 °C the processor slows down'],
    ['温度已达 {celsius} °C', '请改善通风或加装散热片，避免阳光直射；约 80 °C 起处理器会降速'],
  ),
  CV_DOCTOR_POWER: row(
    ['the board reports {what}', 'use a power supply that holds 5.1 V under load, with a short thick cable'],
    ['主板报告：{what}', '请使用带载时仍能保持 5.1 V 的电源，并用短而粗的电源线'],
  ),
  CV_DOCTOR_SERIAL: row(
    [
      '{device}: the serial port {port} is not there{there}',
      'plug the adapter in, or name one that is there; names of /dev/serial/by-id stay with the adapter',
    ],
    ['{device}：串口 {port} 不存在{there}', '请插好转换器，或改用已存在的串口；/dev/serial/by-id 下的名称随转换器不变'],
  ),
  CV_DOCTOR_DIALOUT: row(
    ['{device}: this user may not open {port}', 'sudo usermod -aG {group} $USER, then log in again'],
    ['{device}：当前用户无权打开 {port}', '请执行 sudo usermod -aG {group} $USER，然后重新登录'],
  ),
  CV_DOCTOR_GATEWAY: row(
    ['the gateway {url} cannot be reached: {detail}', 'check address, network and firewall; events are kept meanwhile'],
    ['无法连接网关 {url}：{detail}', '请检查地址、网络和防火墙；其间数据会保存在本机'],
  ),
  CV_DOCTOR_DENIED: row(
    [
      'the gateway {url} does not let this edge in: {detail}',
      "give the edge's id and token as the gateway has them (broker.embedded.edges)",
    ],
    ['网关 {url} 拒绝该边缘节点接入：{detail}', '请使用网关登记的编号和令牌（broker.embedded.edges）'],
  ),
  CV_DOCTOR_RING: row(
    [
      'files are encrypted on disk, but the ring of clips is not, and {dir} is on a disk: what cameras sent last can be read there',
      'set evidence.clip.ring.dir to a RAM disk such as /dev/shm, if there is memory for evidence.clip.ring.maxBytes',
    ],
    [
      '文件在磁盘上加密，而短视频的循环缓存不加密，且 {dir} 位于磁盘：摄像机最近的码流可从中读出',
      '若内存容得下 evidence.clip.ring.maxBytes，请将 evidence.clip.ring.dir 设为内存盘，如 /dev/shm',
    ],
  ),
  CV_DOCTOR_FFMPEG: row(
    ['cameras are configured, and ffmpeg is not installed', 'sudo apt-get install ffmpeg'],
    ['配置了摄像机，但未安装 ffmpeg', '请执行 sudo apt-get install ffmpeg'],
  ),
});

declare module '../../core/faults.ts' {
  interface FaultTables { doctor: typeof DOCTOR_FAULTS }
}
