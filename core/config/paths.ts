/** Settings that are paths (`.meta({ path: true })`) become absolute, since a driver does not know where its file lies. */
import { z } from 'zod';
import { resolvePath } from './problem.ts';
import { unwrapSchema, metaOf } from './schema-notes.ts';

/** @param configPath the file whose folder relative paths are taken from */
export function withPaths(schema: z.ZodObject, settings: Record<string, unknown>, configPath: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => {
    const field = schema.shape[key] as z.ZodType | undefined;
    const group = field && isGroup(value) ? unwrapSchema(field) : null;
    if (group instanceof z.ZodObject) return [key, withPaths(group, value as Record<string, unknown>, configPath)];
    const path = field && metaOf(field).path;
    if (typeof value !== 'string' || !path || (path === 'yaml' && !/\.ya?ml$/i.test(value))) return [key, value];
    if (value.startsWith('file:'))
      return [key, value.startsWith('file://') ? value : `file:${resolvePath(configPath, value.slice('file:'.length))}`];
    return [key, URL.canParse(value) ? value : resolvePath(configPath, value)];
  }));
}

const isGroup = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
