/** `cityvitals <command>`: each command is one file beside this one, loaded only when it is called. */
import { Command } from 'commander';
import { EXIT, openTerminal, type CommandTerminal } from './terminal.ts';
import { localizeHelp } from './usage.ts';

interface Entry {
  name: string;
  en: string;
  zh: string;
  load(): Promise<{ define(terminal: CommandTerminal): Command }>;
}

const COMMANDS: Entry[] = [
  {
    name: 'demo',
    en: 'a small town on this machine: devices, edge, gateway, console',
    zh: '在本机运行一个小镇：设备、边缘节点、网关、控制台',
    load: () => import('./demo.ts'),
  },
  {
    name: 'edge',
    en: 'run an edge: read devices, store and forward',
    zh: '运行边缘节点：采集、缓存、上送',
    load: () => import('./edge.ts'),
  },
  {
    name: 'gateway',
    en: 'run a gateway: receive, store, warn, show',
    zh: '运行网关：接收、存储、预警、展示',
    load: () => import('./gateway.ts'),
  },
  {
    name: 'enrol',
    en: 'enrol this box at a gateway with a one-time code: key, certificate, CA',
    zh: '凭一次性入网码将本机接入网关：私钥、证书、CA',
    load: () => import('./enrol.ts'),
  },
  { name: 'check', en: 'check a configuration, then read every point once', zh: '检查配置，并逐点试读', load: () => import('./check.ts') },
  { name: 'discover', en: 'list what a device offers as points', zh: '浏览设备可提供的测点', load: () => import('./discover.ts') },
  { name: 'decode', en: 'decode bytes of a device', zh: '解析设备字节', load: () => import('./decode.ts') },
  { name: 'record', en: 'record a running device, or a capture, as a case', zh: '把运行中的设备或抓包录制为案例', load: () => import('./record.ts') },
  { name: 'replay', en: 'replay a case through its drivers', zh: '经驱动回放案例', load: () => import('./replay.ts') },
  { name: 'case', en: 'compare cases, accept the results of one', zh: '比较案例、确认案例的预期结果', load: () => import('./case.ts') },
  {
    name: 'doctor',
    en: 'check this machine: disk and wear, clock, power, ports, gateway',
    zh: '检查本机：磁盘及磨损、时钟、供电、串口、网关',
    load: () => import('./doctor.ts'),
  },
  { name: 'models', en: 'list, verify and run detectors', zh: '列出、校验、运行检测模型', load: () => import('./models.ts') },
  {
    name: 'evidence',
    en: 'list and export event clips kept on an edge',
    zh: '边缘节点保存的事件短视频：列出、导出',
    load: () => import('./evidence.ts'),
  },
  {
    name: 'command',
    en: 'send a command to an edge through its gateway: read, write, snapshot',
    zh: '经网关向边缘节点下达命令：读取、写入、抓拍',
    load: () => import('./command.ts'),
  },
  {
    name: 'devices',
    en: 'list device bindings of a gateway; bind a device to another edge',
    zh: '经网关查看设备所属的边缘节点、改绑设备',
    load: () => import('./devices.ts'),
  },
  {
    name: 'user',
    en: 'users of a gateway: add, list, disable, link for a password',
    zh: '网关用户：添加、列出、停用、设置密码的链接',
    load: () => import('./user.ts'),
  },
  {
    name: 'enrolment',
    en: 'one-time codes of a gateway, by which boxes get certificates: add, list, remove',
    zh: '网关入网码（设备凭此取得证书）：生成、列出、作废',
    load: () => import('./enrolment.ts'),
  },
  {
    name: 'certificates',
    en: 'certificates of edges at a gateway: list, revoke',
    zh: '网关颁发给边缘节点的证书：列出、吊销',
    load: () => import('./certificates.ts'),
  },
  {
    name: 'audit',
    en: 'the audit record of a gateway: show, verify; verify the record of commands',
    zh: '网关审计记录：查看、校验；校验命令记录',
    load: () => import('./audit.ts'),
  },
  {
    name: 'status',
    en: 'status of a running edge or gateway, with live counts',
    zh: '查看运行中的边缘节点或网关：全程实时计数',
    load: () => import('./status.ts'),
  },
  {
    name: 'verify',
    en: 'verify all data of an edge or a gateway: log, audit journal, store, warnings',
    zh: '校验边缘节点或网关保存的全部数据：事件日志、命令记录、时序库、预警',
    load: () => import('./verify.ts'),
  },
  { name: 'drivers', en: 'list drivers with their settings and points', zh: '列出驱动及其设置和测点', load: () => import('./drivers.ts') },
];

/** Long-running commands: never block on a slow reader of stdout. */
const SERVICES = new Set(['edge', 'gateway', 'demo', 'status']);

/**
 * Node buffers what does not fit into a pipe, and `process.exit` drops that buffer: a slow reader would miss the end of a
 * result. So writes to stdout are blocking.
 */
function writeInFull(): void {
  (process.stdout as { _handle?: { setBlocking?(isBlocking: boolean): void } })._handle?.setBlocking?.(true);
}

async function main(): Promise<void> {
  // `cityvitals drivers | head`: a closed pipe is not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => { process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.found); });
  const argv = process.argv.slice(2);
  const terminal = openTerminal(argv, process.env);
  const program = new Command('cityvitals')
    .description(terminal.text({ en: 'cityvitals: from devices to risk warnings, without data loss', zh: '城市体征：从设备到风险提示，数据一条不丢' }))
    .option('--lang <language>', terminal.text({ en: 'zh-CN or en', zh: 'zh-CN 或 en' }));
  const wanted = argv.find((argument, index) => !argument.startsWith('-') && argv[index - 1] !== '--lang');
  if (!SERVICES.has(wanted ?? '')) writeInFull();
  for (const entry of COMMANDS) {
    if (entry.name !== wanted) {
      program.command(entry.name).description(terminal.text(entry));
      continue;
    }
    const command = (await entry.load()).define(terminal).name(entry.name).description(terminal.text(entry));
    command.option('--lang <language>').option('--json', terminal.text({ en: 'one JSON line per result', zh: '每条结果输出一行 JSON' }));
    program.addCommand(command);
  }
  localizeHelp(program, terminal);
  await program.parseAsync(process.argv);
}

await main();
