/** `cityvitals models list | verify | run`: what detectors there are, whether they can be used, and what one sees. */
import { Command } from 'commander';
import type { Picture } from '../core/driver.ts';
import type { Box } from '../core/event.ts';
import { FaultError, faultOf, type Fault, type FaultCode } from '../core/faults.ts';
import { inputSize, type ModelSpec } from '../core/model.ts';
import { realWorld, type World } from '../core/world.ts';
import { i420Of } from '../models/colours.ts';
import { MODELS, modelById, modelIds } from '../models/index.ts';
import { openDetector, type Detector } from '../models/load.ts';
import { graphPath, verifyModel } from '../models/verify.ts';
import { openProgress } from './progress.ts';
import { EXIT, fail, type Terminal } from './terminal.ts';

export function define(terminal: Terminal): Command {
  const text = terminal.text;
  const world = realWorld((event) => { if (event.kind === 'fault') terminal.fault(event.fault); });
  // Subcommands take this over, so a wrong call ends with 2 there as well.
  const command = new Command('models');
  command.addHelpText('after', `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals models list\n  cityvitals models verify centernet-320\n  cityvitals models run centernet-320 street.jpg --json`);
  command.command('list').description(text({ en: 'models, and whether their graphs are there', zh: '列出模型及其计算图是否就绪' }))
    .action(() => guard(terminal, () => list(terminal, world)));
  command.command('verify').argument('[model]', text({ en: 'default: all whose graphs are here', zh: '默认：全部已就绪的模型' })).description(text({ en: 'check hash, operator set and shapes, then run it once', zh: '校验哈希、算子集和张量形状，并试运行一次' }))
    .action((model?: string) => guard(terminal, () => verify(terminal, world, model)));
  command.command('run').argument('<model>').argument('<image>', text({ en: 'a JPEG, PNG, WebP or TIFF file', zh: 'JPEG、PNG、WebP 或 TIFF 文件' })).description(text({ en: 'say what a model sees in an image', zh: '对一幅图像运行模型' }))
    .option('--threshold <score>', text({ en: "least score, 0 to 1; default: the model's own", zh: '最低得分（0–1）,默认为模型自带值' }))
    .action((model: string, image: string, options: { threshold?: string }) => guard(terminal, () => run(terminal, world, model, image, options.threshold)));
  return command;
}

const EXIT_OF: Partial<Record<FaultCode, number>> = {
  CV_MODEL_UNKNOWN: EXIT.usage, CV_IMAGE_UNREADABLE: EXIT.usage, CV_SCORE_INVALID: EXIT.usage, CV_MODEL_MISSING: EXIT.missing, CV_MODEL_NOT_PULLED: EXIT.missing, CV_MODEL_PROVIDER: EXIT.missing,
};
const exitOf = (fault: Fault) => EXIT_OF[fault.code] ?? EXIT.found;

async function guard(terminal: Terminal, action: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await action();
  } catch (error) {
    fail(terminal, error, exitOf(faultOf(error, 'CV_COMMAND_FAILED')));
  }
}

async function list(terminal: Terminal, world: World): Promise<number> {
  for (const spec of MODELS) {
    const fault = await verifyModel(spec, world.files);
    const { id, task, title, input, classes, scoreThreshold, licence, source, sha256 } = spec;
    const { width, height } = inputSize(input);
    if (terminal.json) terminal.record({ model: id, task, width, height, classes: classes.length, scoreThreshold, ready: fault === null, fault: fault?.code ?? null, sha256, licence, source });
    else {
      const state = fault === null ? terminal.text({ en: 'ready', zh: '就绪' }) : fault.code;
      terminal.print(`${id}  ${state}\n  ${terminal.text(title)}\n  ${terminal.text({ en: 'licence', zh: '许可' })}: ${licence}\n  ${terminal.text({ en: 'source', zh: '来源' })}: ${source}`);
    }
  }
  return EXIT.ok;
}

