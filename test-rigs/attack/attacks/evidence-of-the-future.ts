import { createHash, randomBytes } from 'node:crypto';
import { attackPauseMs, type Attack, type AttackRig, type AttackSender } from '../rig.ts';

const BYTES = 256 << 10;

/** Looks like a JPEG. */
const picture = () =>
  Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0]), randomBytes(BYTES), Buffer.from([0xff, 0xd9])]);

async function put(sender: AttackSender, content: Buffer, at: number): Promise<string> {
  const sha256 = createHash('sha256').update(content).digest('hex');
  for (let offset = 0; offset < content.length;) {
    const part = content.subarray(offset, offset + (48 << 10));
    sender.publish(
      'evidence',
      JSON.stringify({ v: 1, sha256, mime: 'image/jpeg', bytes: content.length, at, offset, data: part.toString('base64') }),
    );
    offset += part.length;
    const want = offset;
    for (let turn = 0; turn < 400 && !sender.answers.some((answer) => isHave(answer.evidence, sha256, want)); turn += 1)
      await attackPauseMs(5);
  }
  return sha256;
}

function isHave(evidence: unknown, sha256: string, want: number): boolean {
  const given = evidence as { sha256: string; have: number } | undefined;
  return given?.sha256 === sha256 && given.have >= want;
}

const has = async (rig: AttackRig, sha256: string) => (await rig.get(`/api/v1/evidence/${sha256}`)).status === 200;

export default {
  name: 'evidence dated a year ahead, more than the folder holds', clause: '1.10',
  async run(rig) {
    await rig.honest.state(['honest-d']);
    const own = await put(rig.honest, picture(), Date.now());
    if (!await has(rig, own)) return { held: false, detail: 'the honest picture did not come in at all' };
    const hostile = await rig.sender('hostile');
    await hostile.state([]);
    for (let count = 0; count < 80; count += 1) await put(hostile, picture(), Date.now() + 365 * 86_400_000);
    await hostile.client.endAsync(true);
    const isThere = await has(rig, own);
    return { held: isThere, detail: `after 80 pictures of another edge the honest one is ${isThere ? 'there' : 'gone'}` };
  },
} satisfies Attack;
