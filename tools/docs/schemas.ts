/** JSON Schemas for editors: what completes, explains and underlines a configuration file while it is written. */
import { z } from 'zod';
import { CATALOGUE_SCHEMA } from '../../city/catalogue/indicator.ts';
import { describeField, metaOf } from '../../core/config/schema-notes.ts';
import type { Driver } from '../../core/driver.ts';
import { RULE_SCHEMA } from '../../city/rules/rule.ts';
import type { Sink } from '../../core/sink.ts';
import { PROTOCOL_DESCRIPTION } from '../../drivers/frame/description.ts';
import { EDGE_SCHEMA, POINT_SCHEMA } from '../../edge/config/schema.ts';
import { GATEWAY_SCHEMA } from '../../gateway/config/schema.ts';
import { MANIFEST_SCHEMA } from '../../models/manifest.ts';

/** As far as it is looked into here. */
export interface EditorSchema {
  type?: string | string[];
  properties?: Record<string, EditorSchema>;
  required?: string[];
  items?: EditorSchema;
  allOf?: EditorSchema[];
  anyOf?: EditorSchema[];
  oneOf?: EditorSchema[];
  if?: EditorSchema;
  then?: EditorSchema;
  enum?: unknown[];
  const?: unknown;
  pattern?: string;
  additionalProperties?: EditorSchema | boolean;
  [keyword: string]: unknown;
}

const DRAFT = 'http://json-schema.org/draft-07/schema#';
/** A whole value that comes from outside: its form cannot be seen in the file. */
const SECRET: EditorSchema = { pattern: '\\$\\{(env|file):[^}]+\\}' };
const TEXT_RULES = new Set(['pattern', 'enum', 'const', 'format', 'minLength', 'maxLength']);

/** Draft 7 is what the editors' YAML language servers know best. Path below docs → text. */
export function editorSchemas(drivers: readonly Driver[], sinks: readonly Sink[]): Record<string, string> {
  const schemas: Record<string, EditorSchema> = {
    edge: titled(edgeSchema(drivers), 'cityvitals edge · 边缘节点配置'),
    gateway: titled(gatewaySchema(sinks), 'cityvitals gateway · 网关配置'),
    rule: titled(schemaOf(RULE_SCHEMA), 'cityvitals rule · 规则文件'),
    'frame-description': titled(schemaOf(PROTOCOL_DESCRIPTION), 'cityvitals described frames · 私有协议描述'),
    model: titled(schemaOf(MANIFEST_SCHEMA), 'cityvitals model · 模型说明'),
    catalogue: titled(schemaOf(CATALOGUE_SCHEMA), 'cityvitals catalogue · 指标目录文件'),
  };
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [
      `docs/schemas/${name}.schema.json`,
      `${JSON.stringify({ $schema: DRAFT, ...schema }, null, 1)}\n`,
    ]),
  );
}

function edgeSchema(drivers: readonly Driver[]): EditorSchema {
  const schema = schemaOf(EDGE_SCHEMA);
  const device = schema.properties?.devices?.items as EditorSchema;
  // A device's settings and points are its driver's.
  const { points, settings, driver } = device.properties as Record<'points' | 'settings' | 'driver', EditorSchema>;
  Object.assign(device.properties as object, {
    driver: { ...driver, enum: drivers.map(({ id }) => id) },
    points: loose(points),
    settings: loose(settings),
  });
  device.allOf = drivers.map((one) => when('driver', one.id, deviceOf(one)));
  return schema;
}

function deviceOf(driver: Driver): EditorSchema {
  const settings = titled(schemaOf(driver.settings), `${driver.title.en} · ${driver.title.zh}`);
  const needed = (settings.required?.length ?? 0) > 0 ? ['settings'] : [];
  const general = schemaOf(POINT_SCHEMA);
  if (driver.points) {
    const ids = Object.entries(driver.points).map(([id, { en, zh }]) => ({ const: id, description: `${en}\n${zh}` }));
    // Those that follow from the settings are known to `check` alone.
    const more = driver.derivedPoints ? [{ type: 'string', pattern: '^[a-z0-9-]+\\.[A-Za-z0-9-]+$' }] : [];
    const item = { ...general, required: ['id'], properties: { ...general.properties, id: { anyOf: [...ids, ...more] } } };
    return { properties: { settings, points: { type: 'array', items: item } }, required: needed };
  }
  const own = schemaOf(driver.point as z.ZodObject);
  const item = {
    ...general,
    properties: { ...general.properties, ...own.properties },
    required: [...(general.required ?? []), ...(own.required ?? [])],
  };
  return { properties: { settings, points: { type: 'array', minItems: 1, items: item } }, required: [...needed, 'points'] };
}

function gatewaySchema(sinks: readonly Sink[]): EditorSchema {
  const schema = schemaOf(GATEWAY_SCHEMA);
  const sink = schema.properties?.sinks?.items as EditorSchema;
  const { kind, settings } = sink.properties as Record<'kind' | 'settings', EditorSchema>;
  Object.assign(sink.properties as object, { kind: { ...kind, enum: sinks.map(({ id }) => id) }, settings: loose(settings) });
  sink.allOf = sinks.map((one) => {
    const own = titled(schemaOf(one.settings), `${one.title.en} · ${one.title.zh}`);
    return when('kind', one.id, { properties: { settings: own }, required: own.required?.length ? ['settings'] : [] });
  });
  return schema;
}

const when = (key: string, value: string, then: EditorSchema): EditorSchema => ({
  if: { properties: { [key]: { const: value } }, required: [key] },
  // oxlint-disable-next-line unicorn/no-thenable -- JSON Schema's own keyword, in data
  then,
});
/** Says nothing of what is within: a condition beside it does. */
const loose = ({ type, description }: EditorSchema): EditorSchema => ({
  ...(type === undefined ? {} : { type }),
  ...(description === undefined ? {} : { description }),
});
const titled = (schema: EditorSchema, title: string): EditorSchema => ({ title, ...schema });

function schemaOf(schema: z.ZodType): EditorSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io: 'input', target: 'draft-7', unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => forEditors(zodSchema as unknown as z.ZodType, jsonSchema as EditorSchema),
  }) as EditorSchema;
  return json;
}

/** Our notes become descriptions, special forms patterns; a text may also be a secret from elsewhere, and no unknown key passes. */
function forEditors(zod: z.ZodType, json: EditorSchema): void {
  const { en, zh, form } = metaOf(zod);
  for (const key of ['en', 'zh', 'form', 'secret', 'path']) delete json[key];
  if (form?.pattern !== undefined) json.pattern = form.pattern;
  if (en !== undefined) json.description = [`${en}${form ? ` (${form.en})` : ''}`, `${zh ?? ''}${form ? `（${form.zh}）` : ''}`].join('\n');
  else if (form) json.description = `${describeField(zod).en}\n${describeField(zod).zh}`;
  if (json.type === 'object' && json.properties && json.additionalProperties === undefined) json.additionalProperties = false;
  if (json.type === 'string') orSecret(json);
}

function orSecret(json: EditorSchema): void {
  const rules = Object.entries(json).filter(([keyword]) => TEXT_RULES.has(keyword));
  if (rules.length === 0) return;
  for (const [keyword] of rules) delete json[keyword];
  json.anyOf = [Object.fromEntries(rules), SECRET];
}
