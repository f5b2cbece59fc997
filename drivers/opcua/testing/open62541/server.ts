/** open62541 (Debian's libopen62541-1.4-dev) as an OPC UA server: compiled, given a certificate, started. */
import { execFile, spawn } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { rm, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { CertificatePurpose, convertPEMtoDER, createSelfSignedCertificate, generatePrivateKey, privateKeyToPEM } from 'node-opcua-crypto';
import { freePort } from '../../../../core/free-port.ts';

const run = promisify(execFile);
const URI = 'urn:cityvitals:rig:open62541:server';

export interface Open62541 {
  port: number;
  /** DER file of its certificate, to be trusted. */
  certificate: string;
  /** Sends a line of its own language and gives the line that it answers. */
  ask(line: string): Promise<string>;
  stop(): Promise<void>;
}

export interface Open62541Options {
  /** DER file of the one client that it trusts. */
  client: string;
  user: string;
  password: string;
  /** Of the counter. */
  periodMs: number;
  /** The names in its certificate; default the loopback address. */
  names?: { ip?: string[]; dns?: string[] };
  /** How long its certificate is valid, in days; negative: it has expired. */
  validDays?: number;
}

export async function startOpen62541({
  client,
  user,
  password,
  periodMs,
  names = { ip: ['127.0.0.1'] },
  validDays = 30,
}: Open62541Options): Promise<Open62541> {
  const folder = await mkdtemp(join(tmpdir(), 'cityvitals-open62541-'));
  const file = (name: string) => join(folder, name);
  await run('gcc', ['-O1', '-o', file('server'), join(import.meta.dirname, 'server.c'), '-lopen62541']).catch((error: Error) => {
    throw new Error(`open62541 rig: ${error.message.split('\n')[0]} (apt-get install gcc libc6-dev libopen62541-1.4-dev)`);
  });
  const privateKey = await generatePrivateKey(2048);
  const { privPem } = await privateKeyToPEM(privateKey);
  const fromMs = Date.now() - 40 * 86_400_000;
  const { cert } = await createSelfSignedCertificate({
    privateKey,
    applicationUri: URI,
    subject: '/CN=open62541 rig',
    ...names,
    purpose: CertificatePurpose.ForApplication,
    notBefore: new Date(fromMs),
    notAfter: new Date(Date.now() + validDays * 86_400_000),
  });
  await writeFile(file('certificate.der'), convertPEMtoDER(cert));
  await writeFile(file('key.der'), createPrivateKey(privPem).export({ type: 'pkcs1', format: 'der' }));
  const port = await freePort();
  const child = spawn(
    file('server'),
    [String(port), URI, file('certificate.der'), file('key.der'), client, user, password, String(periodMs)],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => { said.push(text); });
  const exited = new Promise<void>((resolve) => { child.once('close', () => resolve()); });
  const waiting: ((line: string) => void)[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => { waiting.shift()?.(line); });
  const answer = () => new Promise<string>((resolve, reject) => {
    waiting.push(resolve);
    child.once('close', (code) => reject(new Error(`the open62541 rig ended with ${code}: ${said.join('').slice(-500)}`)));
  });
  await answer();
  return {
    port,
    certificate: file('certificate.der'),
    ask(line) {
      const coming = answer();
      child.stdin.write(`${line}\n`);
      return coming;
    },
    async stop() {
      child.stdin.end();
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}
