/** `cityvitals enrol --gateway URL --code CODE`: gives this box a key and a certificate of its gateway. */
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { parseDocument, type Document } from 'yaml';
import { tooDeepLine } from '../core/config/nesting.ts';
import { IDS } from '../core/event.ts';
import { FaultError } from '../core/faults.ts';
import { formatDuration } from '../core/quantity.ts';
import { authorityDigest, dayOf, validityOf } from '../core/certificates.ts';
import { enrol, type Enrolment } from '../edge/identity/enrol.ts';
import { realIdentityFiles } from '../edge/identity/real-identity-files.ts';
import '../edge/identity/faults.ts';
import { writeFileAtomically } from '../log/atomic-write.ts';
import { boxClock } from './doctor/identity.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';
import './faults.ts';

interface Options {
  gateway: string;
  code?: string;
  config?: string;
  edge?: string;
  replaces?: string;
  dir?: string;
  write?: true;
}

const DEFAULT_FOLDER = './identity';
const CLOCK_TOLD_FROM_MS = 60_000;

export function define(terminal: CommandTerminal): Command {
  const { text } = terminal;
  return new Command()
    .requiredOption('--gateway <url>', text({ en: "https address of the gateway's API", zh: '网关接口的 https 地址' }))
    .option(
      '--code <code>',
      text({
        en: 'enrolment code; default: CITYVITALS_ENROLMENT_CODE, which other users of this machine cannot see',
        zh: '入网码；默认取环境变量 CITYVITALS_ENROLMENT_CODE（同机其他用户看不到）',
      }),
    )
    .option('-c, --config <file>', text({ en: 'configuration of this edge', zh: '边缘节点的配置文件' }), 'edge.yaml')
    .option('--edge <id>', text({ en: 'id of this edge; default: that of the configuration', zh: '边缘节点编号；默认取自配置文件' }))
    .option(
      '--replaces <edge>',
      text({ en: 'edge whose place this one takes; the code must say the same', zh: '被本节点替换的边缘节点；须与入网码一致' }),
    )
    .option(
      '--dir <folder>',
      text({
        en: 'identity folder; default: that of the configuration, else ./identity beside it',
        zh: '身份目录；默认取自配置文件，否则为其旁的 ./identity',
      }),
    )
    .option('--write', text({ en: 'write address and folder into the configuration', zh: '将地址和目录写入配置文件' }))
    .addHelpText(
      'after',
      `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals enrol --gateway https://10.0.0.5:8443 --code MFRGG…-ABCDE… --config edge.yaml --write`,
    )
    .action((options: Options) => run(terminal, options).catch((error: unknown) => exitWithFault(terminal, error, exitOf(error))));
}

async function run(terminal: CommandTerminal, options: Options): Promise<void> {
  const gateway = gatewayOf(options.gateway);
  const code = options.code ?? process.env.CITYVITALS_ENROLMENT_CODE ?? '';
  const path = resolve(options.config ?? 'edge.yaml');
  const document = readDocument(path, options);
  const edge = options.edge ?? String(document?.get('edge') ?? '');
  if (!IDS.edge.test(edge)) throw new FaultError('CV_INPUT_INVALID', { key: 'edge', given: edge });
  const configured = document?.getIn(['gateway', 'identity']);
  const dir = options.dir === undefined
    ? resolve(dirname(path), typeof configured === 'string' ? configured : DEFAULT_FOLDER)
    : resolve(options.dir);
  const enrolment = await enrol({ gateway, code, edge, replaces: options.replaces, dir }, realIdentityFiles, await boxClock());
  const isWritten = options.write === true && document !== null;
  if (isWritten) await writeInto(document, path, enrolment);
  tell(terminal, enrolment, path, isWritten);
}

function gatewayOf(text: string): URL {
  if (!URL.canParse(text) || new URL(text).protocol !== 'https:') throw new FaultError('CV_INPUT_INVALID', { key: 'gateway', given: text });
  return new URL(text);
}

/** Its mistakes are the business of `check`: a box may be enrolled before its devices are described. */
function readDocument(path: string, { edge, write }: Options): Document | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (edge !== undefined && write === undefined) return null;
    throw new FaultError('CV_CONFIG_UNREADABLE', { path, detail: (error as NodeJS.ErrnoException).code ?? String(error) });
  }
  const document = tooDeepLine(text) === null ? parseDocument(text, { logLevel: 'error' }) : null;
  if (document && document.errors.length === 0) return document;
  throw new FaultError('CV_CONFIG_UNREADABLE', { path, detail: 'YAML; cityvitals check --offline' });
}

async function writeInto(document: Document, path: string, { identity: { dir, enrolment } }: Enrolment): Promise<void> {
  document.setIn(['gateway', 'url'], enrolment.broker);
  document.setIn(['gateway', 'identity'], relativeTo(path, dir));
  await writeFileAtomically(path, document.toString({ lineWidth: 0 }), { mode: (await stat(path)).mode & 0o777 });
}

function relativeTo(path: string, dir: string): string {
  const way = relative(dirname(path), dir);
  return way.startsWith('..') ? dir : `./${way}`;
}

function tell(terminal: CommandTerminal, { identity, gatewayAheadMs }: Enrolment, path: string, isWritten: boolean): void {
  const { edge, dir, certificate, authorities, enrolment: { centre, broker } } = identity;
  const { notAfterAt } = validityOf(certificate);
  const ca = authorities.map(authorityDigest);
  const folder = relativeTo(path, dir);
  if (terminal.json) return terminal.record({ edge, centre, dir, broker, notAfterAt, ca, gatewayAheadMs, config: isWritten ? path : null });
  const { print, text } = terminal;
  print(text({ en: `edge ${edge} is enrolled in centre ${centre}`, zh: `边缘节点 ${edge} 已接入中心 ${centre}` }));
  print(text({
    en: `  certificate valid until ${dayOf(notAfterAt)}; the edge renews it by itself`,
    zh: `  证书有效期至 ${dayOf(notAfterAt)}，由边缘节点自动续期`,
  }));
  print(`  CA ${ca.join(', ')}`);
  print(text({ en: `  identity folder ${dir}`, zh: `  身份目录 ${dir}` }));
  if (gatewayAheadMs !== null && Math.abs(gatewayAheadMs) >= CLOCK_TOLD_FROM_MS) {
    const by = formatDuration(Math.round(Math.abs(gatewayAheadMs) / 1000) * 1000);
    print(text({
      en: `  the clock of this box is ${by} ${gatewayAheadMs > 0 ? 'behind' : 'ahead of'} the gateway's`,
      zh: `  本机时钟比网关${gatewayAheadMs > 0 ? '慢' : '快'} ${by}`,
    }));
  }
  if (isWritten) return print(text({ en: `written to ${path}; start the edge`, zh: `已写入 ${path}，可启动边缘节点` }));
  print(text({ en: `put into ${path}:`, zh: `请写入 ${path}：` }));
  print(`gateway: { url: "${broker}", identity: ${folder} }`);
}

const USAGE: ReadonlySet<string> = new Set(['CV_INPUT_INVALID', 'CV_CONFIG_UNREADABLE', 'CV_ENROLMENT_CODE']);
const exitOf = (error: unknown): number => (error instanceof FaultError && USAGE.has(error.fault.code) ? EXIT.usage : EXIT.found);
