/** `cityvitals models bench`: how long one picture takes on this machine, in the process that cameras use. */
import type { Picture } from '../../core/driver.ts';
import { inputSize, type ModelSpec } from '../../core/model.ts';
import { seededRandom, type World } from '../../core/world.ts';
import { openDetector } from '../../models/load.ts';
import { EXIT, type CommandTerminal } from '../terminal.ts';

/** The first ones warm caches up and do not count. */
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
    const at = (share: number) => Math.round((durationsMs[Math.min(durationsMs.length - 1, Math.floor(share * durationsMs.length))] as number) * 100) / 100;
    const [leastMs, medianMs, p95Ms] = [at(0), at(0.5), at(0.95)];
    if (terminal.json) terminal.record({ model: spec.id, runs, leastMs, medianMs, p95Ms });
    else terminal.print(terminal.text({
      en: `${spec.id}: ${leastMs} ms at least, ${medianMs} ms in the middle, 95 % within ${p95Ms} ms (${runs} pictures, one thread: on a quiet machine the least is the processor time)`,
      zh: `${spec.id}：最短 ${leastMs} 毫秒，中位 ${medianMs} 毫秒，95% 在 ${p95Ms} 毫秒以内（${runs} 幅图像，单线程：机器空闲时最短值即处理器时间）`,
    }));
    return EXIT.ok;
  } finally {
    await detector.close();
  }
}

/** Of the model's size, so that nothing is spent on scaling; nothing in it is found. */
function noise(spec: ModelSpec): Picture {
  const size = inputSize(spec.input);
  const [width, height] = [size.width + (size.width % 2), size.height + (size.height % 2)];
  const random = seededRandom(3);
  return { index: 0, ptsMs: 0, width, height, yuv: Uint8Array.from({ length: (width * height * 3) / 2 }, () => random.next() * 256) };
}
