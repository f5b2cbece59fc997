/** Rule files, one rule a file, read and checked. */
import { checkPart, ConfigDocument, sortProblems, type ConfigProblem, type ConfigSource } from '../../core/config/check.ts';
import { RULE_SCHEMA, type Rule } from './rule.ts';

/** Problems come with file and line; a rule with any of them is not there. */
export function readRules(sources: readonly ConfigSource[]): { rules: Rule[]; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const rules: Rule[] = [];
  const firstFile = new Map<string, string>();
  for (const source of sources) {
    const document = new ConfigDocument(source, {});
    const checked = checkPart(document, RULE_SCHEMA);
    problems.push(...document.problems, ...checked.problems);
    if (!checked.value) continue;
    const { id } = checked.value;
    const first = firstFile.get(id);
    const problem = first === undefined ? null : document.problem(['id'], { code: 'CV_RULE_TWICE', params: { id, first } });
    if (problem) problems.push(problem);
    else rules.push(checked.value);
    firstFile.set(id, first ?? source.path);
  }
  return { rules, problems: sortProblems(problems) };
}