async function verify(terminal: Terminal, world: World, id: string | undefined): Promise<number> {
  const worst: number[] = [EXIT.ok];
  const specs = id === undefined ? await present(world) : [modelOf(id)];
  const progress = openProgress(terminal, { id: 'models', en: 'checking models', zh: '正在校验模型' });
  for (const [at, spec] of specs.entries()) {
    progress.tell(at, specs.length, spec.id);
    try {
      const detector = await openDetector(spec, {}, world);
      await detector.close();
      if (terminal.json) terminal.record({ model: spec.id, ok: true, sha256: spec.sha256, opset: spec.opset });
      else terminal.print(terminal.text({ en: `${spec.id}: well (SHA-256 ${spec.sha256}, opset ${spec.opset}, ran once)`, zh: `${spec.id}:正常（SHA-256 ${spec.sha256}，算子集 ${spec.opset}，已试运行）` }));
    } catch (error) {
      const fault = faultOf(error, 'CV_MODEL_FAILED', { model: spec.id });
      terminal.fault(fault, spec.id);
      worst.push(exitOf(fault));
    }
  }
  progress.end();
  return Math.max(...worst);
}

/** Models made by others are looked at once somebody fetched them. */
async function present({ files }: World): Promise<ModelSpec[]> {
  const isHere = await Promise.all(MODELS.map((spec) => (spec.url === undefined ? true : files.exists(graphPath(spec)))));
  return MODELS.filter((_, at) => isHere[at]);
}

async function run(terminal: Terminal, world: World, id: string, image: string, threshold: string | undefined): Promise<number> {
  const spec = modelOf(id);
  const scoreThreshold = threshold === undefined ? spec.scoreThreshold : Number(threshold);
  if (!(scoreThreshold >= 0 && scoreThreshold <= 1)) throw new FaultError('CV_SCORE_INVALID', { got: threshold ?? '' });
  const picture = await readImage(image, spec);
  const detector: Detector = await openDetector(spec, { scoreThreshold }, world);
  try {
    const { boxes, durationMs } = await detector.detect(picture);
    for (const box of boxes) if (terminal.json) terminal.record({ model: id, ...box });
    if (!terminal.json) for (const line of describe(boxes, durationMs, terminal)) terminal.print(line);
    return EXIT.ok;
  } finally {
    await detector.close();
  }
}

function describe(boxes: readonly Box[], durationMs: number, terminal: Terminal): string[] {
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  const counts = new Map<string, number>();
  for (const box of boxes) counts.set(box.class, (counts.get(box.class) ?? 0) + 1);
  const summary = [...counts].map(([label, count]) => `${count} × ${label}`).join(', ');
  return [
    ...boxes.map(({ class: label, score, x, y, width, height }) => `${label} ${score.toFixed(2)}  ${percent(x)} ${percent(y)}, ${percent(width)} × ${percent(height)}`),
    terminal.text({ en: `${summary || 'nothing'} in ${Math.round(durationMs)} ms`, zh: `${summary || '未检测到目标'}，用时 ${Math.round(durationMs)} 毫秒` }),
  ];
}

function modelOf(id: string): ModelSpec {
  const spec = modelById(id);
  if (!spec) throw new FaultError('CV_MODEL_UNKNOWN', { model: id, known: modelIds().join(', ') });
  return spec;
}

/** Turned upright, stretched to about the model's input by sharp, whose scaling is better than the worker's. */
async function readImage(path: string, spec: ModelSpec): Promise<Picture> {
  const { default: sharp } = await import('sharp');
  const input = inputSize(spec.input);
  const [width, height] = [even(input.width), even(input.height)];
  try {
    const { autoOrient } = await sharp(path).metadata();
    const rgb = await sharp(path).rotate().flatten({ background: 'white' }).toColourspace('srgb').resize(width, height, { fit: 'fill' }).raw().toBuffer();
    return { index: 0, ptsMs: 0, width, height, yuv: i420Of(rgb, { width, height }), aspect: autoOrient.width / autoOrient.height };
  } catch (error) {
    throw new FaultError('CV_IMAGE_UNREADABLE', { path, detail: (error as Error).message });
  }
}

function even(pixels: number): number {
  return pixels + (pixels % 2);
}
