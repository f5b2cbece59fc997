/** Models that users bring: described in YAML, checked, and then like those of the registry. */
import { z } from 'zod';
import { checkPart, ConfigDocument, sortProblems, resolvePath, type ConfigProblem } from '../core/config/check.ts';
import { IDS } from '../core/event.ts';
import { explain, FaultError } from '../core/faults.ts';
import type { ModelSpec } from '../core/model.ts';
import { settingIssue } from '../core/setting.ts';
import type { Files } from '../core/world.ts';
import { FAMILY_IDS, familyOf } from './families/index.ts';

const text = (zh: string, en: string, examples: string[] = []) =>
  z
    .string()
    .min(1)
    .meta({ zh, en, ...(examples.length > 0 && { examples }) });
/** Characters of a class's name, as an event can hold it. */
const MAX_NAME = 64;
const words = z.strictObject({ zh: text('中文', 'in Chinese').max(MAX_NAME), en: text('英文', 'in English').max(MAX_NAME) });
const triple = () => z.tuple([z.number(), z.number(), z.number()]);
const share = () => z.number().min(0).max(1);
const side = z.int().min(1).max(8192);
const dimension = z.union([z.int().min(1), z.literal('batch'), z.literal('any')]);

const INPUT = z
  .strictObject({
    name: text('计算图中输入的名称', 'its name in the graph', ['images']),
    shape: z
      .tuple([z.union([z.literal(1), z.literal('batch')]), side, side, side])
      .meta({
        zh: '形状；首维不定时写 batch',
        en: 'its shape; a first dimension that the graph leaves free is `batch`',
        examples: [[1, 3, 640, 640]],
      }),
    layout: z.enum(['NHWC', 'NCHW']).meta({ zh: '通道在后（NHWC）或在前（NCHW）', en: 'colours last (NHWC) or first (NCHW)' }),
    color: z.enum(['RGB', 'BGR']).meta({ zh: '颜色顺序', en: 'order of colours' }),
    fit: z
      .enum(['stretch', 'letterbox'])
      .meta({
        zh: 'stretch 拉伸至输入尺寸；letterbox 保持比例，四周填充',
        en: '`stretch` changes the proportion, `letterbox` keeps it and fills the rest',
      }),
    anchor: z
      .enum(['centre', 'top-left'])
      .optional()
      .meta({ zh: 'letterbox 时图像的位置；默认居中', en: 'where a letterboxed picture lies; default: centre' }),
    pad: z
      .number()
      .min(0)
      .max(255)
      .optional()
      .meta({
        zh: 'letterbox 填充的像素值（均值和比例之前）；默认 0',
        en: 'pixel value around a letterboxed picture, before mean and scale; default 0',
        examples: [114],
      }),
    mean: triple()
      .optional()
      .meta({
        zh: '均值，按计算图的颜色顺序：（像素 − 均值）× 比例；默认 0',
        en: "mean, in the graph's order of colours: (pixel − mean) × scale; default 0",
        examples: [[123.675, 116.28, 103.53]],
      }),
    scale: triple()
      .optional()
      .meta({ zh: '比例；默认 1', en: 'scale; default 1', examples: [[0.0039215686, 0.0039215686, 0.0039215686]] }),
  })
  .refine(
    ({ shape, layout }) => shape[layout === 'NHWC' ? 3 : 1] === 3,
    settingIssue(
      'a picture has 3 colours: NHWC is [1, height, width, 3], NCHW [1, 3, height, width]',
      '图像有 3 个颜色通道：NHWC 为 [1, 高, 宽, 3]，NCHW 为 [1, 3, 高, 宽]',
    ),
  );

