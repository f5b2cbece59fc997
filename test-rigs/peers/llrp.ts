/** llrpjs, made from the definition of LLRP and not by us: as the client of our simulated reader and of a recorded one, and as a reader for our driver. */
import assert from 'node:assert/strict';
import { once, type EventEmitter } from 'node:events';
import { join } from 'node:path';
import { linkFrames } from '../../core/link-frames.ts';
import { realWorld } from '../../core/world.ts';
import { decode } from '../../drivers/llrp/decode.ts';
import { open } from '../../drivers/llrp/link.ts';
import { point, settings } from '../../drivers/llrp/settings.ts';
import { listeningReader } from '../../drivers/llrp/testing/simulated-reader.ts';
import { peerRequire } from '../bench/peers/packages.ts';
import { freePort } from '../../core/free-port.ts';
import { loadCase, type LoadedCase } from '../replay/cases.ts';
import { serveDevices } from '../replay/serve.ts';

type Fields = Record<string, unknown>;
interface Said {
  getName(): string;
  getMessageId(): number;
  toLLRPData(): { id: number; type: string; data: Fields };
}
type Net = EventEmitter & {
  send(message: unknown): Promise<void>;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  listen(): void;
  close(): Promise<void>;
};
interface Llrpjs {
  LLRPClient: new (at: { host: string; port: number }) => Net;
  LLRPServer: new (at: { host: string; port: number }) => Net;
  LLRPCore: Record<string, new (fields: { id?: number; data: Fields }) => unknown>;
}

const library = (): Llrpjs => peerRequire()('llrpjs') as Llrpjs;
const EPCS = ['3074257BF7194E4000001A85', 'E28011606000020B00000C01'];
const WAIT_MS = 10_000;

/** As a client would have it that is not ours: other numbers, other triggers. */
const ROSPEC = {
  ROSpecID: 7,
  Priority: 0,
  CurrentState: 'Disabled',
  ROBoundarySpec: {
    ROSpecStartTrigger: { ROSpecStartTriggerType: 'Null' },
    ROSpecStopTrigger: { ROSpecStopTriggerType: 'Null', DurationTriggerValue: 0 },
  },
  AISpec: {
    AntennaIDs: [0],
    AISpecStopTrigger: { AISpecStopTriggerType: 'Null', DurationTrigger: 0 },
    InventoryParameterSpec: { InventoryParameterSpecID: 1, ProtocolID: 'EPCGlobalClass1Gen2' },
  },
  ROReportSpec: {
    ROReportTrigger: 'Upon_N_Tags_Or_End_Of_ROSpec',
    N: 1,
    TagReportContentSelector: {
      EnableROSpecID: false,
      EnableSpecIndex: false,
      EnableInventoryParameterSpecID: false,
      EnableAntennaID: true,
      EnableChannelIndex: false,
      EnablePeakRSSI: true,
      EnableFirstSeenTimestamp: true,
      EnableLastSeenTimestamp: true,
      EnableTagSeenCount: true,
      EnableAccessSpecID: false,
    },
  },
};

export const peers: { name: string; run(): Promise<void> }[] = [
  { name: 'llrpjs as the client of our simulated reader', run: clientOfOurs },
  { name: 'llrpjs as the client of a recorded reader (replay --serve)', run: clientOfRecorded },
  { name: 'llrpjs as a reader that our driver reads', run: readerOfTheirs },
];

async function clientOfOurs(): Promise<void> {
  const reader = await listeningReader();
  const client = await connected(reader.port);
  try {
    const capabilities = await ask(client, 'GET_READER_CAPABILITIES', { RequestedData: 'All' });
    assert.equal((capabilities.toLLRPData().data.GeneralDeviceCapabilities as Fields).MaxNumberOfAntennaSupported, 4);
    const config = await ask(client, 'GET_READER_CONFIG', { RequestedData: 'All', AntennaID: 0, GPIPortNum: 0, GPOPortNum: 0 });
    assert.deepEqual(
      (config.toLLRPData().data.AntennaProperties as Fields[]).map(({ AntennaID, AntennaConnected }) => [AntennaID, AntennaConnected]),
      [
        [1, 1],
        [2, 1],
      ],
    );
    await told(client);
    assert.ok(reader.isReading());
    const at = Date.UTC(2026, 2, 1, 4);
    const heard = next(client, 'RO_ACCESS_REPORT');
    reader.report(EPCS.map((epc, nth) => ({ epc, antenna: nth + 1, rssi: -50 - nth, at })));
    const tags = (await heard).toLLRPData().data.TagReportData as Fields[];
    assert.deepEqual(
      tags.map((tag) => [
        epcOf(tag),
        fieldOf(tag, 'AntennaID', 'AntennaID'),
        fieldOf(tag, 'PeakRSSI', 'PeakRSSI'),
        Date.parse(String(fieldOf(tag, 'FirstSeenTimestampUTC', 'Microseconds'))),
        fieldOf(tag, 'TagSeenCount', 'TagCount'),
      ]),
      [
        [EPCS[0], 1, -50, at, 1],
        [EPCS[1], 2, -51, at, 1],
      ],
    );
    const alive = next(client, 'KEEPALIVE');
    reader.keepalive();
    await alive;
    const events = next(client, 'READER_EVENT_NOTIFICATION');
    reader.input(1, true);
    assert.deepEqual(((await events).toLLRPData().data.ReaderEventNotificationData as Fields).GPIEvent, { GPIPortNumber: 1, GPIEvent: 1 });
    await succeeds(client, 'CLOSE_CONNECTION', {});
  } finally {
    await client.disconnect();
    await reader.stop();
  }
}

