/** The real edge as a child of the commands rig. */
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { loadEdge } from '../../cli/load.ts';
import { openTelemetryOutput } from '../../cli/observe.ts';
import { realWorld } from '../../core/world.ts';
import { runEdge } from '../../edge/main.ts';
import { endWithParent, tellParent } from '../processes/child.ts';

const path = process.argv[2] as string;
const observer = openTelemetryOutput({ component: 'edge', language: 'en', nowMs: () => Date.now(), log: pino.destination(2) });
const { setup, problems } = await loadEdge({ path, text: readFileSync(path, 'utf8') });
if (!setup) throw new Error(JSON.stringify(problems, null, 1));
const edge = await runEdge(setup, realWorld(observer.tell));
endWithParent(() => edge.close());
tellParent({ kind: 'ready', httpUrl: edge.httpUrl });
