/** Our schemas as JSON Schema for readers elsewhere: what is said of a field stands there in both languages. */
import { z } from 'zod';

export type JsonSchema = { [keyword: string]: unknown };

export interface JsonSchemaOptions {
  /** Draft 7 is what editors and AsyncAPI know best; OpenAPI 3.1 is 2020-12. */
  target?: 'draft-7' | 'draft-2020-12';
  /** `input`: what may be written; `output`: what stands when it was read, defaults filled in. */
  io?: 'input' | 'output';
}

/** A zod schema with its notes (`.meta({ en, zh })`) as descriptions; everything inside it is written out. */
export function jsonSchemaOf(schema: z.ZodType, { target = 'draft-7', io = 'output' }: JsonSchemaOptions = {}): JsonSchema {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, {
    target,
    io,
    unrepresentable: 'any',
    reused: 'inline',
    override: ({ jsonSchema }) => addDescriptions(jsonSchema, io === 'input'),
  });
  return json;
}

/**
 * Turns our notes into a description, in place.
 *
 * @param isOpen whether fields that are added later are no breach, also in what was declared as JSON Schema
 */
export function addDescriptions(json: JsonSchema, isOpen = false): void {
  const { en, zh, written, jsonSchema } = json;
  if (typeof jsonSchema === 'object')
    Object.assign(
      json,
      isOpen
        ? JSON.parse(JSON.stringify(jsonSchema, (key, value: unknown) => (key === 'additionalProperties' ? undefined : value)))
        : jsonSchema,
    );
  // Of a text that becomes something else: zod itself leaves its examples out.
  if (written !== undefined) json.examples = [written];
  for (const key of ['en', 'zh', 'written', 'form', 'secret', 'path', 'jsonSchema', 'readOnly']) delete json[key];
  if (typeof en === 'string') json.description = typeof zh === 'string' ? `${en}\n${zh}` : en;
}