export const MANIFEST_SCHEMA = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/)
      .meta({
        zh: '模型名称：小写字母、数字、点和连字符',
        en: 'name of the model: small letters, digits, dots and hyphens',
        examples: ['helmets-640'],
      }),
    version: text('版本', 'version', ['2026-03']),
    task: z.enum(['object-detection', 'face-detection', 'classification']).meta({ zh: '任务', en: 'what it does' }),
    title: words.optional().meta({ zh: '标题；默认为名称', en: 'title in both languages; default: its name' }),
    licence: text('权重的许可', 'licence of the weights', ['AGPL-3.0']),
    source: text('权重来自何处', 'where the weights are from', ['trained by us, 2026-03']),
    file: text('ONNX 文件；相对路径以本文件所在目录为准', "ONNX file; a relative path counts from this file's folder", [
      'helmets-640.onnx',
    ]),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .meta({ zh: 'ONNX 文件的 SHA-256', en: 'SHA-256 of the ONNX file' }),
    bytes: z.int().min(1).optional().meta({ zh: 'ONNX 文件的字节数', en: 'size of the ONNX file' }),
    url: z
      .string()
      .regex(/^https?:\/\/\S+$/)
      .optional()
      .meta({
        zh: '可从何处下载 ONNX 文件（cityvitals models pull）',
        en: 'where `cityvitals models pull` can fetch the ONNX file',
        examples: ['https://models.example.com/helmets-640.onnx'],
      }),
    opset: z
      .int()
      .min(7)
      .max(30)
      .optional()
      .meta({ zh: '算子集版本；省略则不检查', en: 'version of the operator set; left out: not checked', examples: [17] }),
    input: INPUT.meta({ zh: '图像如何送入计算图', en: 'how a picture is put into the graph' }),
    outputs: z
      .record(z.string(), z.array(dimension).min(1).max(5))
      .meta({
        zh: '输出名称 → 形状；不定的首维写 batch，其他不定的维写 any',
        en: 'outputs by name: shape; `batch` where the graph leaves the first dimension free, `any` for others',
        examples: [{ output0: [1, 84, 8400] }],
      }),
    family: z
      .enum(FAMILY_IDS)
      .meta({ zh: '输出的读法，见 docs/models.md', en: 'how its outputs are read: see docs/models.md', examples: ['yolov8'] }),
    familyOptions: z
      .record(z.string(), z.union([z.string(), z.boolean()]))
      .optional()
      .meta({ zh: '该系列的选项', en: 'options of the family', examples: [{ decoded: true }] }),
    classes: z
      .array(z.union([z.string().min(1).max(MAX_NAME), words]))
      .min(1)
      .meta({
        zh: '类别，顺序与计算图一致；名称或中英文各一',
        en: "classes in the graph's order: a name, or one in each language",
        examples: [['helmet', { en: 'no helmet', zh: '未戴安全帽' }]],
      }),
    scoreThreshold: share().meta({ zh: '最低置信度', en: 'least score', examples: [0.4] }),
    maxOverlap: share()
      .default(0.45)
      .meta({
        zh: '同类两框交并比超过此值时只留置信度高者；图内已含 NMS 时写 1',
        en: 'of two boxes of a class that share more than this of their joint area the better stays; 1 where the graph does that itself',
      }),
    indicators: z
      .record(z.string(), z.string().regex(IDS.indicator))
      .optional()
      .meta({
        zh: '类别 → 指标代码',
        en: 'class → code of the indicator that counts of it stand for',
        examples: [{ 'no helmet': 'AQ-PPE-001' }],
      }),
    providers: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .meta({ zh: '执行后端，依次尝试；默认 cpu', en: 'execution providers, the preferred first; default cpu', examples: [['cpu']] }),
    measured: z
      .strictObject({
        msPerPicture: z.number().min(0).meta({ zh: '每幅毫秒数', en: 'milliseconds a picture' }),
        on: text('所用机器', 'on what machine'),
      })
      .optional()
      .meta({
        zh: '实测每幅图像毫秒数及所用机器',
        en: 'milliseconds a picture, and on what machine',
        examples: [{ msPerPicture: 38, on: 'Raspberry Pi 5, 1 thread' }],
      }),
    tested: z
      .array(z.strictObject({ data: text('所用数据', 'on what'), result: text('结果', 'what came of it') }))
      .optional()
      .meta({ zh: '在何数据上试过，结果如何', en: 'what it was tried on, and what came of it' }),
  })
  .check(({ value, issues }) => {
    const { options = {} } = familyOf({ id: value.name, family: value.family });
    for (const [key, chosen] of Object.entries(value.familyOptions ?? {})) {
      const allowed = options[key];
      if (allowed?.includes(chosen)) continue;
      const known = allowed ? allowed.join(', ') : Object.keys(options).join(', ');
      issues.push({
        code: 'custom',
        path: ['familyOptions', key],
        input: chosen,
        ...settingIssue(
          allowed ? `must be one of: ${known}` : `family ${value.family} has ${known ? `the options: ${known}` : 'no options'}`,
          allowed ? `只能是：${known}` : `${value.family} 系列${known ? `的选项为：${known}` : '没有选项'}`,
        ),
      });
    }
    const names = new Set(value.classes.map(nameOf));
    value.classes.forEach((one, at) => {
      const before = value.classes.findIndex((other) => nameOf(other) === nameOf(one));
      if (before < at)
        issues.push({
          code: 'custom',
          path: ['classes', at],
          input: one,
          ...settingIssue(`"${nameOf(one)}" is the name of class ${before} already`, `“${nameOf(one)}”已是第 ${before} 类的名称`),
        });
    });
    for (const key of Object.keys(value.indicators ?? {})) {
      if (!names.has(key))
        issues.push({
          code: 'custom',
          path: ['indicators', key],
          input: key,
          ...settingIssue('is no class of this model', '不是本模型的类别'),
        });
    }
  });
