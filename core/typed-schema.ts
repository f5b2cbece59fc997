/**
 * JSON Schema that knows the TypeScript type of what it accepts, so that a record is declared once. It loads no
 * library: every worker thread may import it.
 */
import type { JsonSchema } from './json-schema.ts';

/** A description in both languages, a line each. */
export const bilingualDescription = (en: string, zh: string): { description: string } => ({ description: `${en}\n${zh}` });

export class TypedSchema<T, Optional extends boolean = false> {
  readonly json: JsonSchema;
  readonly isOptional: Optional;
  /** For the compiler alone: what the schema accepts. */
  declare readonly accepted: T;

  constructor(json: JsonSchema, isOptional: Optional) {
    this.json = json;
    this.isOptional = isOptional;
  }

  /** What a field means, in both languages. */
  note(en: string, zh: string): TypedSchema<T, Optional> {
    return new TypedSchema<T, Optional>({ ...this.json, ...bilingualDescription(en, zh) }, this.isOptional);
  }

  /** Of a field that may be left out. */
  optional(): TypedSchema<T, true> {
    return new TypedSchema<T, true>(this.json, true);
  }
}

export type Accepted<S extends TypedSchema<unknown, boolean>> = S['accepted'];
type Fields = Record<string, TypedSchema<unknown, boolean>>;
type OptionalOf<F extends Fields> = { [K in keyof F]: F[K]['isOptional'] extends true ? K : never }[keyof F];
/** The type of a record of these fields. */
export type RecordOf<F extends Fields> = { [K in Exclude<keyof F, OptionalOf<F>>]: F[K]['accepted'] } & {
  [K in OptionalOf<F>]?: F[K]['accepted'];
} extends infer R
  ? { [K in keyof R]: R[K] }
  : never;

const schema = <T>(json: JsonSchema): TypedSchema<T> => new TypedSchema<T>(json, false);

export const text = (maxLength: number): TypedSchema<string> => schema({ type: 'string', maxLength });
export const matching = (pattern: RegExp): TypedSchema<string> => schema({ type: 'string', pattern: pattern.source });
export const numeric = (minimum: number, maximum: number): TypedSchema<number> => schema({ type: 'number', minimum, maximum });
export const integer = (minimum: number, maximum: number): TypedSchema<number> => schema({ type: 'integer', minimum, maximum });
export const boolean = (): TypedSchema<boolean> => schema({ type: 'boolean' });
export const nothing = (): TypedSchema<null> => schema({ type: 'null' });
export const constant = <const T extends string>(value: T): TypedSchema<T> => schema({ const: value });
export const oneOf = <const T extends string | number>(values: readonly T[]): TypedSchema<T> => schema({ enum: values });
export const anyOf = <S extends TypedSchema<unknown>[]>(...schemas: S): TypedSchema<S[number]['accepted']> =>
  schema({ anyOf: schemas.map(({ json }) => json) });
export const list = <T>(items: TypedSchema<T>, bounds: { minItems?: number; maxItems: number; uniqueItems?: true }): TypedSchema<T[]> =>
  schema({ type: 'array', ...bounds, items: items.json });

/** An object of these fields and no others, in this order. */
export function record<F extends Fields>(fields: F): TypedSchema<RecordOf<F>> {
  return schema(recordSchema(fields));
}

export interface RecordSchema<F> extends JsonSchema {
  required: string[];
  properties: Record<keyof F, JsonSchema>;
}
export function recordSchema<F extends Fields>(fields: F): RecordSchema<F> {
  const properties = Object.fromEntries(Object.entries(fields).map(([name, { json }]) => [name, json])) as Record<keyof F, JsonSchema>;
  return {
    type: 'object',
    additionalProperties: false,
    required: Object.keys(fields).filter((name) => !fields[name]?.isOptional),
    properties,
  };
}
