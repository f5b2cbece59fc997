/** Checks the key by which an edge verifies commands: whether it can be read, and which it is. */
import type { BilingualText } from '../../core/bilingual-text.ts';
import { faultOf } from '../../core/faults.ts';
import { TrustedKeyReader } from '../../edge/commands/trusted-key.ts';
import type { EdgeSetup } from '../../edge/config/setup.ts';
import { realIdentityFiles } from '../../edge/identity/real-identity-files.ts';
import { failed, passed, type CheckResult } from './check-result.ts';
import '../../edge/identity/faults.ts';

/** As much of a key's SHA-256 as people compare. */
const SHOWN_ID_LENGTH = 16;

/** @returns nothing where no key is named and there is no identity that could have one */
export async function checkCommandKey(setup: Pick<EdgeSetup, 'edge' | 'commands' | 'gateway'>): Promise<CheckResult[]> {
  const { edge, commands, gateway } = setup;
  if (commands?.key === undefined && gateway.identity === undefined) return [];
  try {
    const key = await new TrustedKeyReader(() => ({ edge, file: commands?.key, identity: gateway.identity }), realIdentityFiles).read();
    const { en, zh } = commandKeyText(key?.id ?? null);
    return [passed('commands', en, zh)];
  } catch (error) {
    return [failed('commands', faultOf(error, 'CV_COMMAND_KEY_UNREADABLE', { edge, path: commands?.key ?? '' }))];
  }
}

/** @param id SHA-256 of the key; null: there is none */
export function commandKeyText(id: string | null): BilingualText {
  if (id === null) return { en: 'commands are not verified: no key of the gateway', zh: '不校验命令签名：没有网关公钥' };
  const shown = id.slice(0, SHOWN_ID_LENGTH);
  return { en: `commands are verified by key ${shown}`, zh: `命令以公钥 ${shown} 校验` };
}
