/** What people.db keeps: users, sessions, tokens, set-up links, each as one JSON. */
import { z } from 'zod';
import { grantSchema, permission } from '../../api/permissions.ts';

export const userRecord = z.object({
  id: z.string(),
  name: z.string(),
  grants: z.array(grantSchema),
  disabled: z.boolean(),
  /** null until a password was set. */
  hash: z.string().nullable(),
  /** Whom the provider means by them; absent until they have signed in by it. */
  provider: z.object({ issuer: z.string(), subject: z.string() }).optional(),
  /** Hashes of cookies of browsers that they have signed in with. */
  browsers: z.array(z.string()),
  createdAt: z.number(),
});
export const sessionRecord = z.object({
  /** Public: names it in a list. */
  id: z.string(),
  /** Of its cookie. */
  hash: z.string(),
  user: z.string(),
  createdAt: z.number(),
  usedAt: z.number(),
  address: z.string(),
  agent: z.string(),
});
export const tokenRecord = z.object({
  id: z.string(),
  hash: z.string(),
  user: z.string(),
  name: z.string(),
  permissions: z.array(permission),
  centres: z.array(z.string()),
  createdAt: z.number(),
  expiresAt: z.number(),
  usedAt: z.number().nullable(),
});
export const setUpLinkRecord = z.object({
  hash: z.string(),
  /** null: makes the first administrator. */
  user: z.string().nullable(),
  expiresAt: z.number(),
});
export type User = z.infer<typeof userRecord>;
export type Session = z.infer<typeof sessionRecord>;
export type Token = z.infer<typeof tokenRecord>;
export type SetUpLink = z.infer<typeof setUpLinkRecord>;
