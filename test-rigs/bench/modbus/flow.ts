/** node-red-contrib-modbus as a poller: a client a device, each asked again as soon as it has answered; what was read is asked for over HTTP. */
import { startNodeRed, type FlowNode } from '../peers/node-red.ts';
import type { Program, Rig } from '../rig.ts';

const REGISTERS = 124;
const BLOCKS = 10;

export interface ModbusFlow {
  readonly program: Program;
  /** Reads so far. */
  reads(): Promise<number>;
}

export async function startModbusFlow(rig: Rig, firstPort: number, devices: number): Promise<ModbusFlow> {
  const device = (at: number): FlowNode[] => [
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
      id: `begin-${at}`,
      type: 'inject',
      props: [{ p: 'payload' }],
      payload: '',
      payloadType: 'date',
      once: true,
      onceDelay: '1',
      repeat: '',
      wires: [[`ask-${at}`]],
    },
    {
      id: `ask-${at}`,
      type: 'function',
      outputs: 1,
      libs: [],
      wires: [[`get-${at}`]],
      func: `const reads = context.get('reads') || 0;
context.set('reads', reads + 1);
return { payload: { fc: 3, unitid: 1, address: (reads % ${BLOCKS}) * ${REGISTERS}, quantity: ${REGISTERS} } };`,
    },
    {
      id: `get-${at}`,
      type: 'modbus-flex-getter',
      server: `client-${at}`,
      name: '',
      showStatusActivities: false,
      showErrors: true,
      showWarnings: true,
      logIOActivities: false,
      useIOFile: false,
      ioFile: '',
      useIOForPayload: false,
      emptyMsgOnFail: true,
      keepMsgProperties: false,
      delayOnStart: false,
      wires: [[`values-${at}`], []],
    },
    {
      id: `values-${at}`,
      type: 'function',
      outputs: 1,
      libs: [],
      wires: [[`ask-${at}`]],
      func: `const bytes = Buffer.alloc(${REGISTERS * 2});
msg.payload.forEach((register, at) => bytes.writeUInt16BE(register, at * 2));
const values = [];
for (let at = 0; at < bytes.length; at += 4) values.push(bytes.readFloatBE(at));
if (values.length === ${REGISTERS / 2}) global.set('reads', (global.get('reads') || 0) + 1);
return msg;`,
    },
  ];
  const { program, url } = await startNodeRed(rig, [
    ...Array.from({ length: devices }, (_, at) => device(at)).flat(),
    { id: 'count-in', type: 'http in', url: '/reads', method: 'get', wires: [['count']] },
    {
      id: 'count',
      type: 'function',
      outputs: 1,
      libs: [],
      func: "msg.payload = String(global.get('reads') || 0); return msg;",
      wires: [['count-out']],
    },
    { id: 'count-out', type: 'http response', statusCode: '200', wires: [] },
  ]);
  return { program, reads: async () => Number(await (await fetch(`${url}/reads`)).text()) };
}
