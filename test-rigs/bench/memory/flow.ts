/** The edge's work as a Node-RED flow: ten devices read once a second, 100 values each, written to VictoriaMetrics. */
import { startNodeRed, type FlowNode } from '../peers/node-red.ts';
import { startVictoria } from '../peers/victoria.ts';
import type { Program, Rig } from '../rig.ts';

export const DEVICES = 10;
export const REGISTERS = 100;

/** @returns Node-RED alone is what counts; `rows` says what has been stored */
export async function startReadingFlow(rig: Rig, firstPort: number): Promise<{ program: Program; rows(): Promise<number> }> {
  const victoria = await startVictoria(rig);
  const device = (at: number): FlowNode[] => [
    {
      id: `client-${at}`, type: 'modbus-client', name: '', clienttype: 'tcp', bufferCommands: true, stateLogEnabled: false, queueLogEnabled: false, failureLogEnabled: true,
      tcpHost: '127.0.0.1', tcpPort: String(firstPort + at), tcpType: 'DEFAULT', serialPort: '', unit_id: '1', commandDelay: '1', clientTimeout: '1000', reconnectOnTimeout: true,
      reconnectTimeout: '2000', parallelUnitIdsAllowed: true, showErrors: true, showWarnings: true, showLogs: false,
    },
    {
      id: `read-${at}`, type: 'modbus-read', name: '', topic: `d${at}`, server: `client-${at}`, unitid: '1', dataType: 'HoldingRegister', adr: '0', quantity: String(REGISTERS), rate: '1', rateUnit: 's',
      delayOnStart: false, startDelayTime: '', showStatusActivities: false, showErrors: true, showWarnings: true, logIOActivities: false, useIOFile: false, ioFile: '', useIOForPayload: false, emptyMsgOnFail: false,
      wires: [[`lines-${at}`], []],
    },
    {
      id: `lines-${at}`, type: 'function', outputs: 1, libs: [], wires: [['write']],
      func: `const at = Date.now();
return { method: 'POST', url: ${JSON.stringify(victoria.writeUrl)}, headers: { 'content-type': 'text/plain' }, payload: msg.payload.map((value, place) => 'm,d=d${at},p=p' + place + ' v=' + value + ' ' + at).join('\\n') };`,
    },
  ];
  const { program } = await startNodeRed(rig, [
    ...Array.from({ length: DEVICES }, (_, at) => device(at)).flat(),
    { id: 'write', type: 'http request', method: 'use', ret: 'txt', paytoqs: 'ignore', url: '', tls: '', persist: true, proxy: '', authType: '', senderr: false, wires: [[]] },
  ]);
  return { program, rows: victoria.rows };
}
