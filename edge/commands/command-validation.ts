/** Whether a command may be carried out: every rule of it, as pure decisions. Where two are broken, the first is told. */
import type { WritableValue } from '../../core/driver.ts';
import type { Fault } from '../../core/faults.ts';
import { conditionText, MAX_LIFE_MS, type Command, type Condition } from '../../core/wire/commands.ts';
import { isSignedBy } from '../../core/wire/signed-commands.ts';
import type { DeviceSetup, PointSetup } from '../config/setup.ts';
import { STALE_PERIODS, type OpenDevice } from '../read/host-device.ts';
import type { LatestValue } from './latest-values.ts';
import type { TrustedKey } from './trusted-key.ts';

export type WriteCommand = Extract<Command, { kind: 'write' }>;

/** As far as two clocks that are both right may differ, as Kerberos has it. */
const MAX_CLOCK_SKEW_MS = 300_000;
/** As much of a key's SHA-256 as people compare. */
const SHOWN_ID_LENGTH = 16;

export interface SignatureCheck {
  edge: string;
  trusted: TrustedKey;
  /** Of the commands that were admitted by this key; 0: none yet. */
  highest: number;
}

/** Of an edge that has a key. Signed anew for each sending, so even a repeat has a higher counter than what went before it. */
export function signatureFault(command: Command, { edge, trusted, highest }: SignatureCheck): Fault | null {
  const { counter, signature } = command;
  if (counter === undefined || signature === undefined) return { code: 'CV_COMMAND_UNSIGNED', params: { edge } };
  if (!isSignedBy(edge, command, trusted.key))
    return { code: 'CV_COMMAND_SIGNATURE', params: { edge, key: trusted.id.slice(0, SHOWN_ID_LENGTH) } };
  return counter > highest ? null : { code: 'CV_COMMAND_REPLAYED', params: { edge, counter, highest } };
}

/**
 * What time it is for the expiry of a signed command. The gateway's time comes unsigned over the broker; whoever rules that
 * could set it back and deliver late what was held up. So the edge's own clock counts too, where it is worth something.
 *
 * @param ownMs null: nobody has set it, and against such a delay only the counter protects
 */
export const signedExpiryNow = (gatewayMs: number, ownMs: number | null): number =>
  ownMs === null ? gatewayMs : Math.max(gatewayMs, ownMs - MAX_CLOCK_SKEW_MS);

/** @param nowMs by the gateway's clock */
export function expiryFault({ issuedAt, expiresAt, over }: Command, nowMs: number): Fault | null {
  // The gateway's word counts even where our clock has just been set back.
  if (nowMs >= expiresAt || over) return { code: 'CV_COMMAND_EXPIRED', params: { lateMs: Math.max(0, Math.round(nowMs - expiresAt)) } };
  const lifeMs = expiresAt - issuedAt;
  // Against now too: a command from a clock that runs ahead must not live for years.
  if (lifeMs <= 0 || lifeMs > MAX_LIFE_MS || expiresAt - nowMs > MAX_LIFE_MS)
    return { code: 'CV_COMMAND_LIFE', params: { maxMs: MAX_LIFE_MS } };
  return null;
}

/** What can be said without looking at the plant. */
export function admissionFault(command: Command, target: OpenDevice | undefined, edge: string): Fault | null {
  if (!target) return { code: 'CV_COMMAND_DEVICE', params: { edge, device: command.device } };
  const { setup, driver } = target;
  const notOffered: Fault = { code: 'CV_COMMAND_NOT_OFFERED', params: { device: setup.id, driver: driver.id, kind: command.kind } };
  if (command.kind === 'snapshot') return driver.traits.includes('frames') ? null : notOffered;
  const asked = command.kind === 'write' ? [command.point] : (command.points ?? []);
  const unknown = asked.find((id) => !setup.points.some((point) => point.id === id));
  if (unknown !== undefined) return { code: 'CV_COMMAND_POINT', params: { device: setup.id, point: unknown } };
  if (command.kind === 'read') return null;
  if (!driver.write || !driver.traits.includes('writes')) return notOffered;
  return writeFault(command, setup, setup.points.find((point) => point.id === command.point) as PointSetup);
}

