/** Which role may do what, and which centres a grant covers. Everybody has `public`, every person `account`. */
import { ALL_CENTRES, PERMISSIONS, type Permission, type Role } from '../../api/permissions.ts';

const VIEWER = ['read', 'read_evidence'] as const;
const OPERATOR = [...VIEWER, 'watch_live', 'command', 'bind_devices'] as const;

export const PERMISSIONS_OF = {
  viewer: VIEWER,
  operator: OPERATOR,
  commander: OPERATOR,
  administrator: PERMISSIONS.filter((permission) => permission !== 'public' && permission !== 'account'),
} as const satisfies Record<Role, readonly Permission[]>;

/**
 * Whether a grant in one centre covers another: the same, or one below it. Codes of six digits are those of GB/T 2260,
 * whose trailing pairs of zeros stand for "all of": 500000 covers 50…, 500100 covers 5001…, 500112 the towns 500112….
 */
export function covers(granted: string, centre: string): boolean {
  if (granted === ALL_CENTRES || granted === centre) return true;
  return /^\d{6}$/.test(granted) && /^\d+$/.test(centre) && centre.startsWith(granted.replace(/(?:00)+$/, '')) && !/^0+$/.test(granted);
}
