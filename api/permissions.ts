/**
 * What somebody may do, and the roles that people are given: two closed lists. Which role has which permission stands in
 * gateway/people/roles.ts.
 */
import { z } from 'zod';
import { IDS } from '../core/event.ts';
import { settingIssue } from '../core/setting.ts';

/** `public`: nobody has to be anybody; `account`: any person who is signed in. */
export const PERMISSIONS = [
  'public',
  'account',
  'read',
  'read_evidence',
  'watch_live',
  'command',
  'bind_devices',
  'enrol_edges',
  'manage_users',
  'read_audit',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

export const ROLES = ['viewer', 'operator', 'commander', 'administrator'] as const;
export type Role = (typeof ROLES)[number];

/** Every centre. */
export const ALL_CENTRES = '*';

export const permission = z.enum(PERMISSIONS);
export const scopeCentre = z
  .string()
  .refine(
    (text) => text === ALL_CENTRES || IDS.centre.test(text),
    settingIssue('must be the code of a centre, or * for all', '应为治理中心代码，或以 * 表示全部'),
  )
  .meta({
    en: 'code of a centre, with all that lies under it: 500000 covers 500112001; `*`: all',
    zh: '治理中心代码，含其下级（500000 涵盖 500112001）；* 表示全部',
    examples: ['500112'],
  });
export const grantSchema = z.strictObject({
  role: z.enum(ROLES).meta({ en: 'role', zh: '角色', examples: ['operator'] }),
  centre: scopeCentre,
});
/** A role, in a centre and all below it. */
export type Grant = z.infer<typeof grantSchema>;
