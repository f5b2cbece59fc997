/** A YAML file as data that remembers where everything stands and which of it is secret. */
import { join } from 'node:path';
import { isAlias, isMap, isScalar, isSeq, Scalar, type Document, type LineCounter, type Node, type Pair } from 'yaml';
import type { Fault } from '../faults.ts';
import { parseWithRecovery } from './recovery.ts';
import { SYNTAX } from './syntax.ts';
import { pathText, resolvePath, type ConfigProblem, type ConfigPath } from './problem.ts';

export interface ConfigSource {
  path: string;
  text: string;
}

/** What `${env:NAME}`, `${file:PATH}` and `${credential:NAME}` are filled from. `readFile` throws as `fs.readFileSync` does. */
export interface Secrets {
  env?: Readonly<Record<string, string | undefined>>;
  readFile?: (path: string) => string;
  /** All stands as it is written: nothing is filled in. */
  isLiteral?: boolean;
  /** Whether what stands there is made use of. Where it is not, a secret that is not there is not missed: its text stays as it is written. Absent: all of it is. */
  isNeeded?(path: ConfigPath): boolean;
}

const HOLE = /\$\{([^}]*)\}/g;

export class ConfigDocument {
  readonly file: string;
  /** Plain data, secrets filled in; undefined when the file holds nothing. */
  readonly value: unknown;
  /** What was found while reading: syntax, repeated keys, secrets that are not there. */
  readonly problems: ConfigProblem[] = [];
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #leftOut: ReadonlyMap<number, string>;
  readonly #secretPaths = new Map<string, string>();
  readonly #unfilled = new Set<string>();
  /** Where a syntax error could not be read past: nothing is said about what follows. */
  #endLine = Infinity;

  constructor(source: ConfigSource, secrets: Secrets) {
    this.file = source.path;
    const recovered = parseWithRecovery(source.text.replace(/^\uFEFF/, ''));
    this.#document = recovered.document;
    this.#lines = recovered.lines;
    this.#leftOut = recovered.leftOut;
    for (const found of recovered.syntax) {
      if (found.code === 'DUPLICATE_KEY') continue; // told by #walk, which knows the first one
      const words = SYNTAX[found.code] ?? { en: found.detail, zh: found.detail };
      this.#tell(found.line, found.column, '', { code: 'CV_CONFIG_SYNTAX', params: { detail: words.en, detailZh: words.zh } });
    }
    const hopeless = this.#document.errors.find((error) => error.code !== 'DUPLICATE_KEY');
    // Nothing of it was read.
    if (recovered.syntax.some(({ code }) => code === 'RESOURCE_EXHAUSTION')) this.#endLine = 0;
    else if (hopeless) this.#endLine = this.#lines.linePos(hopeless.pos[0]).line;
    this.#document.contents = this.#knownAlias(this.#document.contents as Node | null, []) as Document['contents'];
    this.#walk(this.#document.contents as Node | null, [], secrets, new Set());
    this.value = this.#plain();
  }

