/** Node-RED with a flow of ours, without its editor, ready when its flow answers. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../../core/free-port.ts';
import { isAnswering, PEERS_FOLDER, type Program, type Rig } from '../rig.ts';

/** A node as Node-RED keeps it in a flow file. */
export interface FlowNode {
  id: string;
  type: string;
  wires?: string[][];
  [setting: string]: unknown;
}

export interface NodeRed {
  readonly program: Program;
  readonly url: string;
}

const TAB = 'bench';

export async function startNodeRed(
  rig: Rig,
  nodes: readonly FlowNode[],
  credentials: Record<string, Record<string, string>> = {},
): Promise<NodeRed> {
  const port = await freePort();
  const dir = join(rig.dir, `node-red-${port}`);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'flows.json'), JSON.stringify([
    { id: TAB, type: 'tab', label: 'bench' },
    // A node with a place on the page is part of the flow, one without is configuration.
    ...nodes.map((node) => (node.wires ? { z: TAB, x: 0, y: 0, ...node } : node)),
    { id: 'ready-in', z: TAB, x: 0, y: 0, type: 'http in', url: '/ready', method: 'get', wires: [['ready-out']] },
    { id: 'ready-out', z: TAB, x: 0, y: 0, type: 'http response', statusCode: '200', wires: [] },
  ]));
  writeFileSync(join(dir, 'flows_cred.json'), JSON.stringify(credentials));
  writeFileSync(join(dir, 'settings.js'), `module.exports = ${JSON.stringify({
    uiHost: '127.0.0.1', uiPort: port, httpAdminRoot: false, httpNodeRoot: '/', flowFile: 'flows.json', credentialSecret: false,
    nodesDir: [join(PEERS_FOLDER, 'node_modules', 'node-red-contrib-modbus')], telemetry: { enabled: false },
    externalModules: { palette: { allowInstall: false } }, logging: { console: { level: 'warn', metrics: false, audit: false } },
  })};\n`);
  const url = `http://127.0.0.1:${port}`;
  const program = await rig.start(
    `node-red-${port}`,
    [process.execPath, join(PEERS_FOLDER, 'node_modules', 'node-red', 'red.js'), '--userDir', dir, '--settings', join(dir, 'settings.js')],
    () => isAnswering(`${url}/ready`),
  );
  return { program, url };
}
