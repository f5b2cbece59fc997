/**
 * An OPC UA server for tests, by node-opcua, with nodes of every kind that the driver's tests need, without or with
 * security. Values are set by the test. Namespace urn:cityvitals:rig:opcua.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataType, MessageSecurityMode, SecurityPolicy, StatusCodes, VariantArrayType, type ServerState } from 'node-opcua-client';
import { freePort } from '../../../core/free-port.ts';

export const TEST_NAMESPACE = 'nsu=urn:cityvitals:rig:opcua;';

export interface OpcuaTestServer {
  port: number;
  /** Sets a Double: Level (with history), Plain (without), Ranged (EURange 0 to 200), Slow (sampled every 3 s at most), Writable. */
  set(name: Name, value: number, isGood?: boolean, sourceAt?: Date): void;
  setState(state: ServerState): void;
  /** Current sessions and subscriptions. */
  counts(): [sessions: number, subscriptions: number];
  channels(): number;
  /** Its certificate (DER); null without security. */
  certificate: Buffer | null;
  /** Trusts a client's certificate (DER) from now on. */
  trust(certificate: Buffer): Promise<void>;
  stop(): Promise<void>;
}

type Name = 'Level' | 'Plain' | 'Ranged' | 'Slow' | 'Writable';

export interface OpcuaTestServerOptions {
  port?: number;
  maxSubscriptions?: number;
  itemsPerCall?: number;
  /** Offers Basic256Sha256 to trusted clients, and accepts this user. */
  secured?: { user: string; password: string };
  /** Depth of nested folders, each with a variable; the last one refers back to the first. */
  depth?: number;
}

export async function startOpcuaTestServer({
  port: wished = 0,
  maxSubscriptions = 10,
  itemsPerCall = 1000,
  secured,
  depth = 0,
}: OpcuaTestServerOptions = {}): Promise<OpcuaTestServer> {
  haveHome();
  const { OPCUAServer } = await import('node-opcua-server');
  const port = await freePort(wished);
  const server = new OPCUAServer({
    port,
    hostname: '127.0.0.1',
    disableDiscovery: true,
    ...(secured
      ? {
          securityModes: [MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
          securityPolicies: [SecurityPolicy.None, SecurityPolicy.Basic256Sha256],
          userManager: { isValidUser: (user: string, password: string) => user === secured.user && password === secured.password },
        }
      : { securityModes: [MessageSecurityMode.None], securityPolicies: [SecurityPolicy.None] }),
    serverCapabilities: {
      maxSubscriptions,
      operationLimits: { maxMonitoredItemsPerCall: itemsPerCall, maxNodesPerRead: itemsPerCall, maxNodesPerBrowse: itemsPerCall },
    },
    buildInfo: { productName: 'opcua rig', manufacturerName: 'cityvitals', softwareVersion: '1' },
  });
  await server.initialize();
  if (secured) Object.assign(server.serverCertificateManager, { automaticallyAcceptUnknownCertificate: false });
  const space = server.engine.addressSpace;
  if (!space) throw new Error('the server has no address space');
  const namespace = space.registerNamespace('urn:cityvitals:rig:opcua');
  const common = { organizedBy: space.rootFolder.objects, dataType: 'Double' as const, minimumSamplingInterval: 50 };
  const plain = (name: Name, minimumSamplingInterval = 50) =>
    namespace.addVariable({
      ...common,
      nodeId: `s=${name}`,
      browseName: name,
      minimumSamplingInterval,
      accessLevel: name === 'Writable' ? 'CurrentRead | CurrentWrite' : 'CurrentRead',
    });
  const variables = {
    Level: namespace.addVariable({ ...common, nodeId: 's=Level', browseName: 'Level', accessLevel: 'CurrentRead | HistoryRead' }),
    Plain: plain('Plain'),
    Slow: plain('Slow', 3000),
    Writable: plain('Writable'),
    Ranged: namespace.addAnalogDataItem({
      ...common,
      nodeId: 's=Ranged',
      browseName: 'Ranged',
      engineeringUnitsRange: { low: 0, high: 200 },
      definition: '',
      valuePrecision: 0.1,
    }),
  };
  space.installHistoricalDataNode(variables.Level);
  namespace.addVariable({
    organizedBy: space.rootFolder.objects,
    nodeId: 's=List',
    browseName: 'List',
    dataType: 'Int32',
    valueRank: 1,
    minimumSamplingInterval: 50,
    value: { dataType: DataType.Int32, arrayType: VariantArrayType.Array, value: [7, 8, 9] },
  });
  const set = (name: Name, value: number, isGood = true, sourceAt = new Date()) =>
    variables[name].setValueFromSource(
      { dataType: DataType.Double, value },
      isGood ? StatusCodes.Good : StatusCodes.BadSensorFailure,
      sourceAt,
    );
  for (const name of Object.keys(variables) as Name[]) set(name, 0);
  const folders = Array.from({ length: depth }, (_, level) =>
    namespace.addFolder(space.rootFolder.objects, { nodeId: `s=Folder${level}`, browseName: `Folder${level}` }),
  );
  for (const [level, folder] of folders.entries()) {
    namespace.addVariable({
      componentOf: folder,
      nodeId: `s=In${level}`,
      browseName: `In${level}`,
      dataType: 'Int32',
      value: { dataType: DataType.Int32, value: level },
    });
    if (level > 0) space.rootFolder.objects.removeReference({ referenceType: 'Organizes', nodeId: folder });
    folder.addReference({ referenceType: 'Organizes', nodeId: folders[(level + 1) % depth] as typeof folder });
  }
  await server.start();
  return {
    port, set,
    channels: () => server.currentChannelCount,
    counts: () => [server.engine.currentSessionCount, server.engine.currentSubscriptionCount],
    setState: (state) => server.engine.setServerState(state),
    certificate: secured ? server.getCertificate() : null,
    async trust(certificate) { await server.serverCertificateManager.trustCertificate(certificate); },
    stop: () => server.shutdown(0),
  };
}

let home: string | undefined;

/** The server library keeps certificates below HOME even without security, one folder for all servers of a process. */
function haveHome(): void {
  if (home) return;
  const made = mkdtempSync(join(tmpdir(), 'cityvitals-opcua-rig-'));
  home = made;
  process.env.HOME = made;
  process.env.XDG_CONFIG_HOME = made;
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
}
