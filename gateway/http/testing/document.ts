/** Holds answers to the OpenAPI document that came with them. */
import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';

interface Operation {
  operationId: string;
  summary: string;
  security?: unknown[];
  parameters: { name: string; in: string; description?: string; example?: unknown; schema: object }[];
  requestBody?: { content: Record<string, { schema: object; example?: unknown }> };
  responses: Record<
    string,
    {
      description: string;
      content: Record<
        string,
        { schema: object; example?: unknown; examples?: Record<string, { value: { code: string; detail: string; remedy: string } }> }
      >;
    }
  >;
}
export type Document = {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
};

/** @returns fails the test when `data` does not fit the schema, references into the document included */
export function validatorOf(document: Document) {
  const ajv = new Ajv2020({ strict: false, allErrors: true, allowUnionTypes: true });
  ajv.addSchema({ $id: 'doc', ...document });
  return (schema: object, data: unknown) => {
    const validate = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"doc#/')) as object);
    assert.ok(validate(data), `${JSON.stringify(validate.errors?.slice(0, 3))} in ${JSON.stringify(data).slice(0, 300)}`);
  };
}

