/** Reading the store back while the gateway runs: begun on request, one at a time, looked at as it goes. */
import type { StoreCheckView } from '../../api/store-check.ts';
import { seriesKey } from '../../core/event.ts';
import { explain, faultOf } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import type { Store } from './store.ts';
import type { Verification } from './verify.ts';

export interface StoreCheck {
  view(): StoreCheckView;
  /** Begins, unless one is under way. */
  start(): StoreCheckView;
}

/** More would only say that the disk is broken. */
const MAX_DAMAGED = 1000;

const NEVER: StoreCheckView = {
  state: 'never',
  startedAt: null,
  endedAt: null,
  done: 0,
  of: 0,
  chunks: 0,
  blocks: 0,
  points: 0,
  rows: 0,
  damages: 0,
  damaged: [],
  problems: [],
  fault: null,
};

export function openStoreCheck(store: Pick<Store, 'verify' | 'nameOf'>, world: Pick<World, 'clock'>): StoreCheck {
  const { clock } = world;
  let view = NEVER;

  async function run(): Promise<void> {
    try {
      const found = await store.verify((done, of) => { view = { ...view, done, of }; });
      view = { ...view, ...shown(store, found), state: 'done', endedAt: clock.nowMs() };
    } catch (error) {
      const fault = faultOf(error, 'CV_STORE_FAILED');
      view = {
        ...view,
        state: 'failed',
        endedAt: clock.nowMs(),
        fault: { code: fault.code, zh: explain(fault, 'zh-CN').message, en: explain(fault, 'en').message },
      };
    }
  }

  return {
    view: () => view,
    start() {
      if (view.state === 'running') return view;
      view = { ...NEVER, state: 'running', startedAt: clock.nowMs() };
      void run();
      return view;
    },
  };
}

function shown(
  store: Pick<Store, 'nameOf'>,
  { chunks, blocks, points, rows, damages, problems, misfits }: Verification,
): Partial<StoreCheckView> {
  return {
    chunks, blocks, points, rows, damages: damages.length,
    damaged: damages.slice(0, MAX_DAMAGED).map(({ series, from, to, count }) => {
      const name = store.nameOf(series);
      return { series: name && seriesKey(name), from, to, count };
    }),
    problems: [...problems.map((text) => ({ zh: text, en: text })), ...misfits],
  };
}
