/** The real gateway as a child of a rig; with `--demo`, the console's two buttons are wired to the parent. */
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import type { DemoView } from '../../api/demo.ts';
import { openTelemetryOutput } from '../../cli/observe.ts';
import type { Tell } from '../../core/telemetry.ts';
import { realWorld } from '../../core/world.ts';
import { runGateway } from '../../gateway/main.ts';
import { loadGateway } from '../../cli/load.ts';
import { endWithParent, tellParent, type ChildMessage } from './child.ts';

const path = process.argv[2] as string;
const observer = openTelemetryOutput({ component: 'gateway', language: 'en', nowMs: () => Date.now(), log: pino.destination(2) });
const { setup, problems } = await loadGateway({ path, text: readFileSync(path, 'utf8') });
if (!setup) throw new Error(JSON.stringify(problems, null, 1));

let view: DemoView = {
  seconds: 0, act: { en: 'starting', zh: '正在启动' }, canCut: false, canKill: false, networkCut: false, edgeDown: false,
  witnessed: 0, missing: 0, twice: 0, checkedAt: null,
};
process.on('message', (message: ChildMessage) => {
  if (message.kind === 'view') view = message.view as DemoView;
});
const demo = { user: 'demo', view: () => view, cut: () => tellParent({ kind: 'cut' }), kill: () => tellParent({ kind: 'kill' }) };
// A rig that wants to strike just then is told when rows are moved into chunks, and when that is over.
const tellsCompaction = process.argv.includes('--tell-compaction');
const tell: Tell = (event) => {
  observer.tell(event);
  if (tellsCompaction && event.kind === 'compaction') tellParent({ kind: 'compaction', left: event.left });
};
const gateway = await runGateway(setup, realWorld(tell), {
  metrics: observer.metrics,
  ...(process.argv.includes('--demo') ? { demo } : {}),
});
endWithParent(() => gateway.close());
tellParent({ kind: 'ready', httpUrl: gateway.httpUrl, brokerUrl: gateway.brokerUrl, setupLink: gateway.setupLink });
