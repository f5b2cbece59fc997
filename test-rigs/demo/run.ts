/** Runs the demo: brings the town up, waits until everything gives events, plays the acts, counts, says what happens. */
import type { DemoView } from '../../api/demo.ts';
import type { StatusView } from '../../api/status.ts';
import type { WarningView } from '../../api/warnings.ts';
import type { BilingualText } from '../../core/bilingual-text.ts';
import type { Level } from '../../core/event.ts';
import { fetchCamera, presentClip, hasScene } from './footage.ts';
import { demoFailures, demoOutcome } from './outcome.ts';
import { Reconciler, type CommittedEvent } from './reconciler.ts';
import { DEMO_ACTS, CUT_SECONDS, type DemoAct } from './script.ts';
import { startTown, type DemoTown } from './town.ts';

export interface DemoOptions {
  dir: string;
  seed: number;
  httpPort: number;
  /** A clip of the user's own. */
  clip: string | null;
  camera: boolean;
  tls: boolean;
  forSeconds: number | null;
  /** A line for the viewer. */
  say(words: BilingualText): void;
  onUrl(url: string): void;
  onRunning(): void;
  /** Ends the demo early. */
  signal: AbortSignal;
}

export interface RunningDemo {
  cut(): void;
  kill(): void;
  /** Exit code, and the outcome when the run was unattended. */
  done: Promise<{ ok: boolean; outcome: unknown }>;
}

const TICK_MS = 500;
const DRAIN_MS = 15_000;
const EDGE_DOWN_MS = 1000;

export function startDemo(options: DemoOptions): RunningDemo {
  const run = new DemoRun(options);
  return { cut: () => run.cut(), kill: () => run.kill(), done: run.run() };
}

class DemoRun {
  readonly #options: DemoOptions;
  #town: DemoTown | null = null;
  #reconciler: Reconciler | null = null;
  readonly #early: CommittedEvent[] = [];
  #clip: string | null;
  #runningAt = 0;
  #act: BilingualText = { en: 'starting', zh: '正在启动' };
  #actsDone = 0;
  #mending: NodeJS.Timeout | null = null;
  #edgeDown = false;
  /** What happened aside that ends the demo. */
  #failure: Error | null = null;
  #ending = false;
  readonly #spoken = new Map<string, string>();
  /** Worst level of each warning while we looked. */
  readonly #worst = new Map<string, Level>();

  constructor(options: DemoOptions) {
    this.#options = options;
    this.#clip = options.camera ? (options.clip ?? presentClip()) : null;
  }

  async run(): Promise<{ ok: boolean; outcome: unknown }> {
    const { signal, forSeconds } = this.#options;
    const fetching = this.#options.camera && !this.#clip ? fetchCamera((line) => this.#options.say({ en: line, zh: line })) : null;
    try {
      await this.#start();
      if (fetching) await this.#addCamera(fetching.done);
      await this.#everythingSpeaks();
      if (signal.aborted) return { ok: true, outcome: null };
      this.#runningAt = Date.now();
      this.#town?.startScript();
      this.#options.onRunning();
      while (!signal.aborted && (forSeconds === null || this.#seconds() < forSeconds)) {
        if (this.#failure) throw this.#failure;
        this.#playActs();
        await this.#look();
        await wait(TICK_MS, signal);
      }
      return forSeconds === null || signal.aborted ? { ok: true, outcome: null } : await this.#finish();
    } catch (error) {
      // What is told to stop while it starts fails, and that is as it should be.
      if (signal.aborted) return { ok: true, outcome: null };
      // The end of a process comes to be known a moment after its connections break.
      if (this.#town && !this.#failure) await wait(TICK_MS, signal);
      throw this.#failure ?? error;
    } finally {
      this.#ending = true;
      fetching?.stop();
      if (this.#mending) clearTimeout(this.#mending);
      await this.#town?.close();
    }
  }

  cut(): void {
    const town = this.#town;
    if (!town || town.relay.cut) return;
    town.relay.setCut(true);
    this.#say({
      en: `network cut for ${CUT_SECONDS} s: the edge log grows, then drains, live values first`,
      zh: `断网 ${CUT_SECONDS} 秒：边缘缓存增长，恢复后先送实时值再补历史`,
    });
    this.#mending = setTimeout(() => {
      town.relay.setCut(false);
      this.#say({ en: 'network back', zh: '网络恢复' });
    }, CUT_SECONDS * 1000);
  }

