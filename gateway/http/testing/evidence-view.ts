/** A file of evidence in memory, as the API reads it. */
import type { EvidenceView } from '../sources.ts';

export const evidenceView = (content: Uint8Array, mime: string, edge: string): EvidenceView => ({
  mime, edge, bytes: content.length, read: (from, to) => Promise.resolve(content.subarray(from, to)),
});
