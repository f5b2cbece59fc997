/** `cityvitals models list | pull | verify | run | bench | import`: manages detection models. */
import { Command } from 'commander';
import { FaultError, faultOf, type Fault, type FaultCode } from '../core/faults.ts';
import { inputSize, type ModelSpec } from '../core/model.ts';
import { realWorld, type World } from '../core/world.ts';
import { FAMILY_IDS } from '../models/families/index.ts';
import { MODELS } from '../models/index.ts';
import { openDetector } from '../models/load.ts';
import { findModel } from '../models/manifest.ts';
import { graphPath, verifyModel } from '../models/verify.ts';
import { benchModel } from './models/bench.ts';
import { importModel, type ImportOptions } from './models/import.ts';
import { pullModel, type PullOptions } from './models/pull.ts';
import { runModel, type ModelRunOptions } from './models/run.ts';
import { openProgress } from './progress.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';
import './faults.ts';

export function define(terminal: CommandTerminal): Command {
  const text = terminal.text;
  const world = realWorld((event) => { if (event.kind === 'fault') terminal.fault(event.fault); });
  // Subcommands take this over, so a wrong call ends with 2 there as well.
  const command = new Command('models');
  command.addHelpText(
    'after',
    `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals models list\n  cityvitals models verify centernet-320\n  cityvitals models run centernet-320 street.jpg --json\n  cityvitals models pull yunet-n-320 --from /media/usb/models.tar\n  cityvitals models import ./helmets.onnx --family yolov8 --classes helmet,"no helmet"`,
  );
  command
    .command('list')
    .description(text({ en: 'list models, and whether their graphs are installed', zh: '列出模型及其模型文件是否就绪' }))
    .action(() => guard(terminal, () => list(terminal, world)));
  command
    .command('verify')
    .argument('[model]', text({ en: 'default: all with installed graphs', zh: '默认：全部已就绪的模型' }))
    .description(text({ en: 'check hash, operator set and shapes, then run it once', zh: '校验哈希、算子集和张量形状，并试运行一次' }))
    .action((model?: string) => guard(terminal, () => verify(terminal, world, model)));
  command
    .command('run')
    .argument('<model>')
    .argument('<picture>', text({ en: 'a JPEG, PNG, WebP or TIFF file, or a video', zh: 'JPEG、PNG、WebP、TIFF 图像或视频文件' }))
    .description(text({ en: 'run a model on a picture or a video', zh: '对一幅图像或一段视频运行模型' }))
    .option(
      '--threshold <score>',
      text({ en: 'score threshold, 0 to 1; default: that of the model', zh: '最低置信度（0–1），默认为模型自带值' }),
    )
    .option('--fps <rate>', text({ en: 'pictures per second of a video; default 1', zh: '视频每秒取几幅图像；默认 1' }))
    .action((model: string, picture: string, options: ModelRunOptions) =>
      guard(terminal, async () => runModel(await findModel(model, MODELS, world.files), picture, options, terminal, world)),
    );
  command
    .command('pull')
    .argument('<model>', text({ en: 'its name, or the path of its manifest', zh: '模型名称或说明文件的路径' }))
    .description(text({ en: 'download a graph, or take it from a bundle, and verify it', zh: '从网址或离线包获取模型文件并校验' }))
    .option(
      '--from <source>',
      text({ en: 'another URL, or a file, folder or .tar with the graph', zh: '其他网址，或包含它的文件、目录、.tar' }),
    )
    .option(
      '--dir <folder>',
      text({ en: 'folder for graph and manifest; default: the model registry', zh: '将模型文件和说明文件放到该目录；默认放在模型库中' }),
    )
    .action((model: string, options: PullOptions) =>
      guard(terminal, async () => pullModel(await findModel(model, MODELS, world.files), options, terminal)),
    );
  command
    .command('bench')
    .argument('<model>')
    .description(text({ en: 'measure the time per picture on this machine', zh: '测量本机处理一幅图像的时间' }))
    .option('--runs <count>', text({ en: 'number of measured pictures; default 30', zh: '计入的图像数；默认 30' }))
    .action((model: string, { runs = '30' }: { runs?: string }) =>
      guard(terminal, async () => {
        if (!/^[1-9]\d{0,4}$/.test(runs)) throw new FaultError('CV_INPUT_INVALID', { key: '--runs', given: runs });
        return benchModel(await findModel(model, MODELS, world.files), Number(runs), terminal, world);
      }),
    );
  command
    .command('import')
    .argument('<file>', text({ en: 'an ONNX file', zh: 'ONNX 文件' }))
    .description(text({ en: 'write a manifest for an ONNX file, by its inputs and outputs', zh: '根据输入和输出为 ONNX 文件生成说明文件' }))
    .option(
      '--family <family>',
      text({ en: `one of ${FAMILY_IDS.join(', ')}; default: guessed`, zh: `${FAMILY_IDS.join('、')} 之一；默认由形状推断` }),
    )
    .option('--name <name>', text({ en: 'default: name of the file', zh: '默认为文件名' }))
    .option('--classes <names>', text({ en: 'a file with one name per line, or comma-separated names', zh: '每行一个的文件，或以逗号分隔的名称' }))
    .option('--licence <licence>', text({ en: 'of the weights', zh: '权重的许可' }))
    .option(
      '--size <size>',
      text({
        en: 'input size when the graph accepts any: 640, or 640x384 (width x height)',
        zh: '模型接受任意尺寸时的输入尺寸：640 或 640x384（宽x高）',
      }),
    )
    .option('--source <source>', text({ en: 'their source', zh: '来源' }))
    .action((file: string, options: ImportOptions) => guard(terminal, () => importModel(file, options, terminal)));
  return command;
}