export type Manifest = z.infer<typeof MANIFEST_SCHEMA>;

const nameOf = (one: Manifest['classes'][number]) => (typeof one === 'string' ? one : one.en);

/** @param path of the manifest; its text is held against the schema, and every mistake is told with its place */
export function readManifest(path: string, source: string): { spec: ModelSpec; problems: [] } | { spec: null; problems: ConfigProblem[] } {
  const document = new ConfigDocument({ path, text: source }, {});
  const checked = checkPart(document, MANIFEST_SCHEMA, [], { en: 'this manifest', zh: '本模型说明' });
  const problems = sortProblems([...document.problems, ...checked.problems]);
  return problems.length === 0 && checked.value ? { spec: specOf(checked.value, path), problems: [] } : { spec: null, problems };
}

function specOf({ name, title, file, classes, ...rest }: Manifest, path: string): ModelSpec {
  // What the schema leaves optional is absent, never undefined: YAML knows no such thing.
  const given = rest as Omit<ModelSpec, 'id' | 'title' | 'file' | 'classes'>;
  return {
    ...given,
    id: name,
    title: title ?? { zh: name, en: name },
    file: resolvePath(path, file),
    classes: classes.map(nameOf),
    classesZh: classes.map((one) => (typeof one === 'string' ? one : one.zh)),
  };
}

/** @throws FaultError CV_MODEL_MANIFEST with the place of the first mistake */
export async function loadManifest(path: string, files: Files): Promise<ModelSpec> {
  return manifestSpec(
    path,
    await files.readText(path).catch((error: unknown) => {
      throw unreadable(path, error);
    }),
  );
}

/**
 * The same at once, for checks.
 * @throws FaultError CV_MODEL_MANIFEST
 */
export function loadManifestSync(path: string, readFile: (path: string) => string): ModelSpec {
  let source: string;
  try {
    source = readFile(path);
  } catch (error) {
    throw unreadable(path, error);
  }
  return manifestSpec(path, source);
}

function unreadable(path: string, error: unknown): FaultError {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' ? manifestFault(path, 1, 'there is no such file', '没有此文件') : manifestFault(path, 1, code ?? message);
}

function manifestSpec(path: string, source: string): ModelSpec {
  const { spec, problems } = readManifest(path, source);
  if (spec) return spec;
  const [first] = problems;
  if (!first) throw manifestFault(path, 1, 'empty');
  throw manifestFault(path, first.line, explain(first.fault, 'en').message, explain(first.fault, 'zh-CN').message);
}

function manifestFault(path: string, line: number, problem: string, problemZh = problem): FaultError {
  return new FaultError('CV_MODEL_MANIFEST', { path, line, problem, problemZh });
}

/** What tells a manifest's path from the name of a model. */
export function isManifestPath(name: string): boolean {
  return /\.ya?ml$/i.test(name);
}

/**
 * @param name of a model of the registry, or path of a manifest
 * @throws FaultError CV_MODEL_UNKNOWN, CV_MODEL_MANIFEST
 */
export async function findModel(name: string, models: readonly ModelSpec[], files: Files): Promise<ModelSpec> {
  if (isManifestPath(name)) return loadManifest(name, files);
  const spec = models.find(({ id }) => id === name);
  if (!spec) throw new FaultError('CV_MODEL_UNKNOWN', { model: name, known: models.map(({ id }) => id).join(', ') });
  return spec;
}
