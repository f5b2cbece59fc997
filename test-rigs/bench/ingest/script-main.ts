/** The script that anyone would write: mqtt.js subscribes, each message becomes one write to VictoriaMetrics. `node script-main.ts BROKER USER PASSWORD FILTER WRITE_URL` */
import { Agent, request } from 'node:http';
import mqtt from 'mqtt';

interface Reading {
  d: string;
  v: number;
  t: number;
}

const [broker = '', username = '', password = '', filter = '', writeUrl = ''] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const client = await mqtt.connectAsync(broker, { username, password, clientId: 'script', protocolVersion: 4 });
client.on('message', (_topic, payload) => {
  const message = JSON.parse(payload.toString()) as Reading | Reading[];
  const lines = (Array.isArray(message) ? message : [message]).map(({ d, v, t }) => `m,d=${d} v=${v} ${t}`).join('\n');
  write(lines);
});
await client.subscribeAsync(filter, { qos: 1 });
process.stdout.write('ready\n');
process.once('SIGTERM', () => process.exit(0));

function write(lines: string): void {
  const post = request(writeUrl, { method: 'POST', agent, headers: { 'content-length': Buffer.byteLength(lines) } }, (answer) => {
    answer.resume();
  });
  post.on('error', (error) => {
    process.stderr.write(`${error.message}\n`);
  });
  post.end(lines);
}
