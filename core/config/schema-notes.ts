/** What a zod schema says about itself, in words for people: type, notes, example. Used by `check` and the docs. */
import { z } from 'zod';
import type { SettingFormat, SettingNotes } from '../setting.ts';
import type { BilingualText } from '../bilingual-text.ts';
import type { ConfigPath } from './problem.ts';

type Meta = Partial<SettingNotes> & { form?: SettingFormat };
/** zod's schemas are one wide family here; only their `def` is looked at. */
interface Def {
  type: string;
  innerType?: z.ZodType;
  in?: z.ZodType;
  getter?: () => z.ZodType;
  shape?: Record<string, z.ZodType>;
  catchall?: z.ZodType;
  element?: z.ZodType;
  items?: z.ZodType[];
  valueType?: z.ZodType;
  options?: z.ZodType[];
  discriminator?: string;
  entries?: Record<string, string | number>;
  values?: unknown[];
  defaultValue?: unknown;
}

export const defOf = (schema: z.ZodType): Def => schema.def as unknown as Def;

/** The schema below `optional`, `default`, a transform …, which says what must be written. */
export function unwrapSchema(schema: z.ZodType): z.ZodType {
  const def = defOf(schema);
  const inner = def.type === 'pipe' ? def.in : def.type === 'lazy' ? def.getter?.() : def.innerType;
  return inner ? unwrapSchema(inner) : schema;
}

/** Notes of a schema, the outermost first found. */
export function metaOf(schema: z.ZodType): Meta {
  const own = (schema.meta() ?? {}) as Meta;
  const def = defOf(schema);
  const inner = def.type === 'pipe' ? def.in : def.innerType;
  return inner ? { ...metaOf(inner), ...own } : own;
}

/** What stands when the setting is left out; undefined when it must be there or has no default. */
export function defaultOf(schema: z.ZodType): unknown {
  const def = defOf(schema);
  if (def.type === 'default' || def.type === 'prefault') return def.defaultValue;
  return def.innerType ? defaultOf(def.innerType) : undefined;
}

/** The schema that is responsible for a path below another one, or null when it says nothing about it. */
export function schemaAt(schema: z.ZodType, path: ConfigPath): z.ZodType | null {
  if (path.length === 0) return schema;
  const [part, ...rest] = path as [string | number, ...(string | number)[]];
  const def = defOf(unwrapSchema(schema));
  if (def.options) return firstOf(def.options, (option) => schemaAt(option, path));
  const next = def.shape ? def.shape[part] : (def.element ?? def.items?.[Number(part)] ?? def.valueType);
  return next ? schemaAt(next, rest) : null;
}

function firstOf<T>(options: readonly z.ZodType[], find: (option: z.ZodType) => T | null): T | null {
  for (const option of options) {
    const found = find(option);
    if (found !== null) return found;
  }
  return null;
}

/** "a whole number from 1 to 247", "one of tcp, rtu", "a duration such as …". */
export function describeField(schema: z.ZodType): BilingualText {
  const form = metaOf(schema).form;
  if (form) return form;
  const inner = unwrapSchema(schema);
  const def = defOf(inner);
  if (inner instanceof z.ZodNumber) return describeNumber(inner);
  if (def.options) return join(def.options.map(describeField));
  const choices = def.entries ? Object.values(def.entries) : def.type === 'literal' ? (def.values ?? []) : null;
  if (choices) {
    const list = choices.map(String).join(', ');
    return choices.length === 1 ? { en: list, zh: list } : { en: `one of ${list}`, zh: `${list} 之一` };
  }
  return TYPES[def.type] ?? { en: def.type, zh: def.type };
}

const TYPES: Record<string, BilingualText> = {
  string: { en: 'a text', zh: '文本' },
  number: { en: 'a number', zh: '数字' },
  int: { en: 'a whole number', zh: '整数' },
  boolean: { en: 'true or false', zh: 'true 或 false' },
  array: { en: 'a list', zh: '列表' },
  tuple: { en: 'a list', zh: '列表' },
  object: { en: 'settings (key: value)', zh: '一组设置（`键: 值`）' },
  record: { en: 'settings (key: value)', zh: '一组设置（`键: 值`）' },
  null: { en: 'nothing', zh: '空' },
  undefined: { en: 'nothing', zh: '空' },
};

/** "a text", "a list" … for what zod calls a type. */
export const typeWords = (type: string): BilingualText => TYPES[type] ?? { en: type, zh: type };

function describeNumber(schema: z.ZodNumber): BilingualText {
  const whole = schema.format === 'safeint' || schema.format === 'int32' || schema.format === 'uint32';
  const [low, high] = [schema.minValue, schema.maxValue].map((limit) =>
    limit !== null && Math.abs(limit) < Number.MAX_SAFE_INTEGER ? limit : null,
  );
  const name = whole ? TYPES.int as BilingualText : TYPES.number as BilingualText;
  if (low != null && high != null) return { en: `${name.en} from ${low} to ${high}`, zh: `${low} 到 ${high} 的${name.zh}` };
  if (low != null) return { en: `${name.en} of at least ${low}`, zh: `不小于 ${low} 的${name.zh}` };
  if (high != null) return { en: `${name.en} of at most ${high}`, zh: `不大于 ${high} 的${name.zh}` };
  return name;
}

function join(all: readonly BilingualText[]): BilingualText {
  const different = all.filter((words, index) => all.findIndex((other) => other.en === words.en) === index);
  return { en: different.map((words) => words.en).join(' or '), zh: different.map((words) => words.zh).join('或') };
}

/** `every: 1s` (a duration …; poll period): how the setting would be written. */
export function hintFor(key: string | number, schema: z.ZodType | null): BilingualText {
  if (!schema) return { en: `${key}: …`, zh: `${key}: …` };
  const meta = metaOf(schema);
  const example = exampleOf(schema, meta);
  const shown = example === undefined ? '' : ` ${yamlText(example)}`;
  const type = describeField(schema);
  const name = typeof key === 'number' ? '-' : `${key}:`;
  return {
    en: `${name}${shown} (${type.en}${meta.en ? `; ${meta.en}` : ''})`,
    zh: `${name}${shown}（${type.zh}${meta.zh ? `；${meta.zh}` : ''}）`,
  };
}

function exampleOf(schema: z.ZodType, meta: Meta): unknown {
  if (meta.secret) return '${env:NAME}';
  if (meta.examples && meta.examples.length > 0) return meta.examples[0];
  const def = defOf(unwrapSchema(schema));
  return (
    defaultOf(schema) ?? meta.form?.example ?? (def.entries ? Object.values(def.entries)[0] : (def.values?.[0] ?? groupExample(def.shape)))
  );
}

/** What a group must hold, at the least; nothing when even that has no example. */
function groupExample(shape: Record<string, z.ZodType> | undefined): Record<string, unknown> | undefined {
  const needed = Object.entries(shape ?? {})
    .filter(([, field]) => !field.safeParse(undefined).success)
    .map(([key, field]) => [key, exampleOf(field, metaOf(field))] as const);
  return needed.length > 0 && needed.every(([, example]) => example !== undefined) ? Object.fromEntries(needed) : undefined;
}

function yamlText(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return /^[A-Za-z/.$][^:#,{}[\]]*$|^\d+(?:\.\d+)?[a-zA-Z/]\w*$|^\$\{[^}]*\}$/.test(value) ? value : JSON.stringify(value);
}
