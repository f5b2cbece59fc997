/** Disk faults of a log: reported once when they begin and once when they are over. */
import type { FaultCode, FaultParams } from '../core/faults.ts';
import type { World } from '../core/world.ts';
import { toLogFault } from './storage-faults.ts';
import type { DiskReport, SalvageReport } from './storage.ts';
import './faults.ts';

const WRITE_FAULTS: readonly FaultCode[] = ['CV_LOG_FAILED', 'CV_LOG_READ_ONLY'];

export class DiskHealth {
  readonly #world: World;
  readonly #edge: { edge?: string };
  readonly #reported = new Set<FaultCode>();
  #disk: DiskReport;
  #headFailure: string | null = null;

  constructor(world: World, disk: DiskReport, edge?: string) {
    this.#world = world;
    this.#disk = disk;
    this.#edge = edge === undefined ? {} : { edge };
    this.disk = disk;
  }

  /** The newest report. */
  get disk(): DiskReport {
    return this.#disk;
  }

  set disk(disk: DiskReport) {
    this.#disk = disk;
    if (!disk.ballast) this.raise('CV_LOG_DISK_FULL', { detail: `${disk.freeBytes} bytes free`, detailZh: `剩余 ${disk.freeBytes} 字节` });
    const failure = disk.headFailure ?? null;
    if (failure !== null && this.#headFailure === null)
      this.#world.tell({
        kind: 'notice',
        level: 'warn',
        en: `cannot write the head file of the log: ${failure}`,
        zh: `事件日志的 head 文件无法写入：${failure}`,
      });
    this.#headFailure = failure;
  }

  /** Whether the ballast is gone: only the last free space is left. */
  get isDiskShort(): boolean {
    return !this.#disk.ballast;
  }

  /** A commit failed. */
  recordFailure(error: unknown): void {
    const { code, params } = toLogFault(error).fault;
    this.raise(code, params);
  }

  /** A commit succeeded. */
  recordSuccess(): void {
    for (const code of [...WRITE_FAULTS, ...(this.isDiskShort ? [] : ['CV_LOG_DISK_FULL' as const])]) {
      if (this.#reported.delete(code)) this.#world.tell({ kind: 'fault_cleared', code, ...this.#edge });
    }
  }

  /** A commit failed and succeeded in a new file. */
  recordFileReplaced(error: unknown): void {
    this.recordFailure(error);
    this.recordSuccess();
  }

  reportSalvages(salvages: readonly SalvageReport[]): void {
    for (const { name, damagedName, detail, present } of salvages) {
      const count = present.reduce((sum, [from, to]) => sum + to - from + 1, 0);
      this.#world.tell({
        kind: 'fault',
        fault: { code: 'CV_LOG_SALVAGED', params: { file: name, aside: damagedName ?? name, count, detail } },
        ...this.#edge,
      });
    }
  }

  raise(code: FaultCode, params: FaultParams): void {
    if (this.#reported.has(code)) return;
    this.#reported.add(code);
    this.#world.tell({ kind: 'fault', fault: { code, params }, ...this.#edge });
  }
}
