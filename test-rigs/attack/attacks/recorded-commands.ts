/**
 * Somebody on a broker that lets everything pass: what the gateway sends is recorded, stripped of its signature, changed,
 * signed with a key of his own, and sent again to an edge that was killed meanwhile. A gateway and an edge more, since the
 * embedded broker lets nobody in there.
 */
import { generateKeyPairSync } from 'node:crypto';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer, Command } from '../../../core/wire/commands.ts';
import { signCommand } from '../../../core/wire/signed-commands.ts';
import { CountingDevice, commandEdgeYaml, giveCommand, knownCommand, TOKEN } from '../../commands/bench.ts';
import { openBrokerWithIntruder } from '../../commands/open-broker.ts';
import { startChild } from '../../processes/child.ts';
import type { Attack } from '../rig.ts';

const FOLDER = 'recorded-commands';

export default {
  name: 'recorded commands: stripped, changed, signed by another, sent again after a kill', clause: 'own',
  async run(rig) {
    const closing: (() => unknown)[] = [];
    const scope = { after: (close: () => unknown) => { closing.unshift(close); } };
    try {
      const dir = join(rig.dir, FOLDER);
      const intruder = await openBrokerWithIntruder(scope);
      const device = await new CountingDevice().open(scope);
      const gateway = await rig.startGateway(FOLDER, {
        gateway: 'g', broker: { url: intruder.url }, http: { port: 0 }, tls: { dir: './certificates' },
        operators: [{ name: 'duty-1', token: TOKEN }],
      });
      scope.after(() => gateway.stop());
      const httpUrl = String(gateway.ready.httpUrl);
      // What a field engineer carries to the edge.
      copyFileSync(join(dir, 'certificates/command-key.pub.pem'), join(dir, 'gateway-key.pem'));
      writeFileSync(join(dir, 'edge.yaml'), `${commandEdgeYaml(intruder.url, device.port)}commands: { key: ./gateway-key.pem }\n`);
      const startEdge = async () => {
        const edge = await startChild({
          name: 'edge', module: join(import.meta.dirname, '../../commands/edge-main.ts'), args: [join(dir, 'edge.yaml')],
          logFile: join(dir, 'edge.txt'),
        });
        scope.after(() => edge.stop());
        await knownCommand(httpUrl);
        return edge;
      };
      const write = async (value: boolean) =>
        (await giveCommand(httpUrl, { kind: 'write', device: 'plc', point: 'pump', value, reason: 'attack rig' })).status;

      const edge = await startEdge();
      const before = await write(true);
      const recorded = intruder.commands.at(-1) as string;
      const message = JSON.parse(recorded) as Command;
      const { signature: _signature, counter: _counter, ...bare } = message;
      const unsigned = (id: string) => ({ ...bare, id, value: false }) as Command;
      const counter = (message.counter ?? 0) + 1;
      const own = generateKeyPairSync('ed25519').privateKey;
      const forged: (string | Command)[] = [
        unsigned('stripped-001'),
        { ...message, id: 'renamed-0001' },
        { ...message, ...unsigned('changed-0001') },
        { ...message, id: 'later-000001', counter },
        signCommand('e1', unsigned('foreign-0001'), counter, own),
        signCommand('e2', unsigned('foreign-0002'), counter, own),
      ];
      const answers: Answer[] = [];
      for (const payload of forged) answers.push(await intruder.ask(payload));
      await edge.kill();
      await startEdge();
      answers.push(await intruder.ask(recorded));
      const writtenMeanwhile = device.writes.length - 1;
      const after = await write(false);
      const taken = answers.filter(({ id, status }) => status !== 'refused' && id !== message.id);
      const isHeld =
        before === 'done' && after === 'done' && taken.length === 0 && writtenMeanwhile === 0 && device.writes.length === 2;
      return {
        held: isHeld,
        detail: `own before and after: ${before}, ${after}; ${forged.length + 1} sent: ${taken.length} taken, ${writtenMeanwhile} reached the device`,
      };
    } finally {
      for (const close of closing) await close();
    }
  },
} satisfies Attack;
