/** Whether files are encrypted on disk, which keys those need that are there, and what lies beside them in plain. */
import { statfs } from 'node:fs/promises';
import { FaultError } from '../../core/faults.ts';
import type { EdgeSetup } from '../../edge/config/setup.ts';
import { AtRestKeys, missingKey } from '../../log/at-rest/keys.ts';
import type { AtRestSetup } from '../../log/at-rest/setting.ts';
import { EVIDENCE_SHELVES, listEvidence, type ListedEvidence } from '../../log/evidence/evidence-file.ts';
import { EXIT } from '../terminal.ts';
import { failed, passed, type CheckResult } from './check-result.ts';
import { nearestExistingFolder } from './host.ts';
import './faults.ts';

/** File systems in memory, as the kernel numbers them: tmpfs and ramfs. */
const IN_MEMORY = new Set([0x0102_1994, 0x8584_58f6]);

/** @param folders of evidence; one that is not there yet has no files */
export async function checkAtRest(atRest: AtRestSetup | null | undefined, folders: readonly string[]): Promise<CheckResult[]> {
  let keys: AtRestKeys;
  try {
    keys = new AtRestKeys(atRest);
  } catch (error) {
    if (error instanceof FaultError) return [failed('at-rest', error.fault, EXIT.missing)];
    throw error;
  }
  const files = (await Promise.all(folders.map(evidenceIn))).flat();
  const counts = new Map([...Map.groupBy(files, ({ encryption }) => encryption?.id ?? '')].map(([id, all]) => [id, all.length]));
  const missing = [...counts].filter(([id]) => id !== '' && !keys.has(id));
  return [
    stateOf(keys, counts),
    ...missing.map(([id, count]) => failed('at-rest', missingKey(id, folders.join(', '), count).fault)),
  ];
}

function stateOf({ current }: AtRestKeys, counts: ReadonlyMap<string, number>): CheckResult {
  const plain = counts.get('') ?? 0;
  const encrypted = [...counts].filter(([id]) => id !== '').map(([id, count]) => `${count} (${id})`);
  const data = { key: current?.id ?? null, algorithm: current?.algorithm ?? null, plainFiles: plain };
  const [by, byZh] = encrypted.length > 0 ? [encrypted.join(', '), encrypted.join('、')] : ['0', '0'];
  return current
    ? passed('at-rest', `new files are encrypted: ${current.algorithm}, key ${current.id}; files encrypted, by key: ${by}; not: ${plain}`,
      `新文件加密：${current.algorithm}，密钥 ${current.id}；已加密的文件（按密钥）：${byZh}；未加密：${plain}`, data)
    : passed('at-rest', `new files are not encrypted; files encrypted, by key: ${by}; not: ${plain}`,
      `新文件不加密；已加密的文件（按密钥）：${byZh}；未加密：${plain}`, data);
}

/** Pictures and clips of an edge, also where they are turned off now. */
export function evidenceFolders({ evidence, log }: Pick<EdgeSetup, 'evidence' | 'log'>): string[] {
  const dir = evidence?.dir ?? `${log.dir}/evidence`;
  return [dir, evidence?.clip?.dir ?? `${dir}/clips`];
}

/** The ring of clips is never encrypted: on a disk it can be read for as long as nobody overwrites it. */
export async function checkRing({ evidence, atRest }: Pick<EdgeSetup, 'evidence' | 'atRest'>): Promise<CheckResult[]> {
  if (!atRest || atRest.key === null || !evidence?.clip || process.platform !== 'linux') return [];
  const { dir } = evidence.clip.ring;
  const { type } = await statfs(nearestExistingFolder(dir));
  return IN_MEMORY.has(type)
    ? [passed('at-rest', `the ring of clips is in memory: ${dir}`, `短视频的循环缓存在内存中：${dir}`)]
    : [failed('at-rest', { code: 'CV_DOCTOR_RING', params: { dir } })];
}

async function evidenceIn(dir: string): Promise<ListedEvidence[]> {
  const shelves = EVIDENCE_SHELVES.map((shelf) => listEvidence(dir, shelf).catch(() => []));
  return (await Promise.all(shelves)).flat();
}
