/** `cityvitals models bench`: measures the time per picture, in the same kind of process as cameras use. */
import type { Picture } from '../../core/driver.ts';
import { inputSize, type ModelSpec } from '../../core/model.ts';
import { seededRandom, type World } from '../../core/world.ts';
import { openDetector } from '../../models/load.ts';
import { EXIT, type CommandTerminal } from '../terminal.ts';

/** Warm-up runs, not counted. */
const WARM_RUNS = 3;

export async function benchModel(spec: ModelSpec, runs: number, terminal: CommandTerminal, world: World): Promise<number> {
  const detector = await openDetector(spec, {}, world);
  try {
    const picture = noise(spec);
    const durationsMs: number[] = [];
    for (let run = -WARM_RUNS; run < runs; run += 1) {
      const { durationMs } = await detector.detect(picture);
      if (run >= 0) durationsMs.push(durationMs);
    }
    durationsMs.sort((a, b) => a - b);
    const percentile = (share: number) =>
      Math.round((durationsMs[Math.min(durationsMs.length - 1, Math.floor(share * durationsMs.length))] as number) * 100) / 100;
    const [leastMs, medianMs, p95Ms] = [percentile(0), percentile(0.5), percentile(0.95)];
    if (terminal.json) terminal.record({ model: spec.id, runs, leastMs, medianMs, p95Ms });
    else
      terminal.print(
        terminal.text({
          en: `${spec.id}: minimum ${leastMs} ms, median ${medianMs} ms, p95 ${p95Ms} ms (${runs} pictures, one thread; on an idle machine the minimum is the CPU time)`,
          zh: `${spec.id}：最短 ${leastMs} 毫秒，中位 ${medianMs} 毫秒，95% 在 ${p95Ms} 毫秒以内（${runs} 幅图像，单线程：机器空闲时最短值即处理器时间）`,
        }),
      );
    return EXIT.ok;
  } finally {
    await detector.close();
  }
}

/** Noise of the model's input size, which needs no scaling. */
function noise(spec: ModelSpec): Picture {
  const size = inputSize(spec.input);
  const [width, height] = [size.width + (size.width % 2), size.height + (size.height % 2)];
  const random = seededRandom(3);
  return { index: 0, ptsMs: 0, width, height, yuv: Uint8Array.from({ length: (width * height * 3) / 2 }, () => random.next() * 256) };
}
