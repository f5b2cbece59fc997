/** What the rules of a gateway remember, its warnings and its outbox: read from the file, where no gateway uses it. */
import { faultOf } from '../../core/faults.ts';
import type { VerifyResult } from './verify-result.ts';
import '../faults.ts';

/** @param dir of the store */
export async function verifyWarningState(dir: string): Promise<VerifyResult> {
  // On demand: an edge loads nothing of the gateway.
  const { verifyStateFile } = await import('../../gateway/warnings/verify-file.ts');
  const part = (en: string, zh: string, more: Partial<VerifyResult> = {}): VerifyResult => ({
    part: 'state',
    counts: { dir },
    faults: [],
    text: { en: `rules and warnings ${dir}/state.db${en}`, zh: `规则与预警 ${dir}/state.db${zh}` },
    ...more,
  });
  try {
    const found = verifyStateFile(dir);
    if (!found) return part(': not created yet', '：尚不存在');
    const { path, counts, problems } = found;
    return part(
      `: ${counts.warnings} warnings, ${counts.series + counts.keys} rule states, ${counts.outbox} queued for sending`,
      `：${counts.warnings} 条预警，${counts.series + counts.keys} 条规则状态，${counts.outbox} 条待发消息`,
      {
        counts: { path, ...counts },
        faults: problems.map(({ en, zh }) => ({ code: 'CV_VERIFY_STATE_WRONG', params: { path, detail: en, detailZh: zh } })),
      },
    );
  } catch (error) {
    const fault = faultOf(error, 'CV_STORE_FAILED');
    if (fault.code === 'CV_STORE_BUSY')
      return part(': in use by a gateway, stop it to check', '：正被网关使用，停止后可一并检查', { counts: { dir, live: true } });
    return part('', '', {
      faults: [
        fault.code === 'CV_STORE_DAMAGED'
          ? {
              code: 'CV_VERIFY_STATE_WRONG',
              params: { path: `${dir}/state.db`, detail: String(fault.params.detail ?? ''), detailZh: String(fault.params.detail ?? '') },
            }
          : fault,
      ],
    });
  }
}
