/**
 * Verifies a record with nothing but its folder and public keys: each line follows the one before, each signature is of a
 * key that is known, and it goes from where `begin.json` says to where `head.json` says. Reads only, also beside a gateway
 * that runs.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fault } from '../../core/faults.ts';
import {
  auditFileName,
  BEGIN_FILE,
  CHAIN_START,
  HEAD_FILE,
  hashOfLine,
  listAuditFiles,
  readAuditLine,
  splitLines,
  utcDay,
  type AuditFile,
  type ChainEnd,
  type ReadLine,
} from './audit-line.ts';
import { readLandmark, type Landmark, type ReadLandmark } from './landmarks.ts';
import { DAMAGE_ZH } from './recovery.ts';
import { isSigned, type PublicKeys } from './signed-text.ts';
import './faults.ts';

export interface AuditVerification {
  faults: Fault[];
  files: number;
  lines: number;
  checkpoints: number;
  /** The first line that is there; 0: none. */
  from: number;
  /** The newest line, and its hash: what to note down elsewhere. */
  end: ChainEnd;
  /** Whole lines behind the signed head: written just now, or just before the power went. */
  unconfirmed: number;
}

interface Chain extends AuditVerification {
  keys: PublicKeys;
  head: Landmark | null;
  isHeadSeen: boolean;
}

type Words = readonly [en: string, zh: string];
const NOT_SIGNED: Words = ['not signed by a key of this gateway', '不是本网关密钥的签名'];

