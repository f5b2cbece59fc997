/** The documents that a gateway serves of itself. */
import { component, fromJsonSchema } from './component.ts';

export const JsonDocument = component(
  'Document',
  'a JSON document',
  'JSON 文档',
  fromJsonSchema<Record<string, unknown>>({ type: 'object' }),
);
