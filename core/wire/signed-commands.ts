/**
 * What is signed of a command, the same at both ends: its edge and every field but the signature, as canonical JSON
 * (RFC 8785), behind a word that says what it is for, so that nothing that was signed for another purpose counts here.
 */
import { createHash, sign, verify, type KeyObject } from 'node:crypto';
import type { Command } from './commands.ts';

/** A command as it is sent to one edge. */
export type SignedCommand = Command & { counter: number; signature: string };

/** Fields in the order of their names, whatever order they came in; what is undefined is not there. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`).join(',')}}`;
}

/** An edge's id has no line ends: where it stops is never in doubt. */
export function commandText(edge: string, { signature: _signature, ...signed }: Command): string {
  return `cityvitals command 1\n${edge}\n${canonicalJson(signed)}`;
}

export function signCommand(edge: string, command: Command, counter: number, key: KeyObject): SignedCommand {
  const counted: Command = { ...command, counter };
  return { ...counted, counter, signature: sign(null, Buffer.from(commandText(edge, counted)), key).toString('base64url') };
}

export function isSignedBy(edge: string, command: Command, key: KeyObject): boolean {
  const bytes = Buffer.from(command.signature ?? '', 'base64url');
  // The last letter has two bits over: one signature has one spelling.
  if (command.signature === undefined || bytes.toString('base64url') !== command.signature) return false;
  return verify(null, Buffer.from(commandText(edge, command)), key, bytes);
}

/** SHA-256 of a public key, by which both sides name it. */
export const commandKeyId = (key: KeyObject): string =>
  createHash('sha256').update(key.export({ format: 'der', type: 'spki' })).digest('hex');
