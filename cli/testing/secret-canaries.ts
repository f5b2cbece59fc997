/** Canaries for every setting that a schema marks as a secret: a new one is among them by itself. */
import type { z } from 'zod';
import { defOf, metaOf, unwrapSchema } from '../../core/config/schema-notes.ts';
import { DRIVERS } from '../../drivers/index.ts';
import { EDGE_SCHEMA } from '../../edge/config/schema.ts';
import { GATEWAY_SCHEMA } from '../../gateway/config/schema.ts';
import { SINKS } from '../../gateway/sinks/index.ts';

type Path = readonly (string | number)[];

export interface Canary {
  /** `edge`, `gateway`, `driver camera` or `sink influxdb`. */
  owner: string;
  path: Path;
  text: string;
}

/**
 * One for each secret setting there is. No two are alike, and none occurs by chance; short enough for every setting, but keys
 * of encryption, which have a form of their own.
 */
export async function secretCanaries(): Promise<Canary[]> {
  const owners: [string, z.ZodType][] = [['edge', EDGE_SCHEMA], ['gateway', GATEWAY_SCHEMA]];
  for (const { id, load } of DRIVERS) owners.push([`driver ${id}`, (await load()).settings]);
  for (const { id, load } of SINKS) owners.push([`sink ${id}`, (await load()).settings]);
  const places = owners.flatMap(([owner, schema]) => [...secretPaths(schema, [])].map((path) => ({ owner, path })));
  return places.map((place, at) => {
    const text = `Kanari${String(at).padStart(2, '0')}vQ7mZx4LpW`;
    return { ...place, text: place.path[0] === 'atRest' ? Buffer.from(text.padEnd(32, 'x')).toString('base64') : text };
  });
}

/** Lists are looked into by their first item. */
function* secretPaths(schema: z.ZodType, path: Path): Generator<Path> {
  if (metaOf(schema).secret) return yield path;
  const { shape, element, options = [] } = defOf(unwrapSchema(schema));
  for (const [key, field] of Object.entries(shape ?? {})) yield* secretPaths(field, [...path, key]);
  if (element) yield* secretPaths(element, [...path, 0]);
  for (const option of options) yield* secretPaths(option, path);
}

/** Puts the canaries of an owner where they belong, into groups that are there. @returns those that found no place */
export function plant(config: unknown, owner: string, canaries: readonly Canary[]): Canary[] {
  return canaries.filter((canary) => canary.owner === owner && !put(config, canary.path, canary.text));
}

function put(config: unknown, path: Path, text: string): boolean {
  const group = path.slice(0, -1).reduce<unknown>((at, part) => (at as Record<string | number, unknown> | undefined)?.[part], config);
  if (group === null || typeof group !== 'object') return false;
  (group as Record<string | number, unknown>)[path.at(-1) as string | number] = text;
  return true;
}

/** As it stands, in an address, or in a header. */
export function canariesIn(text: string, canaries: readonly Canary[]): string[] {
  return canaries.filter((canary) => text.includes(canary.text) || text.includes(Buffer.from(canary.text).toString('base64')))
    .map(({ owner, path }) => `${owner} ${path.join('.')}`);
}
