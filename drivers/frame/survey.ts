/** What can be known without a device (the description) and what devices say by themselves (who they are, which messages). */
import type { ProbeFinding, DiscoveredPoint } from '../../core/driver.ts';
import type { Fault } from '../../core/faults.ts';
import { pause, type World } from '../../core/world.ts';
import { decode } from './decode.ts';
import { hexProblem } from './digits.ts';
import './faults.ts';
import { fieldsOf } from './frame.ts';
import { meet } from './hub.ts';
import { identityBytes } from './identity.ts';
import type { Listener } from './line.ts';
import { loadDescription, protocolIn } from './load.ts';
import { messageOf } from './read.ts';
import { Station } from './station.ts';
import type { FramePointOf, FrameSettings } from './settings.ts';

const LISTEN_MS = 35_000;

/** Everything wrong with the description, and points that read what it does not have. */
export async function examine(settings: FrameSettings, points: readonly FramePointOf[]): Promise<Fault[]> {
  const { protocol, faults } = loadDescription(settings.description);
  if (!protocol) return faults;
  const fields = fieldsOf(protocol);
  const known = [...fields.keys()].join(', ');
  const { identity } = settings;
  const isFitting = identity === undefined || identityBytes(identity, protocol) !== null;
  return [
    ...(isFitting ? [] : [{ code: 'CV_DESCRIBED_IDENTITY' as const, params: { identity, problem: 'it does not fit the field that the description names', problemZh: '与描述中的标识字段不符' } }]),
    ...points.filter(({ read }) => !fields.has(read)).map(({ id, read }) => ({ code: 'CV_DESCRIBED_POINT' as const, params: { point: id, read, known } })),
    ...points.flatMap(({ id, read, where }) => Object.entries(where).flatMap(([name, wanted]): Fault[] => {
      const beside = fields.get(read);
      if (!beside) return [];
      const slot = beside.names.get(name);
      const digits = slot === undefined ? undefined : beside.digits.get(slot);
      const problem = slot === undefined ? { en: 'there is no such field beside it', zh: '其旁没有该字段' } : digits?.type === 'hex' ? hexProblem(wanted, digits) : null;
      return problem ? [{ code: 'CV_DESCRIBED_WHERE', params: { point: id, name, problem: problem.en, problemZh: problem.zh, known: [...beside.names.keys()].join(', ') } }] : [];
    })),
  ];
}

/** One line for each device that speaks: which messages it sends, and whether it is the one that is wanted. */
export async function probe(settings: FrameSettings, _points: readonly FramePointOf[], world: World, signal: AbortSignal): Promise<ProbeFinding[]> {
  const heard = new Map<string, { peer: string; messages: Set<string> }>();
  const { protocol } = await listen(settings, world, signal, ({ head }, identity, line) => {
    const one = heard.get(identity) ?? { peer: line.carrier.peer, messages: new Set() };
    one.messages.add(messageOf(head, protocolIn(settings.description))?.name ?? '?');
    heard.set(identity, one);
    return isWanted(settings, identity);
  });
  if (heard.size === 0) return [{ en: `${protocol.title.en}: nobody spoke within ${LISTEN_MS / 1000} s`, zh: `${protocol.title.zh}：${LISTEN_MS / 1000} 秒内没有设备上报` }];
  return [...heard].map(([identity, { peer, messages }]) => ({
    en: `${isWanted(settings, identity) ? 'this device' : 'another device'}: ${identity || protocol.title.en} from ${peer}, sends ${[...messages].join(', ')}`,
    zh: `${isWanted(settings, identity) ? '本设备' : '其他设备'}：${identity || protocol.title.zh}，来自 ${peer}，上报 ${[...messages].join('、')}`,
  }));
}

/** Every value that the device sends while it is listened to, as a point that reads it. */
export async function discover(settings: FrameSettings, world: World, signal: AbortSignal): Promise<DiscoveredPoint[]> {
  const found = new Map<string, DiscoveredPoint>();
  await listen(settings, world, signal, ({ frame }, identity) => {
    if (!isWanted(settings, identity)) return false;
    const decoded = decode({ is: 'message', bytes: frame, plan: { protocol: protocolIn(settings.description), targets: null } });
    for (const { point, value } of decoded.ok ? decoded.values ?? [] : []) found.set(point, { name: point, point: { read: point }, type: typeof value, value });
    return false;
  });
  return [...found.values()];
}

const isWanted = ({ identity }: FrameSettings, heard: string) => identity === undefined || identity.toUpperCase() === heard.toUpperCase();

/** @param isEnough whether the rest of the time need not be waited for */
async function listen(settings: FrameSettings, world: World, signal: AbortSignal, isEnough: (...heard: Parameters<Listener>) => boolean): Promise<{ protocol: ReturnType<typeof protocolIn> }> {
  const protocol = protocolIn(settings.description);
  const enough = new AbortController();
  const { hub, line, leave } = await meet(settings, protocol, world, signal);
  try {
    const end = hub.listenIn(settings.description, protocol, (...heard) => { if (isEnough(...heard)) enough.abort(); });
    line?.onEnd(() => enough.abort());
    // One that has to be asked is asked; what it says is not kept.
    const asking = protocol.polls.length > 0 ? new Station(protocol, settings, [], world) : null;
    if (asking) hub.join(asking);
    asking?.begin();
    await pause(world.clock, LISTEN_MS, AbortSignal.any([enough.signal, signal]));
    // A line that we let go of ends as well: asked now, or who was called off would say that nobody spoke.
    const isCalledOff = signal.aborted && !enough.signal.aborted;
    asking?.end();
    if (asking) hub.leave(asking);
    end();
    if (isCalledOff) throw signal.reason;
  } finally {
    await leave();
  }
  return { protocol };
}
