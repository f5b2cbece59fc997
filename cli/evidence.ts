/**
 * `cityvitals evidence list|export`: clips of events, on the edge that keeps them. Clips stay on the edge; an export is
 * recorded with user and reason in a journal beside them.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { AtRestKeys } from '../log/at-rest/keys.ts';
import { contentStream } from '../log/evidence/evidence-content.ts';
import { listEvidence, type ListedEvidence } from '../log/evidence/evidence-file.ts';
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
  const { folder, keys } = await clipsOf(terminal, options);
  for (const file of await filesOf(folder)) {
    const { path, atMs, encryption, ...said } = file;
    const { camera, points, seconds } = await readClipMetadata(file, keys);
    if (terminal.json) terminal.record({ ...said, at: atMs, camera, points, seconds, path, key: encryption?.id ?? null });
    else
      terminal.print(
        `${file.sha256.slice(0, 16)}  ${new Date(atMs + CHINA_MS).toISOString().slice(0, 19).replace('T', ' ')}  ${camera.padEnd(16)} ${`${seconds ?? '?'} s`.padStart(8)} ${formatBytes(file.bytes).padStart(10)}  ${points}`,
      );
  }
}

async function exportClip(terminal: CommandTerminal, wanted: string, { out = '', reason = '', ...options }: Options): Promise<void> {
  const { folder, keys } = await clipsOf(terminal, options);
  const fitting =
    wanted.length < LEAST_CHARACTERS ? [] : (await filesOf(folder)).filter(({ sha256 }) => sha256.startsWith(wanted.toLowerCase()));
  const [file] = fitting;
  if (!file || fitting.length > 1) return exitWithFault(terminal, new FaultError('CV_CLIP_GONE', { sha256: wanted }), EXIT.missing);
  const target = resolve(out);
  const journal = await openJournal(join(folder, 'exports')).catch((error: Error) =>
    exitWithFault(terminal, unreadable(join(folder, 'exports'), error)),
  );
  try {
    const hash = createHash('sha256');
    for await (const chunk of contentStream(file, keys)) hash.update(chunk as Buffer);
    const isWhole = hash.digest('hex') === file.sha256;
    if (!isWhole) return exitWithFault(terminal, new FaultError('CV_CLIP_GONE', { sha256: file.sha256 }), EXIT.found);
    if (existsSync(target)) return exitWithFault(terminal, new FaultError('CV_INPUT_INVALID', { key: 'out', given: target }), EXIT.usage);
    // The journal first: no export without an entry.
    await journal.append({ at: Date.now(), kind: 'export', sha256: file.sha256, by: userInfo().username, reason, out: target });
    await writeNew(target, file, keys).catch((error: Error) =>
      exitWithFault(terminal, error instanceof FaultError ? error : unreadable(target, error)),
    );
  } finally {
    await journal.close();
  }
  if (terminal.json) terminal.record({ sha256: file.sha256, bytes: file.bytes, out: target });
  else terminal.print(`${file.sha256} → ${target}`);
}

/** What it could not write whole is removed; what was there before is not touched. */
async function writeNew(target: string, file: ListedEvidence, keys: AtRestKeys): Promise<void> {
  const handle = await open(target, 'wx', 0o600);
  await pipeline(contentStream(file, keys), handle.createWriteStream()).catch(async (error: unknown) => {
    await rm(target, { force: true });
    throw error;
  });
}

async function clipsOf(terminal: CommandTerminal, { config = 'edge.yaml' }: Options): Promise<{ folder: string; keys: AtRestKeys }> {
  const path = resolve(config);
  const { setup, problems } = await loadEdge({ path, text: configText(terminal, path) });
  printProblems(terminal, problems);
  if (!setup) process.exit(EXIT.usage);
  // Also when clips are disabled now.
  const folder = setup.evidence?.clip?.dir ?? join(setup.evidence?.dir ?? join(setup.log.dir, 'evidence'), 'clips');
  return { folder, keys: new AtRestKeys(setup.atRest) };
}

async function filesOf(folder: string): Promise<ListedEvidence[]> {
  if (!existsSync(join(folder, 'kept'))) return [];
  return listEvidence(folder, 'kept').catch((error: Error) => { throw unreadable(folder, error); });
}

/** Embedded metadata; files without it, and those whose key is not there, are listed too. */
async function readClipMetadata(file: ListedEvidence, keys: AtRestKeys): Promise<ClipMetadata> {
  try {
    const { format: { duration, tags } } = JSON.parse(await probe(file, keys)) as {
      format: { duration: string; tags: Record<string, string> };
    };
    const { camera, of } = parseJson(tags.comment ?? tags.COMMENT ?? '') as { camera: string; of: { point: string }[] };
    return { camera, points: [...new Set(of.map(({ point }) => point))].join(' '), seconds: Math.round(Number(duration) * 10) / 10 };
  } catch {
    return { camera: '?', points: '', seconds: null };
  }
}

async function probe(file: ListedEvidence, keys: AtRestKeys): Promise<string> {
  const child = spawn('ffprobe', [
    '-v', 'error', '-show_entries', 'format=duration:format_tags=comment', '-of', 'json', file.encryption ? 'pipe:0' : file.path,
  ], { stdio: [file.encryption ? 'pipe' : 'ignore', 'pipe', 'ignore'] });
  const output: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
  const ended = once(child, 'close');
  // It reads no further than it needs.
  const given = child.stdin ? pipeline(contentStream(file, keys), child.stdin) : Promise.resolve();
  await Promise.all([given.catch((error: unknown) => { if (error instanceof FaultError) throw error; }), ended]);
  return Buffer.concat(output).toString('utf8');
}

const unreadable = (path: string, error: Error) =>
  new FaultError('CV_CONFIG_UNREADABLE', { path, detail: (error as NodeJS.ErrnoException).code ?? error.message }, { cause: error });
