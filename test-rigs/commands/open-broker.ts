/** A broker on which everybody may do everything, and somebody on it who reads along and sends commands of his own. */
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Aedes } from 'aedes';
import mqtt from 'mqtt';
import { until } from '../../core/testing/until.ts';
import type { Answer, Command } from '../../core/wire/commands.ts';
import { edgeTopic } from '../../core/wire/topics.ts';
import { COMMAND_CENTRE } from './bench.ts';

export interface Intruder {
  url: string;
  /** Payloads of the command topic as they went by. */
  commands: string[];
  answers: Answer[];
  say(payload: string | Command): Promise<void>;
  /** Says it, and waits for one answer more. */
  ask(payload: string | Command): Promise<Answer>;
}

export async function openBrokerWithIntruder(scope: { after(close: () => unknown): void }): Promise<Intruder> {
  const broker = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    broker.handle(socket);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = await mqtt.connectAsync(url, { protocolVersion: 4, clientId: 'intruder' });
  scope.after(async () => {
    await client.endAsync(true);
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => { broker.close(() => { server.close(() => resolve()); }); });
  });
  const commandTopic = edgeTopic(COMMAND_CENTRE, 'e1', 'cmd');
  const intruder: Intruder = {
    url, commands: [], answers: [],
    async say(payload) {
      await client.publishAsync(commandTopic, typeof payload === 'string' ? payload : JSON.stringify(payload), { qos: 1 });
    },
    async ask(payload) {
      const before = intruder.answers.length;
      await intruder.say(payload);
      await until(() => intruder.answers.length > before);
      return intruder.answers.at(-1) as Answer;
    },
  };
  client.on('message', (topic, payload) => {
    if (topic === commandTopic) intruder.commands.push(payload.toString());
    else intruder.answers.push(JSON.parse(payload.toString()) as Answer);
  });
  await client.subscribeAsync([commandTopic, edgeTopic(COMMAND_CENTRE, 'e1', 'rsp')], { qos: 1 });
  return intruder;
}
