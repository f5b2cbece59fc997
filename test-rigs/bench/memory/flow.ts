/** The edge's work as Node-RED flows: ten devices read once a second, 100 values each, and sent on, each by itself or a device's together. */
import { join } from 'node:path';
import mqtt from 'mqtt';
import { BENCH_PASSWORD, BENCH_USER, startOpenMosquitto } from '../peers/mosquitto.ts';
import { startNodeRed, type FlowNode } from '../peers/node-red.ts';
import { startVictoria } from '../peers/victoria.ts';
import type { Program, Rig } from '../rig.ts';

export const MEMORY_DEVICES = 10;
export const REGISTERS = 100;

export interface ReadingFlow {
  /** Node-RED alone, without broker and store. */
  program: Program;
  /** Values that have arrived. */
  arrived(): Promise<number>;
}

/** A message a value, with QoS 1 under the value's own topic: how flows pass values on. */
export const startFlowOfValues = (rig: Rig, firstPort: number): Promise<ReadingFlow> => startFlow(rig, firstPort, false);

/** The same, each value a line of a file before it is sent, by Node-RED's own file node: written, if not flushed, and never let go. */
export const startFlowOfKeptValues = (rig: Rig, firstPort: number): Promise<ReadingFlow> => startFlow(rig, firstPort, true);

async function startFlow(rig: Rig, firstPort: number, isKept: boolean): Promise<ReadingFlow> {
  const mosquitto = await startOpenMosquitto(rig);
  let arrived = 0;
  const listener = await mqtt.connectAsync(`mqtt://127.0.0.1:${mosquitto.port}`, {
    username: BENCH_USER,
    password: BENCH_PASSWORD,
    clientId: 'listener',
    protocolVersion: 4,
  });
  rig.undo(() => listener.endAsync(true));
  listener.on('message', () => { arrived += 1; });
  await listener.subscribeAsync('bench/#', { qos: 1 });
  const { program } = await startNodeRed(
    rig,
    [
      {
        id: 'broker',
        type: 'mqtt-broker',
        broker: '127.0.0.1',
        port: String(mosquitto.port),
        clientid: 'node-red',
        autoConnect: true,
        usetls: false,
        protocolVersion: '4',
        keepalive: '60',
        cleansession: true,
      },
      ...devicesRead(
        firstPort,
        (at) => `const at = Date.now();
return [msg.payload.map((value, place) => ({ topic: 'bench/d${at}/p' + place, payload: { value, at, quality: value >= 0 && value <= 65535 ? 'good' : 'bad' } }))];`,
        isKept ? 'file' : 'out',
      ),
      ...(isKept
        ? [
            {
              id: 'file',
              type: 'file',
              filename: join(rig.dir, 'values.jsonl'),
              filenameType: 'str',
              appendNewline: true,
              createDir: false,
              overwriteFile: 'false',
              encoding: 'none',
              wires: [['out']],
            },
          ]
        : []),
      { id: 'out', type: 'mqtt out', topic: '', qos: '1', retain: 'false', broker: 'broker', wires: [] },
    ],
    { broker: { user: BENCH_USER, password: BENCH_PASSWORD } },
  );
  return { program, arrived: () => Promise.resolve(arrived) };
}

/** One write to VictoriaMetrics a device and second: the least that a flow can do. */
export async function startFlowOfBlocks(rig: Rig, firstPort: number): Promise<ReadingFlow> {
  const victoria = await startVictoria(rig);
  const { program } = await startNodeRed(rig, [
    ...devicesRead(
      firstPort,
      (at) => `const at = Date.now();
return { method: 'POST', url: ${JSON.stringify(victoria.writeUrl)}, headers: { 'content-type': 'text/plain' }, payload: msg.payload.map((value, place) => 'm,d=d${at},p=p' + place + ' v=' + value + ' ' + at).join('\\n') };`,
    ),
    {
      id: 'out',
      type: 'http request',
      method: 'use',
      ret: 'txt',
      paytoqs: 'ignore',
      url: '',
      tls: '',
      persist: true,
      proxy: '',
      authType: '',
      senderr: false,
      wires: [[]],
    },
  ]);
  return { program, arrived: victoria.rows };
}

/** @param func the function node's text for a device; what it returns goes to the node `to` */
function devicesRead(firstPort: number, func: (device: number) => string, to = 'out'): FlowNode[] {
  return Array.from({ length: MEMORY_DEVICES }, (_, at): FlowNode[] => [
    {
      id: `client-${at}`,
      type: 'modbus-client',
      name: '',
      clienttype: 'tcp',
      bufferCommands: true,
      stateLogEnabled: false,
      queueLogEnabled: false,
      failureLogEnabled: true,
      tcpHost: '127.0.0.1',
      tcpPort: String(firstPort + at),
      tcpType: 'DEFAULT',
      serialPort: '',
      unit_id: '1',
      commandDelay: '1',
      clientTimeout: '1000',
      reconnectOnTimeout: true,
      reconnectTimeout: '2000',
      parallelUnitIdsAllowed: true,
      showErrors: true,
      showWarnings: true,
      showLogs: false,
    },
    {
      id: `read-${at}`,
      type: 'modbus-read',
      name: '',
      topic: `d${at}`,
      server: `client-${at}`,
      unitid: '1',
      dataType: 'HoldingRegister',
      adr: '0',
      quantity: String(REGISTERS),
      rate: '1',
      rateUnit: 's',
      delayOnStart: false,
      startDelayTime: '',
      showStatusActivities: false,
      showErrors: true,
      showWarnings: true,
      logIOActivities: false,
      useIOFile: false,
      ioFile: '',
      useIOForPayload: false,
      emptyMsgOnFail: false,
      wires: [[`values-${at}`], []],
    },
    { id: `values-${at}`, type: 'function', outputs: 1, libs: [], wires: [[to]], func: func(at) },
  ]).flat();
}
