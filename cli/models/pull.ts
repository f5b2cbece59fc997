/** `cityvitals models pull`: installs a model's graph from a URL or a bundle, and verifies it. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FaultError } from '../../core/faults.ts';
import type { ModelSpec } from '../../core/model.ts';
import { graphPath } from '../../models/verify.ts';
import { manifestText } from '../../models/manifest-text.ts';
import { openProgress } from '../progress.ts';
import { EXIT, type CommandTerminal } from '../terminal.ts';
import { readFromBundle } from './bundle.ts';
import { downloadFile, sha256OfFile, reportWriteError } from './download.ts';
import '../../models/faults.ts';

export interface PullOptions {
  from?: string;
  /** Where model.yaml and graph go, in a folder of the model's name; default: where the registry looks. */
  dir?: string;
}

export async function pullModel(spec: ModelSpec, { from, dir }: PullOptions, terminal: CommandTerminal): Promise<number> {
  const folder = dir === undefined ? undefined : join(resolve(dir), spec.id);
  const path = folder === undefined ? graphPath(spec) : join(folder, basename(spec.file));
  const isHere = (await sha256OfFile(path).catch(() => null)) === spec.sha256;
  const source = from ?? spec.url;
  if (!isHere) {
    if (source === undefined) throw new FaultError('CV_PULL_SOURCE', { model: spec.id });
    terminal.remark(terminal.text({ en: `licence: ${spec.licence}`, zh: `许可：${spec.licence}` }));
    await fetchGraph(spec, source, path, terminal);
  }
  const manifest = folder === undefined ? null : join(folder, 'model.yaml');
  if (manifest !== null) await reportWriteError(manifest, () => writeFile(manifest, manifestText({ ...spec, file: basename(spec.file) })));
  if (terminal.json) terminal.record({ model: spec.id, path, manifest, sha256: spec.sha256, wasHere: isHere });
  else
    terminal.print(
      terminal.text({
        en: `${spec.id}: ${isHere ? 'already installed' : 'installed'} (${manifest ?? path})`,
        zh: `${spec.id}：${isHere ? '原已就绪' : '已就绪'}（${manifest ?? path}）`,
      }),
    );
  return EXIT.ok;
}

async function fetchGraph(spec: ModelSpec, source: string, path: string, terminal: CommandTerminal): Promise<void> {
  if (/^https?:/.test(source)) {
    const progress = openProgress(terminal, { id: 'pull', en: `downloading ${spec.id}`, zh: `正在下载 ${spec.id}`, unit: 'bytes' });
    try {
      await downloadFile({ model: spec.id, url: source, path, sha256: spec.sha256, bytes: spec.bytes }, (bytes, of) =>
        progress.update(bytes, of ?? spec.bytes ?? null),
      );
    } finally {
      progress.end();
    }
    return;
  }
  const bytes = await readFromBundle(source.startsWith('file:') ? fileURLToPath(new URL(source)) : source, spec.id, spec.sha256);
  const draft = `${path}.${process.pid}.draft`;
  await reportWriteError(path, async () => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(draft, bytes);
    await rename(draft, path);
  }).finally(() => rm(draft, { force: true }));
}
