/** System programs: looked for in PATH; what is missing comes by apt-get when we are root, else the one command is said. */
import { spawnSync } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { say } from './say.mjs';

/** How to see that a program is there, and Debian's packages that bring it. */
const PROGRAMS = {
  ffmpeg: { packages: ['ffmpeg'] },
  chromium: { packages: ['chromium', 'fonts-dejavu-core', 'fonts-noto-cjk'] },
  mosquitto: { packages: ['mosquitto'], also: '/usr/sbin' },
  mosquitto_sub: { packages: ['mosquitto-clients'] },
  openssl: { packages: ['openssl'] },
  socat: { packages: ['socat'] },
  'systemd-analyze': { packages: ['systemd'] },
  mbpoll: { packages: ['mbpoll'] },
  tshark: { packages: ['tshark'] },
  pymodbus: { packages: ['python3-pymodbus'], python: 'pymodbus' },
  pyserial: { packages: ['python3-serial'], python: 'serial' },
  gcc: { packages: ['gcc', 'libc6-dev'] },
  'pkg-config': { packages: ['pkg-config'] },
  'victoria-metrics': { packages: ['victoria-metrics'] },
  timescaledb: { packages: ['postgresql-17', 'postgresql-17-timescaledb'], file: '/usr/share/postgresql/17/extension/timescaledb.control' },
  libmodbus: { packages: ['libmodbus-dev'], file: '/usr/include/modbus/modbus.h' },
  open62541: { packages: ['libopen62541-1.4-dev'], file: '/usr/include/open62541/server.h' },
  'onnxruntime-python': { packages: ['python3-onnxruntime', 'python3-numpy'], python: 'onnxruntime' },
  'opencv-python': { packages: ['python3-opencv'], python: 'cv2' },
  'gst-rtsp-server': {
    packages: [
      'gir1.2-gst-rtsp-server-1.0',
      'python3-gi',
      'gstreamer1.0-plugins-base',
      'gstreamer1.0-plugins-good',
      'gstreamer1.0-plugins-bad',
      'gstreamer1.0-plugins-ugly',
    ],
    python:
      'gi; gi.require_version("GstRtspServer", "1.0"); from gi.repository import Gst; Gst.init(None); assert all(map(Gst.ElementFactory.find, ["x264enc", "x265enc", "jpegenc"]))',
  },
  paho: { packages: ['python3-paho-mqtt'], python: 'paho.mqtt' },
};

/** Installs what is missing; a failure is said and left, since the parts that need it say so themselves. */
export function installPrograms(names) {
  const missing = names.filter((name) => !present(name));
  if (missing.length === 0) return;
  const packages = packagesOf(missing);
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (process.getuid?.() !== 0 || !find('apt-get')) {
    say({
      en: `missing: ${missing.join(', ')}. What needs it is left out; to have it: sudo ${command}`,
      zh: `缺少：${missing.join('、')}。依赖它的部分将略过；安装方法：sudo ${command}`,
    });
    return;
  }
  say({ en: `installing ${packages.join(', ')} …`, zh: `正在安装 ${packages.join('、')} …` });
  const guard = keepServicesDown();
  try {
    apt(['update', '-qq']);
    if (!apt(['install', '-qq', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', ...packages])) {
      say({ en: `that failed; what needs it is left out. By hand: ${command}`, zh: `安装失败，依赖它的部分将略过。手动安装：${command}` });
    }
  } finally {
    guard();
  }
}

/** Debian's packages that bring these programs, each once. */
export const packagesOf = (names) => [...new Set(names.flatMap((name) => PROGRAMS[name].packages))];

function apt(args) {
  // Its chatter goes to stderr: stdout may be somebody's JSON.
  const done = spawnSync('apt-get', args, { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  return done.status === 0;
}

/** Debian starts a service as it installs it; ours only wants the program. @returns undo */
function keepServicesDown() {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return () => {};
  writeFileSync(policy, '#!/bin/sh\nexit 101\n');
  chmodSync(policy, 0o755);
  return () => rmSync(policy, { force: true });
}

export function present(name) {
  const program = PROGRAMS[name];
  if (program.file) return existsSync(program.file);
  if (program.python) return spawnSync('/usr/bin/python3', ['-c', `import ${program.python}`], { stdio: 'ignore' }).status === 0;
  return find(name) !== null || (program.also !== undefined && existsSync(join(program.also, name)));
}

function find(name) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch (error) {
      if (error.code !== 'ENOENT' && error.code !== 'EACCES' && error.code !== 'ENOTDIR') throw error;
    }
  }
  return null;
}
