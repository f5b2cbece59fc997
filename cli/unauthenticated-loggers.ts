/** Warnings about loggers that connect without a password, printed at start and by `check`. */
import type { BilingualText } from '../core/bilingual-text.ts';
import type { EdgeSetup } from '../edge/config/setup.ts';

/** What to say of HJ 212 loggers that dial in without a password; null where there is none. */
export function unauthenticatedLoggerWarning({ devices }: Pick<EdgeSetup, 'devices'>): BilingualText | null {
  const open = devices.flatMap(({ id, driver, settings }) => {
    const { listen, password } = settings as { listen?: string; password?: string };
    return driver === 'hj212' && listen !== undefined && password === undefined ? [id] : [];
  });
  if (open.length === 0) return null;
  const names = `${open.slice(0, 5).join(', ')}${open.length > 5 ? ', …' : ''}`;
  return {
    en: `WARNING: ${names}: without a password anyone who reaches the port and knows the MN can impersonate the logger: add password`,
    zh: `警告：${names}：未设置密码，能连接该端口并知道 MN 者即可冒充该数采仪：请添加 password`,
  };
}