const EXIT_OF: Partial<Record<FaultCode, number>> = {
  CV_MODEL_UNKNOWN: EXIT.usage,
  CV_MODEL_FAMILY: EXIT.usage,
  CV_MODEL_MANIFEST: EXIT.usage,
  CV_INPUT_INVALID: EXIT.usage,
  CV_PULL_SOURCE: EXIT.usage,
  CV_IMAGE_UNREADABLE: EXIT.usage,
  CV_SCORE_INVALID: EXIT.usage,
  CV_MODEL_MISSING: EXIT.missing,
  CV_MODEL_NOT_PULLED: EXIT.missing,
  CV_MODEL_PROVIDER: EXIT.missing,
};
const exitOf = (fault: Fault) => EXIT_OF[fault.code] ?? EXIT.found;

async function guard(terminal: CommandTerminal, action: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await action();
  } catch (error) {
    exitWithFault(terminal, error, exitOf(faultOf(error, 'CV_COMMAND_FAILED')));
  }
}

async function list(terminal: CommandTerminal, world: World): Promise<number> {
  for (const spec of MODELS) {
    const fault = await verifyModel(spec, world.files);
    const { id, version, task, family, title, input, classes, scoreThreshold, licence, source, sha256, measured, tested = [] } = spec;
    const { width, height } = inputSize(input);
    if (terminal.json)
      terminal.record({
        model: id,
        version,
        task,
        family,
        width,
        height,
        classes: classes.length,
        scoreThreshold,
        ready: fault === null,
        fault: fault?.code ?? null,
        sha256,
        licence,
        source,
        measured: measured ?? null,
        tested,
      });
    else {
      const state = fault === null ? terminal.text({ en: 'ready', zh: '就绪' }) : fault.code;
      const said = [
        ...(measured
          ? [
              {
                en: `measured: ${measured.msPerPicture} ms per picture, ${measured.on}`,
                zh: `实测：每幅 ${measured.msPerPicture} ms，${measured.on}`,
              },
            ]
          : []),
        ...tested.map(({ data, result }) => ({ en: `tested on ${data}: ${result}`, zh: `验证：${data}：${result}` })),
        { en: `licence: ${licence}`, zh: `许可：${licence}` },
        { en: `source: ${source}, version ${version}`, zh: `来源：${source}，版本 ${version}` },
      ];
      terminal.print([`${id}  ${state}`, ...[title, ...said].map((words) => `  ${terminal.text(words)}`)].join('\n'));
    }
  }
  return EXIT.ok;
}

async function verify(terminal: CommandTerminal, world: World, id: string | undefined): Promise<number> {
  const worst: number[] = [EXIT.ok];
  const specs = id === undefined ? await present(world) : [await findModel(id, MODELS, world.files)];
  const progress = openProgress(terminal, { id: 'models', en: 'checking models', zh: '正在校验模型' });
  for (const [index, spec] of specs.entries()) {
    progress.update(index, specs.length, spec.id);
    try {
      const detector = await openDetector(spec, {}, world);
      await detector.close();
      const opset = spec.opset ?? null;
      if (terminal.json) terminal.record({ model: spec.id, ok: true, sha256: spec.sha256, opset });
      else
        terminal.print(
          terminal.text({
            en: `${spec.id}: ok (SHA-256 ${spec.sha256}, ${opset === null ? '' : `opset ${opset}, `}ran once)`,
            zh: `${spec.id}：正常（SHA-256 ${spec.sha256}，${opset === null ? '' : `算子集 ${opset}，`}已试运行）`,
          }),
        );
    } catch (error) {
      const fault = faultOf(error, 'CV_MODEL_FAILED', { model: spec.id });
      terminal.fault(fault, spec.id);
      worst.push(exitOf(fault));
    }
  }
  progress.end();
  return Math.max(...worst);
}

/** Downloadable models count once they are installed. */
async function present({ files }: World): Promise<ModelSpec[]> {
  const isHere = await Promise.all(MODELS.map((spec) => (spec.url === undefined ? true : files.exists(graphPath(spec)))));
  return MODELS.filter((_, index) => isHere[index]);
}
