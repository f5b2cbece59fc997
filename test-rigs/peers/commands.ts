/** Commands from a gateway's API to devices that are not ours, end to end: API, broker, edge, device and back. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { realWorld } from '../../core/world.ts';
import { ownCertificate, ownCertificatePath } from '../../drivers/opcua/own-certificate.ts';
import { withRig, type Rig } from '../bench/rig.ts';
import { COMMAND_CENTRE, commandFolder, giveCommand, knownCommand, startCommandEdge, startCommandGateway } from '../commands/bench.ts';
import { startOpen62541 } from '../../drivers/opcua/testing/open62541/server.ts';

const USER = { user: 'plant', password: 'a word of many letters' };

export const peers: { name: string; needs: string[]; run(): Promise<void> }[] = [
  {
    name: 'commands: a point of open62541 is written and read back, from the API on',
    needs: ['gcc', 'open62541'],
    run: () => withRig(writesByOpcua),
  },
  {
    name: 'commands: a picture is taken of a clip that ffmpeg plays, from the API on',
    needs: ['ffmpeg'],
    run: () => withRig(takesPicture),
  },
];

const edgeOf = (brokerUrl: string, device: object): string =>
  JSON.stringify({
    edge: 'e1',
    centre: COMMAND_CENTRE,
    gateway: { url: brokerUrl, token: 't1' },
    http: { port: 0 },
    devices: [{ id: 'plc', ...device }],
  });

async function writesByOpcua(rig: Rig): Promise<void> {
  const scope = { after: (close: () => unknown) => rig.undo(async () => { await close(); }) };
  const certificates = join(rig.dir, 'certificates');
  await ownCertificate(certificates, realWorld(() => {}));
  const server = await startOpen62541({ client: ownCertificatePath(certificates), ...USER, periodMs: 100 });
  rig.undo(() => server.stop());
  await copyFile(server.certificate, join(certificates, 'trusted', 'server.der'));
  const { httpUrl, brokerUrl } = await startCommandGateway(scope, commandFolder(scope));
  const node = (name: string) => `nsu=urn:cityvitals:rig:open62541;s=${name}`;
  await startCommandEdge(
    scope,
    rig.dir,
    edgeOf(brokerUrl, {
      driver: 'opcua',
      settings: {
        endpoint: `opc.tcp://127.0.0.1:${server.port}`,
        security: { policy: 'Basic256Sha256', mode: 'SignAndEncrypt' },
        ...USER,
        certificates: { dir: certificates },
      },
      points: [
        { id: 'setpoint', node: node('Setpoint'), unit: '1', indicator: 'X-1', write: { allow: true, range: [0, 50] } },
        { id: 'fixed', node: node('Fixed'), unit: '1', indicator: 'X-1', write: { allow: true, range: [0, 50] } },
      ],
    }),
  );
  await knownCommand(httpUrl);
  const write = async (point: string, value: number) => {
    const { status, readBack, fault } = await giveCommand(httpUrl, { kind: 'write', device: 'plc', point, value });
    return [status, readBack, fault?.code ?? null];
  };
  assert.deepEqual(await write('setpoint', 21.75), ['done', 21.75, null]);
  assert.deepEqual(
    (await giveCommand(httpUrl, { kind: 'read', device: 'plc', points: ['setpoint'] })).values?.map(({ value }) => value),
    [21.75],
  );
  assert.deepEqual((await write('setpoint', 51)).slice(0, 1), ['refused']);
  assert.deepEqual((await write('fixed', 3)).slice(0, 1), ['failed']);
}

async function takesPicture(rig: Rig): Promise<void> {
  const scope = { after: (close: () => unknown) => rig.undo(async () => { await close(); }) };
  const clip = join(rig.dir, 'clip.mkv');
  await promisify(execFile)('ffmpeg', [
    '-v',
    'error',
    '-f',
    'lavfi',
    '-i',
    'testsrc=size=320x240:rate=5',
    '-t',
    '20',
    '-c:v',
    'mjpeg',
    clip,
  ]);
  const { httpUrl, brokerUrl } = await startCommandGateway(scope, commandFolder(scope));
  await startCommandEdge(
    scope,
    rig.dir,
    edgeOf(brokerUrl, { driver: 'camera', settings: { url: `file:${clip}`, fps: 5, model: 'centernet-320' } }),
  );
  await knownCommand(httpUrl);
  const { status, picture, fault } = await giveCommand(httpUrl, { kind: 'snapshot', device: 'plc' });
  assert.equal(status, 'done', JSON.stringify(fault));
  assert.ok(picture);
  assert.equal(picture.device, 'plc');
  // As it was fitted to the detector: the clip's own shape.
  assert.ok(Math.abs(picture.width / picture.height - 320 / 240) < 0.01, `${picture.width} × ${picture.height}`);
  const jpeg = Buffer.from(picture.jpegBase64, 'base64');
  assert.deepEqual([jpeg.subarray(0, 2).toString('hex'), jpeg.subarray(-2).toString('hex')], ['ffd8', 'ffd9']);
}
