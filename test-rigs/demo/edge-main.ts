/** The demo's edge: the real one, which also tells its parent what its log has acknowledged, after the commit. */
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { realWorld } from '../../core/world.ts';
import { AUDIT_INDICATOR } from '../../log/audit/edge-entry.ts';
import { openTelemetryOutput } from '../../cli/observe.ts';
import { runEdge } from '../../edge/main.ts';
import { loadEdge } from '../../cli/load.ts';
import { endWithParent, tellParent } from '../processes/child.ts';

const path = process.argv[2] as string;
const observer = openTelemetryOutput({ component: 'edge', language: 'en', nowMs: () => Date.now(), log: pino.destination(2) });
const { setup, problems } = await loadEdge({ path, text: readFileSync(path, 'utf8') });
if (!setup) throw new Error(JSON.stringify(problems, null, 1));

const edge = await runEdge(setup, realWorld(observer.tell), {
  metrics: observer.metrics,
  onKept({ stream, epoch, firstSeq, drafts }) {
    const isWhole = drafts.every(({ indicator }) => indicator !== AUDIT_INDICATOR);
    if (isWhole) return tellParent({ kind: 'kept', stream, epoch, from: firstSeq, to: firstSeq + drafts.length - 1 });
    // What goes to the audit record is not among the events of the API.
    for (const [at, { indicator }] of drafts.entries())
      if (indicator !== AUDIT_INDICATOR) tellParent({ kind: 'kept', stream, epoch, from: firstSeq + at, to: firstSeq + at });
  },
});
endWithParent(() => edge.close());
tellParent({ kind: 'ready' });