  kill(): void {
    const town = this.#town;
    if (!town || this.#edgeDown) return;
    this.#edgeDown = true;
    this.#say({ en: 'edge killed (−9): what its log acknowledged is on disk', zh: '边缘节点被强制终止（−9）：日志已确认的都在磁盘上' });
    this.#revive(town.killEdge());
  }

  /** Starts the edge again once `down` has come true. */
  #revive(down: Promise<void>): void {
    this.#reviveEdge(down).catch((error: unknown) => { this.#failure = error as Error; });
  }

  async #reviveEdge(down: Promise<void>): Promise<void> {
    await down;
    await wait(EDGE_DOWN_MS, this.#options.signal);
    if (this.#ending || this.#options.signal.aborted) return;
    await this.#town?.restartEdge(this.#clip);
    this.#edgeDown = false;
    this.#say({ en: 'edge is back and goes on with its backlog', zh: '边缘节点恢复，继续上送积压' });
  }

  async #start(): Promise<void> {
    const town = await startTown({
      dir: this.#options.dir, seed: this.#options.seed, httpPort: this.#options.httpPort, clip: this.#clip, tls: this.#options.tls,
      onGateway: (url) => this.#options.onUrl(url),
      onKept: (kept) => (this.#reconciler ? this.#reconciler.witness(kept) : this.#early.push(kept)),
      onButton: (button) => (button === 'cut' ? this.cut() : this.kill()),
      onEdgeLost: () => {
        if (this.#edgeDown || this.#ending || this.#restarting) return;
        this.#edgeDown = true;
        this.#say({ en: 'the edge ended by itself (see edge.log); starting it again', zh: '边缘节点自行退出（见 edge.log）；正在重启' });
        this.#revive(Promise.resolve());
      },
      onGatewayLost: () => {
        if (!this.#ending) this.#failure = new Error(`the gateway ended by itself; see gateway.log in ${this.#options.dir}`);
      },
      signal: this.#options.signal,
    });
    this.#town = town;
    this.#reconciler = new Reconciler(town.url);
    for (const kept of this.#early) this.#reconciler.witness(kept);
  }

  #restarting = false;

  async #addCamera(done: Promise<string | null>): Promise<void> {
    this.#clip = await Promise.race([done, aborted(this.#options.signal)]);
    if (!this.#clip) {
      if (!this.#options.signal.aborted) {
        this.#options.say({
          en: 'no clip: the demo runs without the camera; give one with `--clip FILE` (any video ffmpeg reads)',
          zh: '没有视频片段：演示将不含摄像机；可用 `--clip FILE` 指定任意 ffmpeg 可读的视频',
        });
      }
      return;
    }
    this.#restarting = true;
    await this.#town?.restartEdge(this.#clip);
    this.#restarting = false;
  }

  #devices(): string[] {
    return ['pump-07', 'air-03', 'air-05', 'gate-02', ...(this.#clip ? ['gate-cam'] : [])];
  }

  async #everythingSpeaks(): Promise<void> {
    const silentSince = Date.now();
    let said = false;
    while (!this.#options.signal.aborted) {
      await this.#look();
      const silent = this.#devices().filter((device) => !this.#reconciler?.speaking.has(device));
      if (silent.length === 0) return;
      if (!said && Date.now() - silentSince > 10_000) {
        said = true;
        this.#options.say({ en: `still waiting for ${silent.join(', ')}`, zh: `仍在等待 ${silent.join('、')}` });
      }
      if (Date.now() - silentSince > 60_000)
        throw new Error(`${silent.join(', ')} gave no value within 60 s; see edge.log in ${this.#options.dir}`);
      await wait(200, this.#options.signal);
    }
  }

  #playActs(): void {
    for (let act = DEMO_ACTS[this.#actsDone]; act && act.atSeconds <= this.#seconds(); act = DEMO_ACTS[this.#actsDone]) {
      this.#actsDone += 1;
      this.#play(act);
    }
  }

  #play(act: DemoAct): void {
    const { forSeconds } = this.#options;
    if (act.unattended && forSeconds === null) return;
    if (act.needs === 'clip' && (this.#clip === null || !hasScene(this.#clip))) return;
    // A run that ends before the hurt has healed would call what is still on its way lost.
    if (act.healsBySeconds !== undefined && forSeconds !== null && act.healsBySeconds > forSeconds) return;
    this.#act = act.words;
    this.#say(act.words);
    if (act.does === 'cut-network') this.cut();
    if (act.does === 'kill-edge') this.kill();
  }

  /** One look at the gateway: new events, warnings, and the view for the console. */
  async #look(): Promise<void> {
    const reconciler = this.#reconciler as Reconciler;
    await reconciler.catchUp();
    for (const warning of await this.#get<{ items: WarningView[] }>('warnings').then(({ items }) => items)) this.#speakOf(warning);
    const { witnessed, missing, twice } = reconciler.tally();
    const calm = this.#runningAt > 0 && !this.#edgeDown;
    const view: DemoView = {
      seconds: this.#runningAt ? Math.round(this.#seconds()) : 0, act: this.#act,
      canCut: calm && !this.#town?.relay.cut, canKill: calm, networkCut: this.#town?.relay.cut ?? false, edgeDown: this.#edgeDown,
      witnessed, missing, twice, checkedAt: Date.now(),
    };
    this.#town?.tellGateway({ kind: 'view', view });
  }

  #speakOf(warning: WarningView): void {
    const state = `${warning.condition}:${warning.level}`;
    if (this.#spoken.get(warning.id) === state) return;
    this.#spoken.set(warning.id, state);
    this.#worst.set(warning.id, Math.min(this.#worst.get(warning.id) ?? 4, warning.level) as Level);
    const reason = warning.reasons[0] ?? warning.title;
    if (warning.condition === 'cleared')
      this.#say({ en: `cleared: ${reason.en}; see "cleared lately" on the page`, zh: `解除：${reason.zh}；见页面“近期已解除”` });
    else
      this.#say({ en: `${reason.en} (exercise); look at its card and click the reason`, zh: `${reason.zh}（演练）；请看卡片并点击依据` });
  }

  async #finish(): Promise<{ ok: boolean; outcome: unknown }> {
    const ranSeconds = this.#seconds();
    if (this.#town?.relay.cut) this.#town.relay.setCut(false);
    const reconciler = this.#reconciler as Reconciler;
    // What was witnessed until now must arrive; the town goes on meanwhile, so a moment with nothing on its way is awaited.
    const untilMs = Date.now() + DRAIN_MS;
    let tally = reconciler.tally();
    do {
      await wait(100, this.#options.signal);
      await reconciler.catchUp();
      tally = reconciler.tally();
    } while (tally.missing > 0 && Date.now() < untilMs && !this.#options.signal.aborted);
    const status = await this.#get<StatusView>('status');
    const { items: warnings } = await this.#get<{ items: WarningView[] }>('warnings');
    const worst = warnings.map((warning) => ({ ...warning, level: this.#worst.get(warning.id) ?? warning.level }));
    const outcome = demoOutcome(reconciler, worst, tally, Math.min(tally.missing, status.path.edgeDepth));
    const missed = demoFailures(outcome, this.#devices(), this.#runningAt, ranSeconds);
    for (const words of missed) this.#options.say({ en: `expected and did not happen: ${words.en}`, zh: `预期未发生：${words.zh}` });
    return { ok: missed.length === 0, outcome };
  }

  async #get<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.#town?.url}/api/v1/${path}`);
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    return (await answer.json()) as T;
  }

  #seconds(): number {
    return (Date.now() - this.#runningAt) / 1000;
  }

  #say({ en, zh }: BilingualText): void {
    const time = this.#runningAt ? `t+${Math.round(this.#seconds())} s ` : '';
    this.#options.say({ en: `${time}${en}`, zh: `${time}${zh}` });
  }
}

function wait(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, delayMs);
    signal.addEventListener('abort', done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}

function aborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });
}
