/** How long the honest edge waits for its acknowledgements while an attack goes on, against the moments before it. */
import { attackPauseMs, type AttackRig } from './rig.ts';

const EVERY_MS = 100;
const BEFORE_MS = 1500;
/** On a machine that is not ours alone, three times of what it was before; of nearly nothing that would be no finding. */
const MAX_RATIO = 3;
const LEAST_MS = 500;
/** What has no ack after that is lost to whoever waits for it. */
const LOST_AFTER_MS = 15_000;

export interface HonestDelay {
  isDelayed: boolean;
  /** For the detail of an attack. */
  words: string;
}

export async function honestDelay(rig: AttackRig, attack: () => Promise<unknown>): Promise<HonestDelay> {
  const before = await acksDuring(rig, () => attackPauseMs(BEFORE_MS));
  const during = await acksDuring(rig, attack);
  const isDelayed = during.lost > 0 || during.p90Ms > MAX_RATIO * Math.max(LEAST_MS, before.p90Ms);
  const lost = during.lost > 0 ? `, ${during.lost} had none` : '';
  return { isDelayed, words: `honest acks (p90) after ${before.p90Ms} ms before, ${during.p90Ms} ms during${lost}` };
}

/** The honest edge sends at its own pace, whether it is answered or not. */
async function acksDuring(rig: AttackRig, act: () => Promise<unknown>): Promise<{ p90Ms: number; lost: number }> {
  let isOver = false;
  const acting = act().finally(() => { isOver = true; });
  const sent: Promise<number | null>[] = [];
  do {
    sent.push(rig.honest.send(1, 'honest-d', {}, LOST_AFTER_MS));
    await attackPauseMs(EVERY_MS);
  } while (!isOver);
  await acting;
  const acks = await Promise.all(sent);
  const tookMs = acks.filter((one) => one !== null).toSorted((one, other) => one - other);
  return { p90Ms: Math.round(tookMs[Math.ceil(tookMs.length * 0.9) - 1] ?? 0), lost: acks.length - tookMs.length };
}