/** @throws the system's error where the folder cannot be read */
export async function verifyAuditRecord(dir: string, keys: PublicKeys): Promise<AuditVerification> {
  for (let tries = 3; ; tries -= 1) {
    const begin = await readLandmark(dir, 'begin', keys);
    try {
      const verified = await verifyOnce(dir, keys, begin);
      const beginAfter = await readLandmark(dir, 'begin', keys);
      if (beginAfter.mark?.seq === begin.mark?.seq || tries <= 1) return verified;
    } catch (error) {
      // Removed by its age while it was read.
      if (tries <= 1 || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}

async function verifyOnce(dir: string, keys: PublicKeys, begin: ReadLandmark): Promise<AuditVerification> {
  // First: the lines that are read after it go at least as far.
  const head = await readLandmark(dir, 'head', keys);
  const start: ChainEnd = begin.mark ?? { seq: 0, hash: CHAIN_START };
  const chain: Chain = {
    faults: [],
    files: 0,
    lines: 0,
    checkpoints: 0,
    from: 0,
    end: { seq: start.seq, hash: start.hash },
    unconfirmed: 0,
    keys,
    head: head.mark,
    isHeadSeen: head.mark?.seq === start.seq && head.mark.hash === start.hash,
  };
  const files = (await listAuditFiles(dir)).filter(({ firstSeq }) => firstSeq > start.seq);
  if (begin.state === 'bad') chain.faults.push(signatureFault(BEGIN_FILE, 1, ...NOT_SIGNED));
  for (const file of files) takeFile(chain, file, await readFile(join(dir, file.name)), file === files.at(-1));
  checkHead(chain, head, files.at(-1)?.name ?? HEAD_FILE);
  const { keys: _keys, head: _head, isHeadSeen: _seen, ...verified } = chain;
  return verified;
}

function takeFile(chain: Chain, file: AuditFile, bytes: Uint8Array, isLast: boolean): void {
  const { lines, rest } = splitLines(bytes);
  chain.files += 1;
  for (const [index, line] of lines.entries()) takeLine(chain, { file: file.name, line: index + 1 }, line);
  // The newest may be being written, or was when the power went.
  if (rest.length > 0 && !isLast) chain.faults.push(changedFault(file.name, lines.length + 1, 'a line is cut short', '行不完整'));
}

function takeLine(chain: Chain, place: { file: string; line: number }, bytes: Uint8Array): void {
  const { file, line } = place;
  const text = Buffer.from(bytes).toString();
  const read = readAuditLine(text);
  chain.lines += 1;
  if (!read) {
    chain.faults.push(changedFault(file, line, 'not a line of the record', '不是有效的审计记录'));
    // Whatever stood there: the next line says whether it was this one.
    chain.end = { seq: chain.end.seq + 1, hash: hashOfLine(bytes) };
    return;
  }
  follow(chain, place, read);
  if (line === 1 && auditFileName(read.entry.seq, utcDay(read.entry.at)) !== file)
    chain.faults.push(changedFault(file, line, 'the name of the file does not fit', '文件名与内容不符'));
  if (line === 1 && read.entry.kind !== 'checkpoint')
    chain.faults.push(signatureFault(file, line, 'the file does not begin with a signature', '文件开头没有签名'));
  if (read.entry.kind === 'checkpoint') checkCheckpoint(chain, place, text, read);
  if (read.entry.kind === 'damage') {
    const { what, details } = read.entry;
    chain.faults.push({ code: 'CV_AUDIT_REPORTED', params: { file, line, what, whatZh: DAMAGE_ZH[String(details?.part)] ?? what } });
  }
  chain.end = { seq: read.entry.seq, hash: hashOfLine(bytes) };
  if (chain.from === 0) chain.from = read.entry.seq;
  if (chain.end.seq === chain.head?.seq) chain.isHeadSeen = chain.end.hash === chain.head.hash;
}

function follow(chain: Chain, { file, line }: { file: string; line: number }, { entry: { seq }, prev }: ReadLine): void {
  const wanted = chain.end.seq + 1;
  if (seq > wanted) chain.faults.push({ code: 'CV_AUDIT_MISSING', params: { file, from: wanted, to: seq - 1 } });
  else if (seq < wanted)
    chain.faults.push(changedFault(file, line, `number ${seq} where ${wanted} belongs`, `此处应为第 ${wanted} 号，实为第 ${seq} 号`));
  else if (prev !== chain.end.hash)
    chain.faults.push(changedFault(file, line, 'it does not follow the line before', '与上一行不连续'));
}

function checkCheckpoint(chain: Chain, { file, line }: { file: string; line: number }, text: string, { entry }: ReadLine): void {
  const id = String(entry.details?.key);
  const key = chain.keys.get(id);
  chain.checkpoints += 1;
  if (!key) chain.faults.push(signatureFault(file, line, `signed by an unknown key ${id}`, `签名密钥 ${id} 未知`));
  else if (!isSigned('checkpoint', text, key))
    chain.faults.push(signatureFault(file, line, 'the signature does not fit', '签名不符'));
}

function checkHead(chain: Chain, { state, mark }: ReadLandmark, lastFile: string): void {
  if (!mark) {
    const words: Words = state === 'bad' ? NOT_SIGNED : ['it is missing', '文件缺失'];
    return void chain.faults.push(signatureFault(HEAD_FILE, 1, ...words));
  }
  if (chain.end.seq < mark.seq)
    chain.faults.push({ code: 'CV_AUDIT_MISSING', params: { file: lastFile, from: chain.end.seq + 1, to: mark.seq } });
  else if (!chain.isHeadSeen)
    chain.faults.push(signatureFault(HEAD_FILE, 1, `line ${mark.seq} is not the one that was signed`, `第 ${mark.seq} 号记录与签名不符`));
  chain.unconfirmed = Math.max(0, chain.end.seq - mark.seq);
}

const changedFault = (file: string, line: number, detail: string, detailZh: string): Fault => ({
  code: 'CV_AUDIT_CHANGED',
  params: { file, line, detail, detailZh },
});
const signatureFault = (file: string, line: number, detail: string, detailZh: string): Fault => ({
  code: 'CV_AUDIT_SIGNATURE',
  params: { file, line, detail, detailZh },
});
