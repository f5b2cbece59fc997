/** What one run of `ours-main.ts` is to do, and what it says. */
export interface VisionBenchPlan {
  clip: string;
  fps: number;
  /** In the stream's own time, or as fast as pictures are taken. */
  speed: 1 | 'max';
  motion: 'on' | 'off';
  cameras: number;
  /** Pictures of one camera, faster than the others, that come before all else. */
  compiled: number;
  /** Of each that are not measured then, and of all that are. */
  warm: number;
  pictures: number;
}

export interface VisionRun {
  /** Processor time a picture, ms: this process, its ffmpegs, its detectors. */
  cpuMs: { edge: number; ffmpeg: number; detector: number };
  pictures: number;
  looks: number;
  late: number;
  /** Pictures that had come and gave nothing yet, most at once. */
  mostWaiting: number;
  /** From a picture's time to its samples, ms. */
  latencyMs: number[];
  residentBytes: { edge: number; ffmpeg: number; detector: number };
}
