/**
 * Whether a command is the gateway's, and a new one. They are judged one after the other, as they came: a counter says
 * something only in that order. What is admitted has its counter on disk before anything is done with it.
 */
import { faultOf, type Fault } from '../../core/faults.ts';
import type { Command } from '../../core/wire/commands.ts';
import type { CommandHistory } from './command-history.ts';
import { signatureFault } from './command-validation.ts';
import type { TrustedKeyReader } from './trusted-key.ts';

export interface AdmissionParts {
  edge: string;
  key: Pick<TrustedKeyReader, 'read'>;
  history: Pick<CommandHistory, 'highestCounter' | 'recordCounter'>;
}

/** `isVerified`: by a key; else the edge has none, and takes what comes. */
export type CommandAdmission = { isVerified: boolean } | { fault: Fault };

export async function admitCommand(command: Command, { edge, key, history }: AdmissionParts): Promise<CommandAdmission> {
  try {
    const trusted = await key.read();
    if (!trusted) return { isVerified: false };
    const fault = signatureFault(command, { edge, trusted, highest: history.highestCounter(trusted.id) });
    if (fault) return { fault };
    await history.recordCounter(trusted.id, command);
    return { isVerified: true };
  } catch (error) {
    return { fault: faultOf(error, 'CV_COMMAND_UNRECORDED', { path: '' }) };
  }
}