async function clientOfRecorded(): Promise<void> {
  const { loaded } = await loadCase(join(import.meta.dirname, '../../drivers/llrp/recorded/gate-in-and-out'));
  const wanted = (loaded as LoadedCase).recorded.expected?.flatMap((line) =>
    'fault' in line || line.point !== 'tag' ? [] : [String(line.value)],
  );
  const standing = await serveDevices(loaded as LoadedCase, {
    host: '127.0.0.1',
    port: 0,
    times: 1,
    trouble: null,
    seed: 1,
    isLoop: false,
  });
  const client = await connected(standing.devices[0]?.port as number);
  try {
    const first = next(client, 'RO_ACCESS_REPORT');
    await told(client);
    const tags = [(await first).toLLRPData().data.TagReportData as Fields | Fields[]].flat();
    assert.ok(tags.length > 0 && tags.every((tag) => wanted?.includes(epcOf(tag))));
    const refused = await ask(client, 'GET_READER_CAPABILITIES', { RequestedData: 'All' }, 'ERROR_MESSAGE');
    assert.equal((refused.toLLRPData().data.LLRPStatus as Fields).StatusCode, 'M_UnsupportedMessage', 'what was not recorded');
  } finally {
    await client.disconnect();
    await standing.close();
  }
}

async function readerOfTheirs(): Promise<void> {
  const { LLRPServer } = library();
  const port = await freePort();
  const reader = new LLRPServer({ host: '127.0.0.1', port });
  const told: Said[] = [];
  const status = { LLRPStatus: { StatusCode: 'M_Success', ErrorDescription: '' } };
  reader.on('error', (error: Error) => told.push({ getName: () => error.message } as Said));
  reader.on(
    'connection',
    () =>
      void reader.send(
        message('READER_EVENT_NOTIFICATION', {
          ReaderEventNotificationData: { UTCTimestamp: { Microseconds: new Date() }, ConnectionAttemptEvent: { Status: 'Success' } },
        }),
      ),
  );
  for (const name of ['SET_READER_CONFIG', 'DELETE_ROSPEC', 'ADD_ROSPEC', 'ENABLE_ROSPEC', 'START_ROSPEC', 'CLOSE_CONNECTION']) {
    reader.on(name, (asked: Said) => {
      told.push(asked);
      void reader.send(message(`${name}_RESPONSE`, status, asked.getMessageId()));
    });
  }
  reader.listen();
  await listening(reader);
  const enabled = next(reader, 'ENABLE_EVENTS_AND_REPORTS');
  const points = [{ ...point.parse({ gives: 'read' }), id: 'tag' }];
  const link = await open(
    settings.parse({ host: '127.0.0.1', port, antennas: [1, 2], report: 1, keepalive: '7s' }),
    points,
    realWorld(() => {}),
  );
  try {
    const data = (name: string) => told.find((one) => one.getName() === name)?.toLLRPData().data as Fields;
    const { ROSpec } = data('ADD_ROSPEC') as { ROSpec: { AISpec: Fields; ROReportSpec: Fields } };
    assert.deepEqual(
      [ROSpec.AISpec.AntennaIDs, ROSpec.ROReportSpec.ROReportTrigger, ROSpec.ROReportSpec.N],
      [[1, 2], 'Upon_N_Tags_Or_End_Of_ROSpec', 1],
    );
    assert.deepEqual(data('SET_READER_CONFIG').KeepaliveSpec, { KeepaliveTriggerType: 'Periodic', PeriodicTriggerValue: 7000 });
    assert.deepEqual(
      told.map((one) => one.getName()),
      ['SET_READER_CONFIG', 'DELETE_ROSPEC', 'ADD_ROSPEC', 'ENABLE_ROSPEC', 'START_ROSPEC'],
    );
    // Of messages that come together llrpjs takes the first, and the others with what comes after.
    await enabled;
    const acknowledged = next(reader, 'KEEPALIVE_ACK');
    await reader.send(message('KEEPALIVE', {}, 77));
    assert.equal((await acknowledged).getMessageId(), 77);
    const seenAt = new Date(Math.floor(Date.now() / 1000) * 1000);
    const tag = (epc: Fields, antenna: number, rssi: number) => ({
      ...epc,
      AntennaID: { AntennaID: antenna },
      PeakRSSI: { PeakRSSI: rssi },
      FirstSeenTimestampUTC: { Microseconds: seenAt },
    });
    const frames = linkFrames(link, new AbortController().signal);
    await reader.send(
      message('RO_ACCESS_REPORT', {
        TagReportData: [tag({ EPC_96: { EPC: EPCS[0]?.toLowerCase() } }, 1, -47), tag({ EPCData: { EPC: 'e28011606000020f' } }, 2, -61)],
      }),
    );
    const values = [];
    while (values.length < 2) {
      const decoded = decode((await frames.next()).value as Parameters<typeof decode>[0]);
      assert.ok(decoded.ok);
      values.push(...(decoded.values ?? []).filter(({ point: id }) => id === 'tag'));
    }
    assert.deepEqual(
      values.map(({ value, deviceAt, evidence = [] }) => [
        value,
        deviceAt,
        ...evidence.flatMap((one) => (one.kind === 'tag' ? [one.antenna, one.rssiDbm] : [])),
      ]),
      [
        [EPCS[0], seenAt.getTime(), 1, -47],
        ['E28011606000020F', seenAt.getTime(), 2, -61],
      ],
    );
    await frames.return();
  } finally {
    await link.close();
    await reader.close();
  }
  assert.deepEqual(told.slice(5).map((one) => one.getName()), ['DELETE_ROSPEC', 'CLOSE_CONNECTION'], 'the reader is left as it was found');
}

