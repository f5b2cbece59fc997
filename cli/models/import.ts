/** `cityvitals models import`: writes a manifest for an ONNX file, listing its guesses. */
import { createHash } from 'node:crypto';
import { access, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { FaultError } from '../../core/faults.ts';
import { inspectOnnx } from '../../models/convert/onnx.ts';
import { describeGraph } from '../../models/describe-graph.ts';
import { manifestText } from '../../models/manifest-text.ts';
import { EXIT, type CommandTerminal } from '../terminal.ts';
import { reportWriteError } from './download.ts';
import '../faults.ts';
import '../../models/faults.ts';

export interface ImportOptions {
  family?: string;
  name?: string;
  /** A file with one class a line, or the names themselves with commas between. */
  classes?: string;
  licence?: string;
  source?: string;
  /** `640` or `640x384`: width and height. */
  size?: string;
}

export async function importModel(
  file: string,
  { family, name, classes, licence, source, size }: ImportOptions,
  terminal: CommandTerminal,
): Promise<number> {
  const path = resolve(file);
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new FaultError('CV_MODEL_GRAPH', { detail: `${path}: ${error.code ?? error.message}` });
  });
  const head = inspectOnnx(bytes);
  if (!head) throw new FaultError('CV_MODEL_GRAPH', { detail: path });
  const { spec, guesses } = describeGraph(
    { path, head, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length },
    {
      name:
        name ??
        basename(path)
          .replace(/\.onnx$/i, '')
          .toLowerCase()
          .replace(/[^a-z0-9._-]+/g, '-'),
      ...(family !== undefined && { family }),
      ...(classes !== undefined && { classes: await namesOf(classes) }),
      ...(licence !== undefined && { licence }),
      ...(source !== undefined && { source }),
      ...(size !== undefined && { size: sizeOf(size) }),
    },
  );
  const manifest = join(dirname(path), `${basename(path).replace(/\.onnx$/i, '')}.yaml`);
  const isTaken = await access(manifest).then(() => true, () => false);
  if (isTaken) throw new FaultError('CV_PULL_NOT_WRITTEN', { path: manifest, detail: 'EEXIST' });
  const remarks = guesses.map((guess) => terminal.text(guess));
  await reportWriteError(manifest, () =>
    writeFile(
      manifest,
      manifestText({ ...spec, file: basename(path) }, [
        terminal.text({ en: 'Guessed, please check:', zh: '以下为推断，请核对：' }),
        ...remarks.map((remark) => `- ${remark}`),
      ]),
      { flag: 'wx' },
    ),
  );
  if (terminal.json) terminal.record({ model: spec.id, manifest, family: spec.family, classes: spec.classes.length, guesses: remarks });
  else {
    terminal.print(manifest);
    for (const remark of remarks) terminal.print(`  ${terminal.text({ en: 'guessed', zh: '推断' })}: ${remark}`);
    terminal.print(
      terminal.text({
        en: `  check it, then: cityvitals models run ${manifest} PICTURE`,
        zh: `  核对后运行：cityvitals models run ${manifest} 图像`,
      }),
    );
  }
  return EXIT.ok;
}

/** @throws FaultError CV_INPUT_INVALID */
function sizeOf(size: string): { width: number; height: number } {
  const [, width, height = width] = /^([1-9]\d{0,3})(?:x([1-9]\d{0,3}))?$/.exec(size) ?? [];
  if (width === undefined) throw new FaultError('CV_INPUT_INVALID', { key: '--size', given: size });
  return { width: Number(width), height: Number(height) };
}

async function namesOf(classes: string): Promise<string[]> {
  const text = await readFile(classes, 'utf8').catch(() => null);
  return (text === null ? classes.split(',') : text.split('\n')).map((name) => name.trim()).filter((name) => name !== '');
}
