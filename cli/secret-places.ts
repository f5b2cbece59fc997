/** Which settings of a configuration hold secrets: those that a schema marks, those of drivers and sinks among them. */
import type { z } from 'zod';
import type { ConfigDocument, ConfigPath } from '../core/config/check.ts';
import { metaOf, schemaAt } from '../core/config/schema-notes.ts';
import { DRIVERS } from '../drivers/index.ts';
import { EDGE_SCHEMA } from '../edge/config/schema.ts';

interface SecretSchema {
  /** Where it begins in the document. */
  base: ConfigPath;
  schema: z.ZodType;
}

/** @returns whether a path holds a secret */
export async function secretPlaces({ value }: ConfigDocument, what: 'edge' | 'gateway'): Promise<(path: ConfigPath) => boolean> {
  const schemas = await (what === 'edge' ? edgeSchemas(value) : gatewaySchemas(value));
  return (path) =>
    schemas.some(({ base, schema }) => {
      if (!base.every((part, at) => path[at] === part)) return false;
      const field = schemaAt(schema, path.slice(base.length));
      return field !== null && metaOf(field).secret === true;
    });
}

async function edgeSchemas(value: unknown): Promise<SecretSchema[]> {
  const own = await plugSchemas(value, 'devices', 'driver', DRIVERS);
  return [{ base: [], schema: EDGE_SCHEMA }, ...own];
}

async function gatewaySchemas(value: unknown): Promise<SecretSchema[]> {
  // On demand: an edge loads nothing of the gateway.
  const [{ GATEWAY_SCHEMA }, { SINKS }] = await Promise.all([import('../gateway/config/schema.ts'), import('../gateway/sinks/index.ts')]);
  return [{ base: [], schema: GATEWAY_SCHEMA }, ...(await plugSchemas(value, 'sinks', 'kind', SINKS))];
}

interface Plug {
  id: string;
  load(): Promise<{ settings: z.ZodType }>;
}

/** Settings of what a list names, one by one. */
async function plugSchemas(value: unknown, list: string, key: string, plugs: readonly Plug[]): Promise<SecretSchema[]> {
  const items = (value as Record<string, unknown> | undefined)?.[list];
  if (!Array.isArray(items)) return [];
  const found = (items as (Record<string, unknown> | null)[]).map(async (item, at): Promise<SecretSchema[]> => {
    const plug = plugs.find(({ id }) => id === item?.[key]);
    return plug ? [{ base: [list, at, 'settings'], schema: (await plug.load()).settings }] : [];
  });
  return (await Promise.all(found)).flat();
}