function writeFault({ value, unit }: WriteCommand, device: DeviceSetup, point: PointSetup): Fault | null {
  if (!point.write) return { code: 'CV_COMMAND_NOT_ALLOWED', params: { device: device.id, point: point.id } };
  const no = (detail: string, detailZh: string): Fault => ({
    code: 'CV_COMMAND_VALUE',
    params: { value: String(value).slice(0, 100), point: point.id, detail, detailZh },
  });
  if (unit !== undefined && unit !== point.unit)
    return no(`it is in "${point.unit}", not in "${unit}"`, `其单位为“${point.unit}”，而不是“${unit}”`);
  const { range } = point.write;
  if (typeof value !== 'number') return range ? no('expected a number', '应为数值') : null;
  if (range && (value < range[0] || value > range[1]))
    return no(`it lies outside ${range[0]} to ${range[1]}`, `不在 ${range[0]} 至 ${range[1]} 之内`);
  return null;
}

/** A condition of a write, and on whose word. */
export interface WriteCondition {
  what: 'interlock' | 'ifState';
  condition: Condition;
  device: DeviceSetup;
}

/** The interlocks of the point, then the one that the command brings. */
export function writeConditions(command: WriteCommand, devices: readonly OpenDevice[]): WriteCondition[] | Fault {
  const written = devices.find(({ setup }) => setup.id === command.device)?.setup;
  const interlocks = written?.points.find(({ id }) => id === command.point)?.write?.interlocks ?? [];
  const holds: WriteCondition[] = [];
  for (const [what, condition] of [
    ...interlocks.map((one) => ['interlock', one] as const),
    ...(command.ifState ? [['ifState', command.ifState] as const] : []),
  ]) {
    const id = condition.device ?? command.device;
    const device = devices.find(({ setup }) => setup.id === id)?.setup;
    if (!device?.points.some((point) => point.id === condition.point))
      return { code: 'CV_COMMAND_POINT', params: { device: id, point: condition.point } };
    holds.push({ what, condition, device });
  }
  return holds;
}

/** Whether it holds by the newest value; a value that is not good, or older than three periods, decides nothing. */
export function conditionFault({ what, condition, device }: WriteCondition, newest: LatestValue | null): Fault | null {
  const words =
    what === 'interlock'
      ? { what: 'the interlock', whatZh: '联锁' }
      : { what: 'the state that the command asks for', whatZh: '命令要求的状态' };
  const params = { ...words, condition: conditionText(condition, device.id) };
  const unknown = (detail: string, detailZh: string): Fault => ({
    code: 'CV_COMMAND_CONDITION_UNKNOWN',
    params: { ...params, detail, detailZh },
  });
  if (!newest) return unknown('no value yet', '尚无数值');
  const { value, quality } = newest.draft;
  if (newest.ageMs > STALE_PERIODS * device.everyMs)
    return unknown(`${Math.round(newest.ageMs)} ms old`, `${Math.round(newest.ageMs)} 毫秒前`);
  if (quality !== 'good' || value === null) return unknown(quality, quality);
  return isMet(condition, value) ? null : { code: 'CV_COMMAND_CONDITION', params: { ...params, value: String(value) } };
}

function isMet({ is, above, below }: Condition, value: WritableValue): boolean {
  if (is !== undefined) return value === is;
  if (typeof value !== 'number') return false;
  return above !== undefined ? value > above : below !== undefined && value < below;
}

/** The value as the driver takes it: `scale` and `offset` undone, without the noise that division leaves. */
export function toRawValue({ scale, offset }: Pick<PointSetup, 'scale' | 'offset'>, value: WritableValue): WritableValue {
  return typeof value === 'number' && (scale !== 1 || offset !== 0) ? Number(((value - offset) / scale).toPrecision(12)) : value;
}

export function toScaledValue({ scale, offset }: Pick<PointSetup, 'scale' | 'offset'>, raw: WritableValue): WritableValue {
  return typeof raw === 'number' && (scale !== 1 || offset !== 0) ? Number((raw * scale + offset).toPrecision(12)) : raw;
}
