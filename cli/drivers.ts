/** `cityvitals drivers [ID]`: lists drivers, their settings and points. */
import { Command } from 'commander';
import { z } from 'zod';
import { unknownName } from '../core/config/issues.ts';
import { unwrapSchema, defaultOf, defOf, describeField, metaOf } from '../core/config/schema-notes.ts';
import type { Driver } from '../core/driver.ts';
import { FaultError } from '../core/faults.ts';
import { DRIVERS, driverById, driverIds } from '../drivers/index.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';

export function define(terminal: CommandTerminal): Command {
  const text = terminal.text;
  return new Command()
    .argument('[driver]', text({ en: 'show settings and points of this driver', zh: '显示该驱动的设置和测点' }))
    .addHelpText(
      'after',
      `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals drivers\n  cityvitals drivers modbus\n  cityvitals drivers --json`,
    )
    .action((id: string | undefined) => run(terminal, id).catch((error: unknown) => exitWithFault(terminal, error, EXIT.usage)));
}

async function run(terminal: CommandTerminal, id: string | undefined): Promise<void> {
  if (id !== undefined) {
    const driver = await driverById(id);
    if (driver) return terminal.json ? terminal.record(recordOf(driver)) : printOne(terminal, driver);
    const { code, params } = unknownName('CV_DRIVER_UNKNOWN', { driver: id }, driverIds(), { en: 'cityvitals', zh: 'cityvitals' });
    throw new FaultError(code, params);
  }
  for (const entry of DRIVERS) {
    const driver = await entry.load();
    if (terminal.json) terminal.record(recordOf(driver));
    else terminal.print(`${driver.id.padEnd(10)} ${terminal.text(driver.title)}  (${driver.traits.join(', ')})`);
  }
}

/** The same as data: schemas as JSON Schema, with each field's notes in both languages. */
function recordOf({ id, title, traits, settings, point, points }: Driver) {
  const schema = (of: z.ZodObject) => z.toJSONSchema(of, { io: 'input', unrepresentable: 'any' });
  return { id, title, traits, settings: schema(settings), ...(point ? { point: schema(point) } : { points }) };
}

function printOne(terminal: CommandTerminal, driver: Driver): void {
  const { text, print } = terminal;
  print(`${driver.id}: ${text(driver.title)}`);
  print(`\n${text({ en: 'settings', zh: '设置' })}:`);
  printFields(terminal, driver.settings);
  print(`\n${text({ en: 'points', zh: '测点' })}:`);
  if (driver.point) return printFields(terminal, driver.point);
  for (const [id, point] of Object.entries(driver.points ?? {})) {
    print(`  ${id.padEnd(14)} ${text(point)}${point.unit ? ` [${point.unit}]` : ''}${point.indicator ? `  ${point.indicator}` : ''}`);
  }
  if (driver.derivedPoints) print(`  ${text({ en: 'more points depend on the settings: docs/zones.md', zh: '另有由设置产生的测点：docs/zones.md' })}`);
}

/** Every field, and by its path what stands inside it, as the settings reference has them. */
function printFields(terminal: CommandTerminal, schema: z.ZodObject, prefix = ''): void {
  const { text, print } = terminal;
  for (const [key, field] of Object.entries(schema.shape as Record<string, z.ZodType>)) {
    const path = `${prefix}${key}`;
    const { zh = '', en = '' } = metaOf(field);
    const standard = defaultOf(field);
    const need = standard !== undefined ? text({ en: `default ${JSON.stringify(standard)}`, zh: `默认 ${JSON.stringify(standard)}` })
      : field.safeParse(undefined).success ? text({ en: 'optional', zh: '可省略' }) : text({ en: 'required', zh: '必填' });
    print(`  ${path.padEnd(14)} ${text(describeField(field))}${text({ en: '; ', zh: '；' })}${need}`);
    print(`  ${''.padEnd(14)} ${text({ zh, en })}`);
    for (const inner of groupsIn(field, path)) printFields(terminal, inner.schema, inner.prefix);
  }
}

/** The groups of settings that a field may hold: itself, the elements of its list, one of its kinds. */
function groupsIn(field: z.ZodType, path: string): { schema: z.ZodObject; prefix: string }[] {
  const schema = unwrapSchema(field);
  if (schema instanceof z.ZodObject) return [{ schema, prefix: `${path}.` }];
  const { element, options = [] } = defOf(schema);
  return element ? groupsIn(element, `${path}[]`) : options.flatMap((option) => groupsIn(option, path));
}
