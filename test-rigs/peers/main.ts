/** `npm run test:peers [NAME …]`: our parts against programs that are not ours. Ends with "N passed, N failed". */
interface Peer {
  name: string;
  run(): Promise<void>;
}

const SUITES: (() => Promise<{ peers: Peer[] }>)[] = [
  () => import('./influx.ts'),
  () => import('./modbus.ts'),
  () => import('./modbus-rtu.ts'),
  () => import('./mosquitto.ts'),
  () => import('./opcua.ts'),
];

const asked = process.argv.slice(2);
const peers = (await Promise.all(SUITES.map((load) => load()))).flatMap((suite) => suite.peers).filter((peer) => asked.length === 0 || asked.some((word) => peer.name.includes(word)));
let failed = 0;
for (const peer of peers) {
  process.stdout.write(`… ${peer.name}\n`);
  try {
    await peer.run();
    process.stdout.write(`✔ ${peer.name}\n`);
  } catch (error) {
    failed += 1;
    process.stdout.write(`✖ ${peer.name}\n${error instanceof Error ? error.stack : String(error)}\n`);
  }
}
process.stdout.write(`${peers.length - failed} passed, ${failed} failed\n`);
process.exit(failed > 0 || peers.length === 0 ? 1 : 0);
