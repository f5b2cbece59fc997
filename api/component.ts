/** Shapes of the API as zod schemas: each gives the type, the check and, by its name, its place in the OpenAPI document. */
import { z } from 'zod';
import { passes } from '../core/event-check.ts';
import { addDescriptions, type JsonSchema } from '../core/json-schema.ts';

const NAMES = new Map<z.ZodType, string>();

/** A shape that stands under `components.schemas` of the document. */
export function component<T extends z.ZodType>(name: string, en: string, zh: string, schema: T): T {
  const noted = schema.meta({ ...schema.meta(), en, zh });
  NAMES.set(noted, name);
  return noted;
}

/** What is declared as JSON Schema elsewhere, as the event is. */
export const fromJsonSchema = <T,>(jsonSchema: JsonSchema): z.ZodType<T> =>
  z.custom<T>((value) => passes(jsonSchema, value)).meta({ jsonSchema });

/** A schema of an answer: a reference when it is a component, else written out with references to those inside it. */
export function answerSchema(answer: z.ZodType): JsonSchema {
  const name = NAMES.get(answer);
  return name === undefined ? (withReferences([answer, 'Answer']).Answer ?? {}) : { $ref: `#/components/schemas/${name}` };
}

/** By name, those of every file that was loaded. */
export const schemasByName = (): Record<string, JsonSchema> => withReferences();

function withReferences(...more: [z.ZodType, string][]): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  // By name: which file is loaded first differs between programs.
  for (const [shape, id] of [...NAMES, ...more].toSorted(([, a], [, b]) => (a < b ? -1 : 1))) registry.add(shape, { id });
  const { schemas } = z.toJSONSchema(registry, {
    uri: (id) => `#/components/schemas/${id}`,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => addDescriptions(jsonSchema),
  });
  return Object.fromEntries(Object.entries(schemas).map(([id, { $schema: _dialect, $id: _id, ...schema }]) => [id, schema]));
}
