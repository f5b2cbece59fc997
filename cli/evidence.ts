/**
 * `cityvitals evidence list|export`: clips of events, on the edge that keeps them. Clips stay on the edge; an export is
 * recorded with user and reason in a journal beside them.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { copyFile, readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { listKeptEvidence } from '../log/evidence/evidence-folder.ts';
import { FaultError } from '../core/faults.ts';
import { openJournal } from '../log/journal.ts';
import { formatBytes } from '../core/quantity.ts';
import { parseJson } from '../core/wire/json.ts';
import { loadEdge } from './load.ts';
import { configText, printProblems } from './service.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';
import './faults.ts';
import '../log/evidence/faults.ts';

interface Options {
  config?: string;
  out?: string;
  reason?: string;
}

interface ClipMetadata {
  camera: string;
  points: string;
  seconds: number | null;
}

const run = promisify(execFile);
const CHINA_MS = 8 * 3_600_000;
/** Minimum prefix of a hash. */
const LEAST_CHARACTERS = 8;

export function define(terminal: CommandTerminal): Command {
  const { text } = terminal;
  const command = new Command();
  const sub = (name: string, words: { en: string; zh: string }) =>
    command
      .command(name)
      .description(text(words))
      .option('-c, --config <file>', text({ en: 'configuration of the edge; default ./edge.yaml', zh: '边缘节点配置；默认 ./edge.yaml' }))
      .option('--json', text({ en: 'one JSON line a result', zh: '每条结果输出一行 JSON' }))
      .option('--lang <language>');
  sub('list', { en: 'list the clips on this edge, newest first', zh: '本边缘节点保存的短视频，最新在前' }).action(
    (_options: unknown, self: Command) => list(terminal, self.opts<Options>()).catch((error: unknown) => exitWithFault(terminal, error)),
  );
  sub('export', { en: 'export a clip; user and reason are recorded', zh: '导出一段；导出人及理由写入记录' })
    .argument('<sha256>', text({ en: `its hash, or the first ${LEAST_CHARACTERS} or more of it`, zh: `哈希，或其前 ${LEAST_CHARACTERS} 位以上` }))
    .requiredOption('--reason <words>', text({ en: 'reason', zh: '依据' }))
    .requiredOption('--out <file>', text({ en: 'output file; never overwritten', zh: '导出到；不覆盖已有文件' }))
    .action((sha256: string, _options: unknown, self: Command) =>
      exportClip(terminal, sha256, self.opts<Options>()).catch((error: unknown) => exitWithFault(terminal, error)),
    );
  return command.addHelpText(
    'after',
    `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals evidence list --config edge.yaml\n  cityvitals evidence export 1f0c9a2b --out clip.mp4 --reason '${text({ en: 'case 2026-118', zh: '案件 2026-118' })}'`,
  );
}

async function list(terminal: CommandTerminal, options: Options): Promise<void> {
  for (const { path, atMs, ...file } of await filesOf(await folderOf(terminal, options))) {
    const { camera, points, seconds } = await readClipMetadata(path);
    if (terminal.json) terminal.record({ ...file, at: atMs, camera, points, seconds, path });
    else
      terminal.print(
        `${file.sha256.slice(0, 16)}  ${new Date(atMs + CHINA_MS).toISOString().slice(0, 19).replace('T', ' ')}  ${camera.padEnd(16)} ${`${seconds ?? '?'} s`.padStart(8)} ${formatBytes(file.bytes).padStart(10)}  ${points}`,
      );
  }
}

async function exportClip(terminal: CommandTerminal, wanted: string, { out = '', reason = '', ...options }: Options): Promise<void> {
  const folder = await folderOf(terminal, options);
  const fitting =
    wanted.length < LEAST_CHARACTERS ? [] : (await filesOf(folder)).filter(({ sha256 }) => sha256.startsWith(wanted.toLowerCase()));
  const [file] = fitting;
  if (!file || fitting.length > 1) return exitWithFault(terminal, new FaultError('CV_CLIP_GONE', { sha256: wanted }), EXIT.missing);
  const target = resolve(out);
  const journal = await openJournal(join(folder, 'exports')).catch((error: Error) =>
    exitWithFault(terminal, unreadable(join(folder, 'exports'), error)),
  );
  try {
    const isWhole = createHash('sha256').update(await readFile(file.path)).digest('hex') === file.sha256;
    if (!isWhole) return exitWithFault(terminal, new FaultError('CV_CLIP_GONE', { sha256: file.sha256 }), EXIT.found);
    if (existsSync(target)) return exitWithFault(terminal, new FaultError('CV_INPUT_INVALID', { key: 'out', given: target }), EXIT.usage);
    // The journal first: no export without an entry.
    await journal.append({ at: Date.now(), kind: 'export', sha256: file.sha256, by: userInfo().username, reason, out: target });
    await copyFile(file.path, target, constants.COPYFILE_EXCL).catch((error: Error) => exitWithFault(terminal, unreadable(target, error)));
  } finally {
    await journal.close();
  }
  if (terminal.json) terminal.record({ sha256: file.sha256, bytes: file.bytes, out: target });
  else terminal.print(`${file.sha256} → ${target}`);
}

async function folderOf(terminal: CommandTerminal, { config = 'edge.yaml' }: Options): Promise<string> {
  const path = resolve(config);
  const { setup, problems } = await loadEdge({ path, text: configText(terminal, path) });
  printProblems(terminal, problems);
  if (!setup) process.exit(EXIT.usage);
  // Also when clips are disabled now.
  return setup.evidence?.clip?.dir ?? join(setup.evidence?.dir ?? join(setup.log.dir, 'evidence'), 'clips');
}

async function filesOf(folder: string) {
  if (!existsSync(join(folder, 'kept'))) return [];
  return listKeptEvidence(folder).catch((error: Error) => { throw unreadable(folder, error); });
}

/** Embedded metadata; files without it are listed too. */
async function readClipMetadata(path: string): Promise<ClipMetadata> {
  try {
    const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', 'format=duration:format_tags=comment', '-of', 'json', path]);
    const { format: { duration, tags } } = JSON.parse(stdout) as { format: { duration: string; tags: Record<string, string> } };
    const { camera, of } = parseJson(tags.comment ?? tags.COMMENT ?? '') as { camera: string; of: { point: string }[] };
    return { camera, points: [...new Set(of.map(({ point }) => point))].join(' '), seconds: Math.round(Number(duration) * 10) / 10 };
  } catch {
    return { camera: '?', points: '', seconds: null };
  }
}

const unreadable = (path: string, error: Error) =>
  new FaultError('CV_CONFIG_UNREADABLE', { path, detail: (error as NodeJS.ErrnoException).code ?? error.message }, { cause: error });
