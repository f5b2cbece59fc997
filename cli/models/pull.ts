/** `cityvitals models pull`: brings a model's graph here, from its address or from a bundle, and checks it. */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FaultError } from '../../core/faults.ts';
import type { ModelSpec } from '../../core/model.ts';
import { graphPath } from '../../models/verify.ts';
import { manifestText } from '../../models/manifest-text.ts';
import { openProgress } from '../progress.ts';
import { EXIT, type Terminal } from '../terminal.ts';
import { fromBundle } from './bundle.ts';
import { download, hashOf, written } from './download.ts';
import '../../models/faults.ts';

export interface PullOptions {
  from?: string;
  /** Where model.yaml and graph go, in a folder of the model's name; default: where the registry looks. */
  dir?: string;
}

export async function pull(spec: ModelSpec, { from, dir }: PullOptions, terminal: Terminal): Promise<number> {
  const folder = dir === undefined ? undefined : join(resolve(dir), spec.id);
  const path = folder === undefined ? graphPath(spec) : join(folder, basename(spec.file));
  const isHere = (await hashOf(path).catch(() => null)) === spec.sha256;
  const source = from ?? spec.url;
  if (!isHere) {
    if (source === undefined) throw new FaultError('CV_PULL_SOURCE', { model: spec.id });
    terminal.remark(terminal.text({ en: `licence: ${spec.licence}`, zh: `许可：${spec.licence}` }));
    await bring(spec, source, path, terminal);
  }
  const manifest = folder === undefined ? null : join(folder, 'model.yaml');
  if (manifest !== null) await written(manifest, () => writeFile(manifest, manifestText({ ...spec, file: basename(spec.file) })));
  if (terminal.json) terminal.record({ model: spec.id, path, manifest, sha256: spec.sha256, wasHere: isHere });
  else terminal.print(terminal.text({ en: `${spec.id}: ${isHere ? 'was here already' : 'is here'} (${manifest ?? path})`, zh: `${spec.id}：${isHere ? '原已就绪' : '已就绪'}（${manifest ?? path}）` }));
  return EXIT.ok;
}

async function bring(spec: ModelSpec, source: string, path: string, terminal: Terminal): Promise<void> {
  if (/^https?:/.test(source)) {
    const progress = openProgress(terminal, { id: 'pull', en: `fetching ${spec.id}`, zh: `正在下载 ${spec.id}`, unit: 'bytes' });
    try {
      await download({ model: spec.id, url: source, path, sha256: spec.sha256, bytes: spec.bytes }, (bytes, of) => progress.tell(bytes, of ?? spec.bytes ?? null));
    } finally {
      progress.end();
    }
    return;
  }
  const bytes = await fromBundle(source.startsWith('file:') ? fileURLToPath(new URL(source)) : source, spec.id, spec.sha256);
  const draft = `${path}.${process.pid}.draft`;
  await written(path, async () => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(draft, bytes);
    await rename(draft, path);
  }).finally(() => rm(draft, { force: true }));
}
