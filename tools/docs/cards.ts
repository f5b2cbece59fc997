/** A page for each driver: what it is held to, what it was recorded from, whom it has met, and what was never tried. */
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Case } from '../../cases/case.ts';
import type { Driver } from '../../core/driver.ts';
import { recordedCasesIn } from '../../drivers/testing/cases.ts';
import { GENERATED } from './tables.ts';

const DRIVERS_FOLDER = join(import.meta.dirname, '../../drivers');

interface Rule {
  is: 'done' | 'todo' | 'exempt';
  proof?: string;
  why?: string;
}

export async function driverCards(drivers: readonly Driver[]): Promise<Record<string, string>> {
  const pages = await Promise.all(
    drivers.map(
      async (driver) =>
        [`docs/drivers/${driver.id}.md`, cardOf(driver, await recordedCasesIn(join(DRIVERS_FOLDER, driver.id, 'recorded')))] as const,
    ),
  );
  return Object.fromEntries(pages);
}

function cardOf(driver: Driver, cases: readonly Case[]): string {
  const { tier, rules } = JSON.parse(readFileSync(join(DRIVERS_FOLDER, driver.id, 'quality.json'), 'utf8')) as {
    tier: string;
    rules: Record<string, Rule>;
  };
  const of = (is: Rule['is']) => Object.entries(rules).filter(([, rule]) => rule.is === is);
  const peers = of('done').filter(([, { proof = '' }]) => proof.includes('test-rigs/peers/'));
  return [
    GENERATED,
    `# Driver \`${driver.id}\`: quality card 质量卡`,
    '',
    `${driver.title.en} · ${driver.title.zh}. Tier 等级：**${tier}**. [README](../../drivers/${driver.id}/README.md) · [settings 设置](../configuration/driver-${driver.id}.md)`,
    '',
    `Traits 能力：${driver.traits.join(', ')}. ${recordingWords(driver)}`,
    '',
    '## Cases 案例',
    '',
    '| case | what it shows | source 来源 | level | secrets |',
    '|---|---|---|---|---|',
    ...cases.map(
      ({ name, title, source, level, secrets, licence }) =>
        `| \`${name}\` | ${cell(title)} | ${cell(source)} (${cell(licence)}) | ${level} | ${secrets} |`,
    ),
    '',
    '## Shown by 已验证',
    '',
    ...of('done').map(([rule, { proof = '' }]) => `- ${words(rule)}: \`${posix.join('drivers', driver.id, proof)}\``),
    '',
    '## Peers met 互通对象',
    '',
    ...(peers.length > 0
      ? peers.map(([rule, { proof = '' }]) => `- ${words(rule)}: \`${posix.join('drivers', driver.id, proof)}\``)
      : ['None 无']),
    '',
    '## Never tried 尚未验证',
    '',
    ...(of('todo').length > 0 ? of('todo').map(([rule, { why = '' }]) => `- ${words(rule)}: ${why}`) : ['Nothing known 暂无']),
    '',
    ...(of('exempt').length > 0
      ? ['## Does not apply 不适用', '', ...of('exempt').map(([rule, { why = '' }]) => `- ${words(rule)}: ${why}`), '']
      : []),
  ].join('\n');
}

function recordingWords({ recording }: Driver): string {
  if (!recording) return '';
  if (recording.level === 'frames') return `Recorded as frames 按帧录制：${recording.above.en} · ${recording.above.zh}.`;
  const { captures } = recording;
  const ports = [...(captures?.tcp ?? []).map((port) => `tcp/${port}`), ...(captures?.udp ?? []).map((port) => `udp/${port}`)];
  return `Recorded by bytes 按字节录制${captures ? `; from captures 可读抓包 (${ports.join(', ') || 'by content 按内容'})` : ''}.`;
}

const words = (rule: string): string => rule.replaceAll('-', ' ');
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');
