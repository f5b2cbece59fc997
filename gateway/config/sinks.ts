/** The sinks of a configuration: each kind's settings are held against its own schema. */
import { checkPart, type ConfigDocument, type ConfigProblem, type ConfigPath } from '../../core/config/check.ts';
import { unknownName, valueAtPath } from '../../core/config/issues.ts';
import type { BilingualText } from '../../core/bilingual-text.ts';
import { SINKS } from '../sinks/index.ts';
import type { PlugSetup } from './setup.ts';
import '../sinks/faults.ts';

export interface CheckedSinks {
  /** In the order of the file; whole only when there are no problems. */
  sinks: PlugSetup[];
  problems: ConfigProblem[];
}

export async function checkSinks(document: ConfigDocument): Promise<CheckedSinks> {
  const checked: CheckedSinks = { sinks: [], problems: [] };
  const firstLines = new Map<string, number>();
  for (const [at, item] of rawList(document.value, ['sinks']).entries()) {
    const { kind } = item;
    if (typeof kind !== 'string') continue;
    const path: ConfigPath = ['sinks', at];
    const id = typeof item.id === 'string' ? item.id : kind;
    const owner: BilingualText = { en: `sink "${id}"`, zh: `去处“${id}”` };
    const add = (found: ConfigProblem | null) => { if (found) checked.problems.push(found); };

    const first = firstLines.get(id);
    const own: ConfigPath = [...path, typeof item.id === 'string' ? 'id' : 'kind'];
    if (first === undefined) firstLines.set(id, document.place(own, 'value').line);
    else add(document.problem(own, { code: 'CV_ID_TWICE', params: { id, owner: 'sinks', firstLine: first } }));

    const named = SINKS.find((known) => known.id === kind);
    const fault = named ? null : unknownName('CV_SINK_UNKNOWN', { kind }, SINKS.map((known) => known.id), owner);
    if (fault) add(document.problem([...path, 'kind'], fault));
    // A misspelt kind is taken for the one that was meant, so that the rest of its mistakes come out as well.
    const entry = named ?? SINKS.find((known) => known.id === fault?.params.nearest);
    if (!entry) continue;
    const { settings } = await entry.load();
    const { value, problems } = checkPart(document, settings, [...path, 'settings'], {
      en: `settings of ${owner.en}`,
      zh: `${owner.zh}的 settings`,
    });
    checked.problems.push(...problems);
    if (value) checked.sinks.push({ kind: entry.id, id, settings: value });
  }
  return checked;
}

/** The groups of a list as the file has them, whatever stands there. */
export function rawList(root: unknown, path: ConfigPath): Record<string, unknown>[] {
  const list = valueAtPath(root, path);
  return Array.isArray(list)
    ? list.map((item) => (item !== null && typeof item === 'object' ? (item as Record<string, unknown>) : {}))
    : [];
}
