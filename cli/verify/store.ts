/** The store of a gateway: read back by itself where it runs, else from its file. */
import type { StoreCheckView } from '../../api/store-check.ts';
import { faultOf, FaultError, type Fault } from '../../core/faults.ts';
import type { GatewaySetup } from '../../gateway/config/setup.ts';
import { openProgress, type ProgressTask } from '../progress.ts';
import type { CommandTerminal } from '../terminal.ts';
import type { VerifyResult } from './verify-result.ts';
import '../faults.ts';

const LOOK_MS = 250;
const ANSWER_WITHIN_MS = 10_000;
const TASK: ProgressTask = { id: 'store', en: 'verifying the store', zh: '正在校验时序库' };

interface Damaged {
  series: string | null;
  from: number;
  to: number;
  count: number | null;
}

interface StoreCheck {
  path: string;
  chunks: number;
  blocks: number;
  points: number;
  rows: number;
  damaged: Damaged[];
  damages: number;
  problems: { en: string; zh: string }[];
}

/** @throws CV_VERIFY_STORE_HELD */
export async function verifyStorePart(terminal: CommandTerminal, setup: GatewaySetup): Promise<VerifyResult> {
  // On demand: an edge loads nothing of the gateway.
  const { verifyStoreFile } = await import('../../gateway/store/verify-file.ts');
  const progress = openProgress(terminal, TASK);
  try {
    const found = await verifyStoreFile(setup.store.dir, (done, of) => {
      progress.update(done, of);
    });
    if (!found)
      return {
        part: 'store',
        counts: { dir: setup.store.dir },
        faults: [],
        text: { en: `store ${setup.store.dir}: not created yet`, zh: `时序库 ${setup.store.dir}：尚不存在` },
      };
    const damaged = found.damages.map(({ series, from, to, count }): Damaged => ({
      series: found.names.get(series) ?? null,
      from,
      to,
      count,
    }));
    return partOf(
      {
        ...found,
        damaged,
        damages: damaged.length,
        problems: [...found.problems.map((text) => ({ en: text, zh: text })), ...found.misfits],
      },
      false,
    );
  } catch (error) {
    const fault = faultOf(error, 'CV_STORE_FAILED');
    if (fault.code === 'CV_STORE_BUSY')
      return partOf({ path: `${setup.store.dir}/store.db`, ...(await askGateway(setup, progress.update)) }, true);
    return {
      part: 'store',
      counts: { dir: setup.store.dir },
      faults: [fault],
      text: { en: `store ${setup.store.dir}`, zh: `时序库 ${setup.store.dir}` },
    };
  } finally {
    progress.end();
  }
}

async function askGateway(
  { http, store, operators = [] }: GatewaySetup,
  tell: (done: number, of: number) => void,
): Promise<Omit<StoreCheck, 'path'>> {
  const url = `http://${http.host === '0.0.0.0' ? '127.0.0.1' : http.host}:${http.port}`;
  const token = [...(http.readers ?? []), ...operators][0]?.token;
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const held = (detail: string) => new FaultError('CV_VERIFY_STORE_HELD', { path: `${store.dir}/store.db`, url, detail });
  const ask = async (method: 'GET' | 'POST'): Promise<StoreCheckView> => {
    const response = await fetch(`${url}/api/v1/store/check`, { method, headers, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) }).catch(
      (error: Error) => {
        throw held((error.cause as NodeJS.ErrnoException | undefined)?.code ?? error.message);
      },
    );
    if (!response.ok) throw held(String(response.status));
    return (await response.json()) as StoreCheckView;
  };
  let view = await ask('POST');
  while (view.state === 'running') {
    tell(view.done, view.of);
    await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
    view = await ask('GET');
  }
  if (view.fault)
    throw new FaultError('CV_VERIFY_STORE_WRONG', { path: `${store.dir}/store.db`, detail: view.fault.en, detailZh: view.fault.zh });
  return view;
}

function partOf(found: StoreCheck, isOnline: boolean): VerifyResult {
  const { path, chunks, blocks, points, rows, damaged, damages, problems } = found;
  const time = (atMs: number) => new Date(atMs).toISOString();
  const faults: Fault[] = [
    ...damaged.map(({ series, from, to }): Fault => ({
      code: 'CV_STORE_CHUNK_DAMAGED',
      params: { path, series: series ?? '?', from: time(from), to: time(to) },
    })),
    ...problems.map(({ en, zh }): Fault => ({ code: 'CV_VERIFY_STORE_WRONG', params: { path, detail: en, detailZh: zh } })),
  ];
  return {
    part: 'store', faults, counts: { path, online: isOnline, chunks, blocks, points, rows, damages },
    text: {
      en: `store ${path}: ${points} points in ${chunks} chunks, ${rows} in ${blocks} blocks${isOnline ? ', verified by the running gateway' : ''}`,
      zh: `时序库 ${path}：${chunks} 个压缩块中 ${points} 个点，${blocks} 个数据块中 ${rows} 个点${isOnline ? '，由运行中的网关校验' : ''}`,
    },
  };
}
