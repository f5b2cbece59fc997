/** Reads, checks and compiles description files; cached until the file changes. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { checkPart, ConfigDocument, sortProblems, type ConfigProblem } from '../../core/config/check.ts';
import { explain, FaultError, type Fault } from '../../core/faults.ts';
import { PROTOCOL_DESCRIPTION } from './description.ts';
import './faults.ts';
import type { FrameProtocol } from './protocol.ts';
import { compileProtocol } from './compile-protocol.ts';

const SHIPPED = 'shipped:';
const FOLDER = join(import.meta.dirname, 'descriptions');
/** Descriptions are shorter. */
const MAX_BYTES = 1 << 20;

export type LoadedDescription = { protocol: FrameProtocol; faults: [] } | { protocol: null; faults: [Fault, ...Fault[]] };

const cache = new Map<string, { mtimeMs: number; size: number; loaded: LoadedDescription }>();

export function shippedDescriptions(): string[] {
  return readdirSync(FOLDER).filter((name) => name.endsWith('.yaml')).map((name) => basename(name, '.yaml')).toSorted();
}

/** @param description `shipped:NAME` or a path */
export function loadDescription(description: string): LoadedDescription {
  const path = description.startsWith(SHIPPED) ? join(FOLDER, `${basename(description.slice(SHIPPED.length))}.yaml`) : description;
  try {
    const { mtimeMs, size } = statSync(path);
    const before = cache.get(path);
    if (before && before.mtimeMs === mtimeMs && before.size === size) return before.loaded;
    if (size > MAX_BYTES) throw new RangeError(`${size} bytes`);
    const loaded = readDescription(path, readFileSync(path, 'utf8'));
    cache.set(path, { mtimeMs, size, loaded });
    return loaded;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return {
      protocol: null,
      faults: [
        {
          code: 'CV_DESCRIBED_FILE',
          params: {
            file: description,
            detail: code ?? message,
            shipped: shippedDescriptions()
              .map((name) => SHIPPED + name)
              .join(', '),
          },
        },
      ],
    };
  }
}

/** Checks and compiles the text of a description. Every problem is a fault with its line and column. */
export function readDescription(file: string, text: string): LoadedDescription {
  const document = new ConfigDocument({ path: file, text }, {});
  const checked = checkPart(document, PROTOCOL_DESCRIPTION, [], { en: 'this description', zh: '本描述' });
  const compiled = document.problems.length === 0 && checked.value ? compileProtocol(checked.value) : null;
  if (compiled?.protocol) return { protocol: compiled.protocol, faults: [] };
  const structure = (compiled?.problems ?? []).flatMap(({ path, en, zh }): Fault[] => [
    faultAt(file, document.place(path, path.length === 0 ? 'key' : 'value'), { en: [en, ''], zh: [zh, ''] }),
  ]);
  const [first, ...rest] = [...sortProblems([...document.problems, ...checked.problems]).map(faultOf), ...structure];
  return { protocol: null, faults: [first ?? { code: 'CV_DESCRIBED_FILE', params: { file, detail: 'empty', shipped: '' } }, ...rest] };
}

function faultOf({ file, line, column, fault }: ConfigProblem): Fault {
  const [en, zh] = [explain(fault, 'en'), explain(fault, 'zh-CN')];
  return faultAt(file, { line, column }, { en: [en.message, en.remedy], zh: [zh.message, zh.remedy] });
}

const REFERENCE = { en: 'see docs/described-frames.md', zh: '见 docs/described-frames.zh-CN.md' };

function faultAt(
  file: string,
  { line, column }: { line: number; column: number },
  { en, zh }: { en: [string, string]; zh: [string, string] },
): Fault {
  return {
    code: 'CV_DESCRIBED_INVALID',
    params: { file, line, column, problem: en[0], problemZh: zh[0], remedy: en[1] || REFERENCE.en, remedyZh: zh[1] || REFERENCE.zh },
  };
}

/** @throws the first fault of the description */
export function loadProtocol(description: string): FrameProtocol {
  const { protocol, faults } = loadDescription(description);
  if (protocol) return protocol;
  const { code, params } = faults[0];
  throw new FaultError(code, params);
}
