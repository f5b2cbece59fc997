/**
 * In place of a detector that could not be opened: each picture fails with what is wrong, and now and then it is looked
 * whether somebody has mended it, such as by fetching the model.
 */
import { FaultError, faultOf, type Fault } from '../../../core/faults.ts';
import type { Clock } from '../../../core/world.ts';
import type { Detector } from '../../../models/detector.ts';

const AGAIN_MS = 15_000;

export function retryingDetector(model: string, first: Fault, open: () => Promise<Detector>, clock: Clock): Detector {
  let detector: Detector | null = null;
  let fault = first;
  let nextMs = clock.monotonicMs() + AGAIN_MS;
  let isClosed = false;

  async function tryAgain(): Promise<void> {
    nextMs = clock.monotonicMs() + AGAIN_MS;
    try {
      const opened = await open();
      if (isClosed) await opened.close();
      else detector = opened;
    } catch (error) {
      fault = faultOf(error, 'CV_MODEL_FAILED', { model });
    }
  }

  return {
    model,
    get provider() { return detector?.provider ?? ''; },
    async detect(picture, signal) {
      if (!detector && !isClosed && clock.monotonicMs() >= nextMs) await tryAgain();
      if (!detector) throw new FaultError(fault.code, fault.params);
      return detector.detect(picture, signal);
    },
    async close() {
      isClosed = true;
      await detector?.close();
    },
  };
}