function message(name: string, data: Fields, id?: number): unknown {
  const { [name]: Message } = library().LLRPCore;
  if (!Message) throw new Error(`llrpjs has no ${name}`);
  return new Message(id === undefined ? { data } : { id, data });
}

async function connected(port: number): Promise<Net> {
  const client = new (library().LLRPClient)({ host: '127.0.0.1', port });
  client.on('error', () => {});
  const hello = next(client, 'READER_EVENT_NOTIFICATION');
  await client.connect();
  assert.deepEqual(((await hello).toLLRPData().data.ReaderEventNotificationData as Fields).ConnectionAttemptEvent, { Status: 'Success' });
  return client;
}

/** The session as their documentation has it. */
async function told(client: Net): Promise<void> {
  await succeeds(client, 'DELETE_ROSPEC', { ROSpecID: 0 });
  await succeeds(client, 'SET_READER_CONFIG', { ResetToFactoryDefault: true });
  await succeeds(client, 'ADD_ROSPEC', { ROSpec: ROSPEC });
  await succeeds(client, 'ENABLE_ROSPEC', { ROSpecID: ROSPEC.ROSpecID });
  await succeeds(client, 'START_ROSPEC', { ROSpecID: ROSPEC.ROSpecID });
}

async function succeeds(client: Net, name: string, data: Fields): Promise<void> {
  const answer = await ask(client, name, data);
  assert.equal((answer.toLLRPData().data.LLRPStatus as Fields).StatusCode, 'M_Success', name);
}

/** Its own `transact` never ends when anything else comes in between. */
async function ask(client: Net, name: string, data: Fields, answer = `${name}_RESPONSE`): Promise<Said> {
  const answered = next(client, answer);
  await client.send(message(name, data));
  return answered;
}

function next(net: Net, name: string): Promise<Said> {
  const heard = once(net, name, { signal: AbortSignal.timeout(WAIT_MS) }).then(([said]) => said as Said);
  heard.catch(() => {}); // whoever waits for it is told
  return heard;
}

async function listening(reader: Net): Promise<void> {
  const { _server: server } = reader as unknown as { _server: EventEmitter & { listening: boolean } };
  if (!server.listening) await once(server, 'listening');
}

const fieldOf = (tag: Fields, parameter: string, field: string): unknown => (tag[parameter] as Fields | undefined)?.[field];
const epcOf = (tag: Fields): string => String(fieldOf(tag, 'EPC_96', 'EPC') ?? fieldOf(tag, 'EPCData', 'EPC')).toUpperCase();
