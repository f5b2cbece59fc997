/** Who asks, and what they may. */
import type { User } from './records.ts';
import { ALL_CENTRES, type Grant, type Permission } from '../../api/permissions.ts';
import { covers, PERMISSIONS_OF } from './roles.ts';

export interface Principal {
  /** Unlike any other's; kept in records. */
  readonly id: string;
  readonly name: string;
  /** `configured`: by a token of the configuration; `token`: by one that a user made. */
  readonly kind: 'user' | 'token' | 'configured' | 'anonymous';
  readonly grants: readonly Grant[];
  /** Of a token: no more than this of what its owner may. */
  readonly limit?: { readonly permissions: readonly Permission[]; readonly centres: readonly string[] };
}

/** Whose request it is that changes something. */
export interface Actor {
  principal: Principal;
  address: string;
}

/** A user, as they are at the moment. */
export const principalOf = ({ id, name, grants }: Pick<User, 'id' | 'name' | 'grants'>): Principal => ({
  id: `user:${id}`, name, kind: 'user', grants,
});

export const NOBODY: Principal = { id: 'anonymous', name: '', kind: 'anonymous', grants: [] };
/** Whoever asks from the gateway's own machine, where nobody has to sign in. */
export const LOCAL: Principal = { id: 'anonymous', name: 'local', kind: 'anonymous', grants: [{ role: 'viewer', centre: ALL_CENTRES }] };

/** @param centre without one: in any centre at all; `*`: in every one */
export function may(principal: Principal, permission: Permission, centre?: string): boolean {
  if (permission === 'public') return true;
  // An account is a person's: no token changes a password.
  if (permission === 'account') return principal.kind === 'user';
  const { limit } = principal;
  if (limit && !limit.permissions.includes(permission)) return false;
  if (limit && centre !== undefined && !limit.centres.some((scope) => covers(scope, centre))) return false;
  return principal.grants.some(
    (grant) =>
      (PERMISSIONS_OF[grant.role] as readonly Permission[]).includes(permission) &&
      (centre === undefined ? !limit || limit.centres.some((scope) => overlaps(scope, grant.centre)) : covers(grant.centre, centre)),
  );
}

const overlaps = (a: string, b: string): boolean => covers(a, b) || covers(b, a);

/** Every permission that somebody has anywhere, for a page that hides what they may not. */
export const permissionsOf = (principal: Principal, all: readonly Permission[]): Permission[] =>
  all.filter((permission) => permission !== 'public' && may(principal, permission));
