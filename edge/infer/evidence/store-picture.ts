/** Puts a picture that was made where pictures of events lie on this edge, and gives what an event says of it. */
import type { Snapshot } from '../../../core/event.ts';
import type { EvidenceFolder } from '../../../log/evidence/evidence-folder.ts';
import { FaultError } from '../../../core/faults.ts';
import type { Tell } from '../../../core/telemetry.ts';
import type { EncodedPicture } from './encode.ts';
import type { EvidenceSetup } from './setup.ts';
import '../../../log/evidence/faults.ts';

export interface PictureDestination {
  settings: Pick<EvidenceSetup, 'send'>;
  /** null: it could not be opened. */
  folder(): Pick<EvidenceFolder, 'put'> | null;
  /** A file waits to be sent. */
  onWaiting?(): void;
}

/** @param at ms UTC when it was taken. @returns rejects with CV_EVIDENCE_PICTURE, CV_EVIDENCE_DISK */
export async function storePicture(
  shelf: PictureDestination,
  device: string,
  at: number,
  { sha256, mime, bytes, width, height }: EncodedPicture,
  facts: Omit<Snapshot, 'kind' | 'sha256' | 'mime' | 'bytes' | 'width' | 'height'>,
  tell: Tell,
): Promise<Snapshot> {
  const folder = shelf.folder();
  if (!folder) throw new FaultError('CV_EVIDENCE_PICTURE', { device, detail: 'no folder' });
  await folder.put({ sha256, mime, atMs: at }, bytes, shelf.settings.send ? 'waiting' : 'kept');
  tell({ kind: 'evidence_kept', count: 1, bytes: bytes.length, device });
  shelf.onWaiting?.();
  return { kind: 'snapshot', sha256, mime, bytes: bytes.length, width, height, ...facts };
}