  /** Where something stands. `key`: the name of a setting; `value`: what it is set to (of a list or map: its name). */
  place(path: ConfigPath, what: 'key' | 'value'): { line: number; column: number } {
    let node = this.#resolve(this.#document.contents as Node | null);
    let offset = node?.range?.[0] ?? 0;
    for (const part of path) {
      if (isMap(node)) {
        const pair = node.items.find((item) => keyText(item) === String(part)) as Pair<Node, Node | null> | undefined;
        if (!pair) break;
        const isLeaf = isScalar(pair.value) && pair.value.source !== '' && pair.value.range;
        offset = (what === 'value' && isLeaf ? pair.value?.range?.[0] : pair.key.range?.[0]) ?? offset;
        node = this.#resolve(pair.value);
      } else if (isSeq(node)) {
        const item = node.items[Number(part)] as Node | undefined;
        if (!item) break;
        offset = item.range?.[0] ?? offset;
        node = this.#resolve(item);
      } else break;
    }
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  /** Adds nothing: builds the problem of a fault at a place, or null when that place was unreadable and is told already. */
  problem(path: ConfigPath, fault: Fault, what: 'key' | 'value' = 'value'): ConfigProblem | null {
    const place = this.place(path, what);
    if (this.#unfilled.has(pathText(path))) return null;
    if (this.#leftOut.has(place.line) || place.line >= this.#endLine) return null;
    if (fault.code === 'CV_SETTING_MISSING' && this.#couldHoldMissing(String(fault.params.key))) return null;
    return { file: this.file, ...place, path: pathText(path), fault };
  }

  /** The secret that a value came from (`${env:NAME}`), or null when it stands in the file itself. */
  secretSource(path: ConfigPath): string | null {
    return this.#secretPaths.get(pathText(path)) ?? null;
  }

  /** A scalar as it was written, without quotes: `007` stays `007`. */
  written(path: ConfigPath): string | null {
    const node = this.#document.getIn(path, true);
    return isScalar(node) && typeof node.source === 'string' ? node.source : null;
  }

  #couldHoldMissing(key: string): boolean {
    return this.#endLine < Infinity || [...this.#leftOut.values()].some((content) => content.includes(key));
  }

  #tell(line: number, column: number, path: string, fault: Fault): void {
    this.problems.push({ file: this.file, line, column, path, fault });
  }

  #resolve(node: Node | null | undefined): Node | null {
    return isAlias(node) ? (node.resolve(this.#document) ?? null) : (node ?? null);
  }

  #plain(): unknown {
    try {
      const value: unknown = this.#document.toJS();
      JSON.stringify(value); // a list that holds itself by an anchor would never end
      return value ?? undefined;
    } catch (error) {
      const detail = error instanceof Error ? error.message.split('\n')[0] as string : String(error);
      this.#tell(1, 1, '', { code: 'CV_CONFIG_SYNTAX', params: { detail } });
      this.#endLine = 1;
      return undefined;
    }
  }

  #walk(node: Node | null, path: ConfigPath, secrets: Secrets, seen: Set<Node>): void {
    if (!node || seen.has(node)) return;
    seen.add(node);
    if (isScalar(node) && typeof node.value === 'string') this.#fill(node as Scalar<string>, path, secrets);
    if (isSeq(node)) {
      node.items.forEach((item, index) => {
        node.items[index] = this.#knownAlias(item as Node, [...path, index]);
        this.#walk(node.items[index] as Node, [...path, index], secrets, seen);
      });
    }
    if (!isMap(node)) return;
    const first = new Map<string, number>();
    const repeats = new Set<unknown>();
    for (const pair of node.items as Pair<Node, Node | null>[]) {
      const key = keyText(pair);
      const { line, col } = this.#lines.linePos(pair.key?.range?.[0] ?? 0);
      const firstLine = first.get(key);
      if (firstLine === undefined) first.set(key, line);
      else if (key !== '<<') {
        this.#tell(line, col, pathText([...path, key]), { code: 'CV_SETTING_TWICE', params: { key, firstLine } });
        repeats.add(pair);
        continue;
      }
      pair.value = this.#knownAlias(pair.value, [...path, key]);
      this.#walk(pair.value, [...path, key], secrets, seen);
    }
    // The first is the one that places are found by; what it holds is checked.
    node.items = node.items.filter((pair) => !repeats.has(pair));
  }

  /** A `*name` that was never set would stop everything: it is told and read as nothing. */
  #knownAlias(node: Node | null, path: ConfigPath): Node | null {
    if (!isAlias(node) || node.resolve(this.#document)) return node;
    const { line, col } = this.#lines.linePos(node.range?.[0] ?? 0);
    this.#tell(line, col, pathText(path), {
      code: 'CV_CONFIG_SYNTAX',
      params: { detail: SYNTAX.BAD_ALIAS?.en ?? '', detailZh: SYNTAX.BAD_ALIAS?.zh ?? '' },
    });
    this.#unfilled.add(pathText(path));
    if (path.length === 0) this.#endLine = 1;
    const nothing = new Scalar(null);
    nothing.range = node.range ?? null;
    return nothing;
  }

