/** Formats case results for test runners: TAP 14 and JUnit XML. Pure. */
export interface CaseResult {
  /** Driver and name of the case. */
  suite: string;
  name: string;
  /** Differences and errors; empty when passed. */
  problems: readonly string[];
  /** Why it was skipped; absent when it ran. */
  skipped?: string;
}

export function formatTap(results: readonly CaseResult[]): string {
  const lines = results.flatMap(({ suite, name, problems, skipped }, index) => {
    const isOk = problems.length === 0;
    const head = `${isOk ? 'ok' : 'not ok'} ${index + 1} - ${escapeTap(`${suite}/${name}`)}${skipped === undefined ? '' : ` # SKIP ${skipped}`}`;
    return isOk ? [head] : [head, '  ---', '  problems:', ...problems.map((problem) => `    - ${JSON.stringify(problem)}`), '  ...'];
  });
  return ['TAP version 14', `1..${results.length}`, ...lines, ''].join('\n');
}

const escapeTap = (text: string): string => text.replace(/[\\#]/g, (sign) => `\\${sign}`).replace(/[\r\n]/g, ' ');

export function formatJunit(results: readonly CaseResult[]): string {
  const failed = results.filter(({ problems }) => problems.length > 0).length;
  const skipped = results.filter((result) => result.skipped !== undefined).length;
  const cases = results.map((result) => {
    const head = `  <testcase classname="${xml(result.suite)}" name="${xml(result.name)}"`;
    if (result.skipped !== undefined) return `${head}><skipped message="${xml(result.skipped)}"/></testcase>`;
    if (result.problems.length === 0) return `${head}/>`;
    return `${head}><failure message="${xml(result.problems[0] as string)}">${xml(result.problems.join('\n'))}</failure></testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="cityvitals" tests="${results.length}" failures="${failed}" errors="0" skipped="${skipped}">`,
    ...cases,
    '</testsuite>',
    '',
  ].join('\n');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&apos;' };
/** Characters that are invalid in XML 1.0 are removed. */
const xml = (text: string): string => text.replace(/[^\t\n\r -퟿-�]/g, '').replace(/[&<>"']/g, (sign) => ENTITIES[sign] as string);
