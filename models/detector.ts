/** What whoever has pictures sees of the detector processes. */
import type { Picture } from '../core/driver.ts';
import type { Box } from '../core/event.ts';

export interface Detection {
  /** Fractions of the picture, best score first. */
  boxes: Box[];
  /** Fitting, running and reading the outputs: its share of the run. */
  durationMs: number;
}

export interface Detector {
  readonly model: string;
  /** The execution provider that the model really runs on. */
  readonly provider: string;
  /**
   * Finds boxes in one picture, which is fitted to the model's input whatever its size.
   *
   * @param picture or what gives it when its turn has come: the newest by then
   * @throws FaultError CV_MODEL_FAILED, CV_MODEL_OUTPUT, CV_DETECTOR_DIED (the picture is lost, the next one gets a new
   *   process), CV_DETECTOR_CLOSED; the signal's reason when aborted
   */
  detect(picture: Picture | (() => Picture), signal?: AbortSignal): Promise<Detection>;
  /** The last one that leaves a model releases it, the last of all ends the processes. May be called twice; pictures that wait are refused. */
  close(): Promise<void>;
}
