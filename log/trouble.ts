/** What ails the disk under a log: told once when it begins, and once when it is over. */
import type { FaultCode, FaultParams } from '../core/faults.ts';
import type { World } from '../core/world.ts';
import { failedWith } from './failing.ts';
import type { DiskReport, Salvage } from './storage.ts';
import './faults.ts';

const OF_WRITING: readonly FaultCode[] = ['CV_LOG_FAILED', 'CV_LOG_READ_ONLY'];

export class Trouble {
  readonly #world: World;
  readonly #edge: { edge?: string };
  readonly #told = new Set<FaultCode>();
  #disk: DiskReport;
  #headFailure: string | null = null;

  constructor(world: World, disk: DiskReport, edge?: string) {
    this.#world = world;
    this.#disk = disk;
    this.#edge = edge === undefined ? {} : { edge };
    this.disk = disk;
  }

  /** The newest that is known of it. */
  get disk(): DiskReport {
    return this.#disk;
  }

  set disk(disk: DiskReport) {
    this.#disk = disk;
    if (!disk.ballast) this.begins('CV_LOG_DISK_FULL', { detail: `${disk.freeBytes} bytes free`, detailZh: `剩余 ${disk.freeBytes} 字节` });
    const failure = disk.headFailure ?? null;
    if (failure !== null && this.#headFailure === null) this.#world.tell({ kind: 'notice', level: 'warn', en: `the log's head file cannot be written: ${failure}`, zh: `日志的 head 文件无法写入：${failure}` });
    this.#headFailure = failure;
  }

  /** The ballast is given up: what is kept from now on is kept in the last room there is. */
  get isShort(): boolean {
    return !this.#disk.ballast;
  }

  /** A commit failed. */
  failed(error: unknown): void {
    const { code, params } = failedWith(error).fault;
    this.begins(code, params);
  }

  /** A commit succeeded. */
  wellAgain(): void {
    for (const code of [...OF_WRITING, ...(this.isShort ? [] : ['CV_LOG_DISK_FULL' as const])]) {
      if (this.#told.delete(code)) this.#world.tell({ kind: 'fault_cleared', code, ...this.#edge });
    }
  }

  /** The disk refused a commit, and took it in a new file. */
  steppedOver(error: unknown): void {
    this.failed(error);
    this.wellAgain();
  }

  salvaged(salvages: readonly Salvage[]): void {
    for (const { name, aside, detail, present } of salvages) {
      const count = present.reduce((sum, [from, to]) => sum + to - from + 1, 0);
      this.#world.tell({ kind: 'fault', fault: { code: 'CV_LOG_SALVAGED', params: { file: name, aside: aside ?? name, count, detail } }, ...this.#edge });
    }
  }

  begins(code: FaultCode, params: FaultParams): void {
    if (this.#told.has(code)) return;
    this.#told.add(code);
    this.#world.tell({ kind: 'fault', fault: { code, params }, ...this.#edge });
  }
}
