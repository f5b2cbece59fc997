/** `ingest-tls`: batches of 100 over TLS, each sender by a certificate that a code gave it, beside plaintext in the same run. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { firstAdministrator } from '../../processes/enrolment.ts';
import { result, type BenchResult } from '../result.ts';
import { benchPauseMs, type Rig } from '../rig.ts';
import { closedLoop, hold } from './bench.ts';
import type { Contender, RunningContender } from './contender.ts';
import type { IngestMeasurement } from './load.ts';
import { embeddedBrokerGateway, startOurs } from './ours.ts';
import { INGEST_CENTRE, senderName, SENDERS } from './series.ts';

export const INGEST_TLS_NOTES = [
  'Series, messages, connections and method are those of ingest, in batches of 100, with the embedded broker. With TLS every sender shows a certificate of its own; the load encrypts on the same processors as the gateway, so both sides of TLS are in the figure.',
  'Three rounds, plaintext and TLS in turn, the one that begins changing; of each the median counts.',
];

const ROUNDS = 3;
const HOLD_SECONDS = 10;
const CLOSED_SECONDS = 6;
const LINK_MS = 10_000;

const withTls: Contender = {
  ...embeddedBrokerGateway,
  name: 'ours-tls',
  method: `${embeddedBrokerGateway.method}; TLS, by certificates`,
  start: startWithTls,
};

export async function benchIngestTls({ seconds }: { seconds: number }): Promise<BenchResult[]> {
  const both = [embeddedBrokerGateway, withTls];
  const found = new Map<Contender, IngestMeasurement[]>(both.map((contender) => [contender, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const contender of round % 2 === 0 ? both : both.toReversed()) {
      const { perSecond } = await closedLoop(contender, 'batch', Math.min(seconds, CLOSED_SECONDS));
      found.get(contender)?.push(await hold(contender, 'batch', Math.min(seconds, HOLD_SECONDS), perSecond));
    }
  }
  const medianOf = (contender: Contender, figure: (measured: IngestMeasurement) => number): number =>
    (found.get(contender) ?? []).map(figure).toSorted((one, other) => one - other)[Math.floor(ROUNDS / 2)] as number;
  const against = (figure: (measured: IngestMeasurement) => number) => ({ plaintext: medianOf(embeddedBrokerGateway, figure) });
  const rate = ({ perSecond }: IngestMeasurement) => perSecond;
  const cpu = ({ cpuMicros }: IngestMeasurement) => cpuMicros;
  return [
    result('ingest-batch-tls', medianOf(withTls, rate), 'events/s', against(rate)),
    result('ingest-batch-tls-cpu', medianOf(withTls, cpu), 'µs an event', against(cpu)),
  ];
}

async function startWithTls(rig: Rig): Promise<RunningContender> {
  const { gateway, running } = await startOurs(rig, 'embedded', { tls: true });
  const administrator = await firstAdministrator({ httpUrl: gateway.httpUrl, setupLink: await linkIn(gateway.logFile) }, INGEST_CENTRE);
  const identities: NonNullable<ReturnType<RunningContender['login']>['tls']>[] = [];
  for (let sender = 0; sender < SENDERS; sender += 1) {
    const name = senderName(sender);
    const { identity } = await administrator.enrol(name, join(rig.dir, 'identities', name));
    identities.push({ key: identity.keyPem, cert: identity.certificatePem, ca: identity.caPem });
  }
  return { ...running, login: (sender) => ({ ...running.login(sender), tls: identities[sender] as (typeof identities)[number] }) };
}

/** It is told once the gateway listens, a moment after it answers. */
async function linkIn(logFile: string): Promise<string> {
  for (const untilMs = performance.now() + LINK_MS; performance.now() < untilMs; await benchPauseMs(20)) {
    const text = await readFile(logFile, 'utf8');
    if (text.includes('#/setup/')) return text;
  }
  throw new Error(`no set-up link in ${logFile}`);
}