  #fill(node: Scalar<string>, path: ConfigPath, secrets: Secrets): void {
    if (secrets.isLiteral || !node.value.includes('${')) return;
    const key = String(path.at(-1) ?? '');
    const owner = pathText(path.slice(0, -1)) || this.file;
    const sources: string[] = [];
    const filled = node.value.replace(HOLE, (hole, inner: string) => {
      const got = lookUp(inner, secrets, this.file);
      sources.push(hole);
      if (typeof got === 'string') return got;
      if (secrets.isNeeded?.(path) === false) {
        this.#unfilled.add(pathText(path));
        return hole;
      }
      const { line, col } = this.#lines.linePos(node.range?.[0] ?? 0);
      this.#tell(line, col, pathText(path), { code: 'CV_SECRET_MISSING', params: { key, owner, source: hole, ...got } });
      this.#unfilled.add(pathText(path));
      return hole;
    });
    if (sources.length === 0) return;
    this.#secretPaths.set(pathText(path), sources.join(''));
    node.value = filled;
  }
}

const absent = (problem: string, problemZh: string, [hint, hintZh]: readonly [string, string]) => ({ problem, problemZh, hint, hintZh });
type Absent = ReturnType<typeof absent>;

/** No name leads out of the folder of credentials. */
const CREDENTIAL_NAME = /^(?!\.{1,2}$)[\w.-]{1,255}$/;

function lookUp(inner: string, { env, readFile }: Secrets, configPath: string): string | Absent {
  const [, kind, name = ''] = /^(env|file|credential):(.+)$/.exec(inner) ?? [];
  if (kind === 'env') {
    if (env?.[name]) return env[name];
    const [problem, problemZh] = env?.[name] === '' ? ['is empty', '其值为空'] as const : ['is not set', '尚未设置'] as const;
    return absent(problem, problemZh, [`set the environment variable ${name} for this program`, `请为本程序设置环境变量 ${name}`]);
  }
  if (kind === undefined || !readFile)
    return absent('is of no known form', '形式不对', [
      'write ${env:NAME}, ${file:PATH} or ${credential:NAME}', '请写成 ${env:NAME}、${file:PATH} 或 ${credential:NAME}',
    ]);
  if (kind === 'file') {
    const path = resolvePath(configPath, name);
    return contentOf(path, readFile, [`put the value into the file ${path} and let this user read it`, `请将值写入文件 ${path}，并允许当前用户读取`]);
  }
  if (!CREDENTIAL_NAME.test(name))
    return absent('cannot be its name', '名称不合法', ['use up to 255 letters, digits and . _ -', '最多 255 个字母、数字和 . _ -']);
  const hint = [
    `add LoadCredential=${name}:PATH to the unit; outside the service, set CREDENTIALS_DIRECTORY to the folder where ${name} lies`,
    `请在 unit 中添加 LoadCredential=${name}:PATH；不经服务运行时，将 CREDENTIALS_DIRECTORY 设为 ${name} 所在目录`,
  ] as const;
  const dir = env?.CREDENTIALS_DIRECTORY;
  return dir ? contentOf(join(dir, name), readFile, hint) : absent('systemd has not given to this program', 'systemd 未提供给本程序', hint);
}

function contentOf(path: string, readFile: (path: string) => string, hint: readonly [string, string]): string | Absent {
  try {
    return readFile(path).trimEnd();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    return absent(`cannot be read (${code})`, `无法读取（${code}）`, hint);
  }
}

/** A list or map as a key names no setting; writing it out could itself fail. */
const keyText = (pair: Pair<unknown, unknown>): string => (isScalar(pair.key) ? String(pair.key.value) : '[…]');
