/** A server that signs and encrypts: who trusts whom, what is said where one does not, and what a look at it shows. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { ServerState } from 'node-opcua-client';
import { FaultError, type Fault } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { realWorld, type World } from '../../core/world.ts';
import { startOpcuaTestServer, type OpcuaTestServer } from './testing/server.ts';
import { ownCertificate, ownCertificatePath } from './own-certificate.ts';
import { probe } from './probe.ts';
import { settings as schema } from './settings.ts';

const USER = { user: 'plant', password: 'a word of many letters' };
const DAY_MS = 86_400_000;
let rig: OpcuaTestServer;
before(async () => { rig = await startOpcuaTestServer({ secured: USER }); });
after(() => rig.stop());

interface Box {
  dir: string;
  world: World;
  faults: Fault[];
  own(): Promise<Buffer>;
  /** What a look at the server gives: findings, or a fault. */
  look(more?: Record<string, unknown>): Promise<string[] | Fault>;
}

/** A box whose folder trusts the server. */
async function box(context: TestContext): Promise<Box> {
  const { dir, remove } = await tempDir();
  context.after(remove);
  const faults: Fault[] = [];
  const world = realWorld((event) => { if (event.kind === 'fault') faults.push(event.fault); });
  await ownCertificate(dir, world);
  await writeFile(join(dir, 'trusted', 'server.der'), rig.certificate as Buffer);
  return {
    dir, world, faults,
    own: () => readFile(ownCertificatePath(dir)),
    async look(more = {}) {
      const settings = schema.parse({
        endpoint: `opc.tcp://127.0.0.1:${rig.port}`,
        security: { policy: 'Basic256Sha256' },
        ...USER,
        certificates: { dir, checkHost: false },
        ...more,
      });
      try {
        return (await probe(settings, [], world, new AbortController().signal)).map(({ en }) => en);
      } catch (error) {
        if (error instanceof FaultError) return error.fault;
        throw error;
      }
    },
  };
}

const codeOf = (looked: string[] | Fault) => (Array.isArray(looked) ? 'no fault' : looked.code);

test('a look names the server, its state, how the way is secured, and both certificates', async (context: TestContext) => {
  const { look, own, dir } = await box(context);
  await rig.trust(await own());
  const theirs = new X509Certificate(rig.certificate as Buffer);
  const ours = new X509Certificate(await own());
  for (const mode of ['Sign', 'SignAndEncrypt']) {
    const found = await look({ security: { policy: 'Basic256Sha256', mode } });
    assert.ok(Array.isArray(found), JSON.stringify(found));
    assert.equal(found.length, 3);
    assert.equal(found[0], 'server: cityvitals opcua rig 1, state running');
    assert.ok(found[1]?.startsWith(`Basic256Sha256 ${mode}; its certificate: `) && found[1].includes(theirs.fingerprint), found[1]);
    assert.ok(
      found[2]?.startsWith(`certificate of this machine: ${ours.fingerprint}, valid to `) &&
        found[2].endsWith(`(${ownCertificatePath(dir)})`),
      found[2],
    );
  }
});

test('each state of a server is a word; without security nothing is said of certificates', async (context: TestContext) => {
  const { look } = await box(context);
  const words = ['running', 'failed', 'no configuration', 'suspended', 'shutdown', 'test', 'communication fault', 'unknown'];
  for (const [state, word] of words.entries()) {
    rig.setState(state as ServerState);
    assert.deepEqual(await look({ security: 'none', user: undefined, password: undefined }), [
      `server: cityvitals opcua rig 1, state ${word}`,
    ]);
  }
  rig.setState(ServerState.Running);
});

test('a server that does not trust this box says so; the certificate to bring to it is named', async (context: TestContext) => {
  const { look, own, dir } = await box(context);
  const refused = await look();
  assert.ok(!Array.isArray(refused));
  assert.deepEqual(
    [refused.code, refused.params.status, refused.params.statusZh, refused.params.certificate],
    ['CV_OPCUA_UNTRUSTED_THERE', 'BadSecurityChecksFailed', 'BadSecurityChecksFailed', ownCertificatePath(dir)],
  );
  await rig.trust(await own());
  assert.equal(codeOf(await look()), 'no fault');
  assert.equal(codeOf(await look({ password: 'another' })), 'CV_OPCUA_LOGIN');
  assert.equal(codeOf(await look({ security: { policy: 'Aes256_Sha256_RsaPss' } })), 'CV_OPCUA_POLICY');
  await rm(join(dir, 'trusted', 'server.der'));
  assert.equal(codeOf(await look()), 'CV_OPCUA_CERTIFICATE_UNKNOWN');
});

/** The server's endpoints come through; a connection after that meets this instead, or nobody. */
async function afterTheFirst(context: TestContext, meets: ((socket: Socket) => void) | null): Promise<number> {
  let count = 0;
  const server = createServer((near) => {
    count += 1;
    near.on('error', () => {});
    if (meets === null) server.close();
    else if (count > 1) return meets(near);
    const far = connect(rig.port, '127.0.0.1');
    far.on('error', () => near.destroy());
    far.on('close', () => near.destroy());
    near.on('close', () => far.destroy());
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  context.after(() => { server.close(); });
  return (server.address() as AddressInfo).port;
}

test('a server that hangs up over a certificate without a word does not trust this box either; one that resets or is gone is no matter of trust', async (context: TestContext) => {
  const { look } = await box(context);
  const hangsUp = await afterTheFirst(context, (socket) => { socket.once('data', () => socket.end()); });
  const refused = await look({ endpoint: `opc.tcp://127.0.0.1:${hangsUp}` });
  assert.ok(!Array.isArray(refused));
  assert.deepEqual(
    [refused.code, refused.params.status, refused.params.statusZh],
    ['CV_OPCUA_UNTRUSTED_THERE', 'connection closed', '直接断开连接'],
  );
  const resets = await afterTheFirst(context, (socket) => {
    socket.once('data', () => socket.resetAndDestroy());
  });
  assert.equal(codeOf(await look({ endpoint: `opc.tcp://127.0.0.1:${resets}` })), 'CV_LINK_UNREACHABLE');
  const goes = await afterTheFirst(context, null);
  assert.equal(codeOf(await look({ endpoint: `opc.tcp://127.0.0.1:${goes}` })), 'CV_LINK_REFUSED');
});

test('a renewed certificate that the server does not know yet: the one before is used, and CV_OPCUA_RENEWED says which to bring', async (context: TestContext) => {
  const { look, own, dir, world, faults } = await box(context);
  await rig.trust(await own());
  const before = await own();
  await ownCertificate(dir, { ...world, clock: { ...world.clock, nowMs: () => Date.now() + 1780 * DAY_MS } });
  assert.notDeepEqual(await own(), before);
  assert.equal(codeOf(await look()), 'no fault');
  assert.deepEqual(faults, [
    { code: 'CV_OPCUA_RENEWED', params: { address: `opc.tcp://127.0.0.1:${rig.port}`, certificate: ownCertificatePath(dir) } },
  ]);
});
