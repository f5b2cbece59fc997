/** The border check of an event, its schema compiled once: used where events come from outside. */
import { Ajv, type ErrorObject } from 'ajv';
import { EVENT_SCHEMA, type Event } from './event.ts';
import type { JsonSchema } from './json-schema.ts';

const ajv = new Ajv({ allowUnionTypes: true });
const validate = ajv.compile(EVENT_SCHEMA);

/** What is wrong with an event, in one line, or null when it keeps every rule of the schema. */
export function eventProblem(event: unknown): string | null {
  if (!validate(event)) return describe(validate.errors?.[0]);
  const checked = event as unknown as Event;
  if (checked.value === null && checked.quality !== 'bad') return 'value: null, which only bad quality allows';
  if ((checked.kind === 'gap') !== (checked.gap !== undefined)) return 'gap: belongs to kind gap, and to that alone';
  return null;
}

/** Whether a value is what the schema wants of one field. */
export const fieldTest = (field: keyof Event): ((value: unknown) => boolean) => ajv.compile(EVENT_SCHEMA.properties[field]);

/** Whether a value keeps a schema that is a part of the event's or made from it; one that is given again is compiled once. */
export const passes = (schema: JsonSchema, value: unknown): boolean => ajv.compile(schema)(value);

function describe(error: ErrorObject | undefined): string {
  if (!error) return 'not an event';
  const where = error.instancePath.slice(1).replaceAll('/', '.') || 'event';
  if (error.keyword === 'additionalProperties') return `${where}: unknown field ${String(error.params.additionalProperty)}`;
  return `${where}: ${error.message ?? error.keyword}`;
}
