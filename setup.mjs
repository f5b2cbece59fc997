/**
 * Set-up: what `npm start` and `npm test` run first. Plain JavaScript on Node built-ins, since it runs on whatever Node
 * the machine has, before anything is installed. It asks nothing, does only what is missing, and says what it does.
 *
 *   node setup.mjs start | test | bench | bench-… | chaos | peers
 */
import { rmSync } from 'node:fs';
import { installPackages } from './tools/setup/packages.mjs';
import { installPrograms } from './tools/setup/programs.mjs';
import { buildConsole, convertModels } from './tools/setup/products.mjs';
import { fetchFootage } from './tools/setup/footage.mjs';
import { say } from './tools/setup/say.mjs';

const root = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
const goal = process.argv[2] ?? 'start';

/** What each goal needs besides the npm packages; `programs` are looked for in PATH. */
const GOALS = {
  // The demo fetches ffmpeg and the clip itself, in the background: they never delay the first screen.
  start: { programs: [], console: true, models: true },
  camera: { programs: ['ffmpeg'], footage: true },
  test: { programs: ['ffmpeg', 'chromium', 'mosquitto', 'socat', 'systemd-analyze'], console: true, models: true },
  bench: { programs: [], console: false, models: false },
  // Each of the benches against peers asks for its own when it runs.
  'bench-ingest': { programs: ['mosquitto', 'victoria-metrics'] },
  'bench-log': { programs: ['gcc'] },
  'bench-modbus': { programs: ['gcc', 'pkg-config', 'libmodbus', 'pymodbus'] },
  'bench-store': { programs: ['victoria-metrics', 'timescaledb'] },
  'bench-memory': { programs: ['mosquitto', 'gcc', 'pkg-config', 'libmodbus', 'victoria-metrics'], models: true },
  'bench-vision': { programs: ['ffmpeg', 'opencv-python', 'onnxruntime-python'], models: true },
  chaos: { programs: ['mosquitto', 'gcc'], console: true, models: false },
  peers: {
    programs: [
      'ffmpeg',
      'mosquitto',
      'mosquitto_sub',
      'openssl',
      'mbpoll',
      'socat',
      'pymodbus',
      'pyserial',
      'paho',
      'tshark',
      'gcc',
      'open62541',
      'victoria-metrics',
      'onnxruntime-python',
      'gst-rtsp-server',
    ],
    console: true,
    models: true,
  },
};

const wanted = GOALS[goal];
if (!wanted) {
  process.stderr.write(`setup.mjs: unknown goal "${goal}"; one of ${Object.keys(GOALS).join(', ')}\n`);
  process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));

try {
  await installPackages(root);
  installPrograms(wanted.programs);
  if (wanted.models) convertModels(root);
  if (wanted.console) buildConsole(root);
  if (wanted.footage) await fetchFootage({ root, say });
} catch (error) {
  say.fail(error);
  // A half-made state must not look finished to the next start.
  rmSync(new URL('node_modules/.setup-stamp', import.meta.url), { force: true });
  process.exit(3);
}
