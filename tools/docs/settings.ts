/** Settings tables out of zod schemas: the same declaration that checks a file documents it. */
import { z } from 'zod';

interface Shape {
  type?: string | string[];
  properties?: Record<string, Shape>;
  required?: string[];
  items?: Shape;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Shape[];
  oneOf?: Shape[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  pattern?: string;
  zh?: string;
  en?: string;
  secret?: boolean;
  additionalProperties?: Shape | boolean;
}

/** A Markdown table of a schema's fields, nested ones by their path. */
export function settingsTable(schema: z.ZodType): string {
  const shape = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Shape;
  const rows = fieldRows(shape, '');
  return ['| key 键 | form 形式 | default 默认 | meaning | 含义 |', '|---|---|---|---|---|', ...rows].join('\n');
}

function fieldRows(shape: Shape, prefix: string): string[] {
  return Object.entries(shape.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const needed = shape.required?.includes(name) ?? false;
    const standard = field.default === undefined ? (needed ? '**required 必填**' : '–') : `\`${JSON.stringify(field.default)}\``;
    const row = `| \`${path}\` | ${formOf(field)} | ${cell(standard)} | ${cell(field.en ?? '')} | ${cell(field.zh ?? '')} |`;
    return [row, ...innerRows(field, path)];
  });
}

/** Fields of an object, of what a list holds, and of each alternative (`off` or an object). */
function innerRows(field: Shape, path: string): string[] {
  return [
    ...fieldRows(field, `${path}.`),
    ...(field.items ? innerRows(field.items, `${path}[]`) : []),
    ...(field.anyOf ?? field.oneOf ?? []).flatMap((option) => innerRows(option, path)),
  ];
}

function formOf(shape: Shape): string {
  if (shape.enum) return shape.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (shape.const !== undefined) return `\`${String(shape.const)}\``;
  const options = shape.anyOf ?? shape.oneOf;
  if (options) return [...new Set(options.map(formOf))].join(' or ');
  if (shape.items) return `list of ${formOf(shape.items)}`;
  const type = Array.isArray(shape.type) ? shape.type.join(' or ') : (shape.type ?? 'text');
  // Safe integer bounds say nothing to a reader.
  const low = shape.minimum !== undefined && shape.minimum > Number.MIN_SAFE_INTEGER ? shape.minimum : undefined;
  const high = shape.maximum !== undefined && shape.maximum < Number.MAX_SAFE_INTEGER ? shape.maximum : undefined;
  return low === undefined && high === undefined ? type : `${type} ${low ?? '…'}–${high ?? '…'}`;
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
