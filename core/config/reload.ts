/** What is known of the configuration of a program that runs, and what became of a changed one. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { explain } from '../faults.ts';
import type { Tell } from '../telemetry.ts';
import type { ConfigProblem } from './problem.ts';

const time = z.int().min(0).meta({ en: 'ms UTC', zh: 'UTC 毫秒' });

/** For health pages. */
export const CONFIG_STATE = z.object({
  loadedAt: time.meta({ en: 'when the one that runs was taken in, ms UTC', zh: '运行中的配置的载入时刻，UTC 毫秒' }),
  refused: z
    .object({ at: time, problems: z.array(z.object({ place: z.string(), code: z.string(), zh: z.string(), en: z.string() })) })
    .nullable()
    .meta({ en: 'a changed one that was not taken since; null when there is none', zh: '此后未被接受的改动；没有时为 null' }),
  restartNeeded: z
    .array(z.string())
    .readonly()
    .meta({ en: 'settings that stand otherwise in the file: they need a restart', zh: '文件中已改、须重启才生效的设置' }),
});
export type ConfigState = z.infer<typeof CONFIG_STATE>;

/** What a reload did, by names: devices of an edge; of a gateway edges, rules, sinks and the like. */
export interface ReloadResult {
  added: readonly string[];
  changed: readonly string[];
  removed: readonly string[];
  kept: number;
  restartNeeded: readonly string[];
}

/** Problems that are kept for showing. */
const MAX_SHOWN = 20;

/** Keeps the state of the configuration, and tells of it. */
export class ConfigWatch {
  readonly #path: string;
  readonly #nowMs: () => number;
  readonly #tell: Tell;
  #state: ConfigState;

  constructor(path: string, nowMs: () => number, tell: Tell) {
    this.#path = path;
    this.#nowMs = nowMs;
    this.#tell = tell;
    this.#state = { loadedAt: nowMs(), refused: null, restartNeeded: [] };
  }

  get state(): ConfigState {
    return this.#state;
  }

  taken(restartNeeded: readonly string[]): void {
    if (this.#state.refused) this.#tell({ kind: 'fault_cleared', code: 'CV_RELOAD_REFUSED' });
    if (restartNeeded.length > 0)
      this.#tell({ kind: 'fault', fault: { code: 'CV_RELOAD_RESTART', params: { keys: restartNeeded.join(', ') } } });
    else if (this.#state.restartNeeded.length > 0) this.#tell({ kind: 'fault_cleared', code: 'CV_RELOAD_RESTART' });
    this.#state = { loadedAt: this.#nowMs(), refused: null, restartNeeded };
  }

  refused(problems: readonly ConfigProblem[]): void {
    const shown = problems.slice(0, MAX_SHOWN).map(({ file, line, column, fault }) => ({
      place: `${file}:${line}:${column}`, code: fault.code, zh: explain(fault, 'zh-CN').message, en: explain(fault, 'en').message,
    }));
    this.#state = { ...this.#state, refused: { at: this.#nowMs(), problems: shown } };
    this.#tell({
      kind: 'fault',
      fault: {
        code: 'CV_RELOAD_REFUSED',
        params: { problems: problems.length, first: shown[0] ? `${shown[0].code} ${shown[0].place}` : '-', path: this.#path },
      },
    });
  }
}

/** Names what was added, changed and removed between two lists of things with an id. */
export function changedItems<T>(before: readonly T[], after: readonly T[], idOf: (item: T) => string): Omit<ReloadResult, 'restartNeeded'> {
  const old = new Map(before.map((item) => [idOf(item), item]));
  const ids = new Set(after.map(idOf));
  const known = after.filter((item) => old.has(idOf(item)));
  const changed = known.filter((item) => !isDeepStrictEqual(old.get(idOf(item)), item));
  return {
    added: after.map(idOf).filter((id) => !old.has(id)),
    changed: changed.map(idOf),
    removed: [...old.keys()].filter((id) => !ids.has(id)),
    kept: known.length - changed.length,
  };
}

/** Which of these settings differ, by path: `['log', 'dir']` is `log.dir`. */
export function changedSettings(before: unknown, after: unknown, paths: readonly string[]): string[] {
  const at = (value: unknown, path: string) =>
    path.split('.').reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);
  return paths.filter((path) => !isDeepStrictEqual(at(before, path), at(after, path)));
}
