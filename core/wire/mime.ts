/** Kinds of files that go with events, and the ends of their names. */
export const EVIDENCE_KINDS = { 'image/jpeg': 'jpg', 'image/webp': 'webp', 'video/mp4': 'mp4', 'video/x-matroska': 'mkv' } as const;
/** Those that leave an edge, each known by its first bytes. */
export const SENT_KINDS = ['image/jpeg', 'image/webp', 'video/mp4'] as const satisfies readonly EvidenceMime[];
export type EvidenceMime = keyof typeof EVIDENCE_KINDS;

/** What a file is, whatever is said of it; null when it is none of these. */
export function mimeOf(content: Uint8Array): (typeof SENT_KINDS)[number] | null {
  const text = Buffer.from(content.subarray(0, 12)).toString('latin1');
  if (text.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (text.slice(4, 8) === 'ftyp') return 'video/mp4';
  return text.startsWith('RIFF') && text.slice(8) === 'WEBP' ? 'image/webp' : null;
}
