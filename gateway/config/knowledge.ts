/** Catalogue and rules of a setup: the files are found, read and checked here. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EMPTY_CATALOGUE, readCatalogue, type Catalogue } from '../../city/catalogue/catalogue.ts';
import type { ConfigProblem, ConfigSource } from '../../core/config/check.ts';
import { readRules } from '../../city/rules/read.ts';
import type { Rule } from '../../city/rules/rule.ts';
import type { GatewaySetup } from './setup.ts';

export interface Knowledge {
  catalogue: Catalogue;
  rules: Rule[];
  /** With any of them neither catalogue nor rules are whole. */
  problems: ConfigProblem[];
}

/** @param setup paths of files, and of folders whose *.yaml are taken in the order of their names */
export async function readKnowledge(setup: Pick<GatewaySetup, 'rules' | 'catalogue'>): Promise<Knowledge> {
  const [ruleFiles, catalogueFiles] = [await readYaml(setup.rules), await readYaml(setup.catalogue)];
  const { catalogue, problems: catalogueProblems } = readCatalogue(catalogueFiles.sources);
  const { rules, problems: ruleProblems } = readRules(ruleFiles.sources);
  return {
    catalogue: catalogue ?? EMPTY_CATALOGUE,
    rules,
    problems: [...ruleFiles.problems, ...catalogueFiles.problems, ...catalogueProblems, ...ruleProblems],
  };
}

async function readYaml(paths: readonly string[]): Promise<{ sources: ConfigSource[]; problems: ConfigProblem[] }> {
  const sources: ConfigSource[] = [];
  const problems: ConfigProblem[] = [];
  for (const path of paths) {
    try {
      for (const file of (await stat(path)).isDirectory() ? await yamlIn(path) : [path])
        sources.push({ path: file, text: await readFile(file, 'utf8') });
    } catch (error) {
      const detail = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
      problems.push({ file: path, line: 1, column: 1, path: '', fault: { code: 'CV_CONFIG_UNREADABLE', params: { path, detail } } });
    }
  }
  return { sources, problems };
}

async function yamlIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).toSorted().map((name) => join(folder, name));
}
