/** `node models/convert/main.ts`: makes the graph files that are missing or not as recorded. Run by set-up. */
import { rename, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { explain, FaultError, faultOf, type Language } from '../../core/faults.ts';
import { realFiles } from '../../core/world.ts';
import { graphPath, sha256, verifyModel } from '../verify.ts';
import { convertTfGraph } from './convert.ts';
import { MODEL_SOURCES, sourceFolder, type ModelSource } from './sources.ts';
import { readTfjsGraph } from './tfjs-graph.ts';

const { CITYVITALS_LANG, LC_ALL, LC_MESSAGES, LANG } = process.env;
const language: Language = (CITYVITALS_LANG ?? LC_ALL ?? LC_MESSAGES ?? LANG ?? '').toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';

async function make({ spec, graph, recipe }: ModelSource): Promise<void> {
  console.error(language === 'en' ? `set-up: converting the detector ${spec.id} …` : `set-up: 正在转换检测模型 ${spec.id} …`);
  const folder = sourceFolder();
  const [json, bin] = await Promise.all([readFile(join(folder, `${graph}.json`), 'utf8'), readFile(join(folder, `${graph}.bin`))]);
  const bytes = convertTfGraph(readTfjsGraph(json, bin), recipe);
  const path = graphPath(spec);
  if (sha256(bytes) !== spec.sha256) throw new FaultError('CV_MODEL_CONVERTED', { model: spec.id, got: sha256(bytes), want: spec.sha256 });
  // Whole or not at all: another start may run beside this one.
  const draft = `${path}.${process.pid}.draft`;
  await writeFile(draft, bytes);
  await rename(draft, path);
}

try {
  for (const source of MODEL_SOURCES) if (await verifyModel(source.spec, realFiles)) await make(source);
} catch (error) {
  const { message, remedy } = explain(faultOf(error, 'CV_MODEL_GRAPH'), language);
  console.error(`set-up: ${message}\n  → ${remedy}`);
  process.exitCode = 1;
}
