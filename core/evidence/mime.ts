/** Kinds of files that go with events, each known by its first bytes. */
export const EVIDENCE_KINDS = { 'image/jpeg': 'jpg', 'image/webp': 'webp' } as const;
export type EvidenceMime = keyof typeof EVIDENCE_KINDS;

/** What a file is, whatever is said of it; null when it is none of these. */
export function mimeOf(content: Uint8Array): EvidenceMime | null {
  const text = Buffer.from(content.subarray(0, 12)).toString('latin1');
  if (text.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  return text.startsWith('RIFF') && text.slice(8) === 'WEBP' ? 'image/webp' : null;
}
